"""Ask a question and print the answer, and what is known of the call.

    OPENAI_API_KEY=... python examples/plain.py

Without a key: `python -m oxide serve` in another terminal, and OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=test here.
"""

from oxide import Client

MODEL = "gpt-5-mini"

with Client() as client:
    response = client.responses.create(model=MODEL, instructions="Answer in one sentence.", input="Why is the sky blue?")
    print(response.output_text)

    http = response.http
    print(f"{http.version} {http.status}, request id {http.request_id}, {http.timings.done:.3f} s, {len(http.attempts)} attempt(s)")

    messages = [{"role": "user", "content": "And why is grass green?"}]
    completion = client.chat.completions.create(model=MODEL, messages=messages)
    print(completion.choices[0].message.content)
