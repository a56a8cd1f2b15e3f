"""Mistakes that checkers should find: every line that ends in `# mistake`, and no other. Never run."""

from __future__ import annotations

from oxide.resources.chat import Chat
from oxide.resources.responses import Responses
from oxide.types.responses import Response, ResponseOutputText


def calls(responses: Responses, chat: Chat) -> None:
    responses.create(modle="gpt-4o")  # mistake
    responses.create(model=4)  # mistake
    responses.retrieve()  # mistake
    responses.retrieve("resp_1", None)  # mistake
    responses.create(input=[{"role": "user", "contents": "hi"}])  # mistake
    responses.create(tools=[{"type": "function", "name": 3}])  # mistake
    chat.completions.create(model="gpt-4o")  # mistake
    chat.completions.create(model="gpt-4o", messages=[{"role": "usr", "content": "hi"}])  # mistake
    responses.create(model="gpt-4o", timeout="soon")  # mistake


def raw_calls(responses: Responses) -> None:
    responses.with_raw_response.create(modle="gpt-4o")  # mistake
    responses.with_raw_response.create(model=4)  # mistake
    responses.with_raw_response.retrieve()  # mistake
    responses.with_raw_response.creat()  # mistake
    responses.with_raw_response.create(model="gpt-4o").output_text  # mistake  # noqa: B018
    responses.with_streaming_response.create(model="gpt-4o").parse()  # mistake
    responses.with_streaming_response.retrieve("resp_1", tiemout=3)  # mistake


def results(response: Response) -> None:
    response.outputs  # mistake  # noqa: B018
    response.output_text.foo  # mistake  # noqa: B018
    ResponseOutputText(text="a", annotations=[], logprobs=[], mood="good")  # mistake
    ResponseOutputText(annotations=[], logprobs=[])  # mistake
    ResponseOutputText(text=5, annotations=[], logprobs=[])  # mistake
