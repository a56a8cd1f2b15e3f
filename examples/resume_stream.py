"""Follow a long answer that is made in the background, over a connection that breaks again and again.

    python examples/resume_stream.py

It brings a server of its own, whose connections break on purpose, and needs no key. With the real service only the inner block is
yours.
"""

from oxide import Client, RetryPolicy
from oxide.testing import Fault, Server

BREAKS = [Fault(cut="reset", at="body", after=3000 + 200 * n) for n in range(3)]

with Server() as server:
    server.fail_next(*BREAKS)
    with Client(base_url=server.url, api_key="test", retry=RetryPolicy(first=0.01)) as client:
        question = "Tell me a story that is so long that no connection lasts until its end."
        with client.responses.stream(model="gpt-5-mini", input=question, background=True, resume=True) as stream:
            numbers = []
            for event in stream:
                numbers.append(event.sequence_number)
                if event.type == "response.output_text.delta":
                    print(event.delta, end="", flush=True)
        print()
        print(f"{len(numbers)} events, {len(server.requests)} connections")
        assert numbers == [*range(len(numbers))], "none is lost, none comes twice"
