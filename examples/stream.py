"""Print two answers while they are being written: one of the Responses API, one of Chat Completions.

    OPENAI_API_KEY=... python examples/stream.py

Without a key: `python -m oxide serve` in another terminal, and OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=test here.
"""

from oxide import Client, Timeout

MODEL = "gpt-5-mini"

# At most 30 seconds to the first event, and 10 between two of them.
with Client(timeout=Timeout(first_event=30, idle=10)) as client:
    with client.responses.create(model=MODEL, input="Tell me a very short story.", stream=True) as stream:
        for event in stream:
            if event.type == "response.output_text.delta":
                print(event.delta, end="", flush=True)
            elif event.type == "response.completed":
                print(f"\n({event.response.usage.total_tokens} tokens)")

    messages = [{"role": "user", "content": "Tell me another one."}]
    with client.chat.completions.create(model=MODEL, messages=messages, stream=True) as chunks:
        for chunk in chunks:
            for choice in chunk.choices:
                print(choice.delta.content or "", end="", flush=True)
    print()
