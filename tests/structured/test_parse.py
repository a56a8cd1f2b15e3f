"""`parse` in both worlds: what is sent, what comes back, the ends that are no answer; beside the official library on the same answers."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import openai
import pytest
from openai.lib._parsing._completions import parse_chat_completion as official_completion
from openai.lib._parsing._responses import parse_response as official_response
from openai.types.chat import ChatCompletion as OfficialCompletion
from openai.types.responses import Response as OfficialResponse
from pydantic import BaseModel

import oxide
from oxide import ContentFilterFinishReasonError, LengthFinishReasonError, StructureError, strict_schema
from oxide._helpers.structured import parse_completion, parse_response
from oxide.testing import Fault
from oxide.types.chat import ChatCompletion, ParsedChatCompletion, ParsedFunctionToolCall
from oxide.types.responses import (
    ParsedResponse,
    ParsedResponseFunctionToolCall,
    ParsedResponseOutputMessage,
    ParsedResponseOutputText,
    Response,
)

if TYPE_CHECKING:
    from oxide.testing import Server
    from tests.faces._both import Face


@dataclass
class Step:
    explanation: str
    output: str


@dataclass
class Reply:
    steps: list[Step]
    final: str
    note: str | None = None


class Model(BaseModel):
    final: str


@oxide.tool
def look_up(word: str, many: bool = False) -> str:
    """Look up a word."""
    return f"{word} {many}"


ANSWER = {"steps": [{"explanation": "e", "output": "o"}], "final": "f", "note": None}
CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


def message(text: str, **fields: Any) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part], **fields}


def response(*output: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "m",
        "status": "completed",
        "output": list(output),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "temperature": 1.0,
        "top_p": 1.0,
        **fields,
    }


def completion(finish_reason: str = "stop", **fields: Any) -> dict[str, Any]:
    told = {"role": "assistant", "content": None, "refusal": None, **fields}
    choice = {"index": 0, "finish_reason": finish_reason, "logprobs": None, "message": told}
    return {"id": "chatcmpl_1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}


def call(name: str, arguments: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": "fc_1",
        "call_id": "call_1",
        "name": name,
        "arguments": arguments,
        "status": "completed",
        **fields,
    }


def chat_call(name: str, arguments: str) -> dict[str, Any]:
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}


REFUSAL = message("", content=[{"type": "refusal", "refusal": "no"}])


# ------------------------------------------------------------------------------------------------------------ responses
def test_an_answer_is_an_instance(face: Face, server: Server) -> None:
    client = face.client(server)
    answer = client.responses.parse(model="m", input="Hello", text_format=Reply)
    assert isinstance(answer, ParsedResponse)
    assert answer.output_parsed == Reply([Step("explanation", "output")], "final", "note")
    sent = server.requests[-1].json
    assert sent["text"] == {"format": {"type": "json_schema", "name": "Reply", "schema": strict_schema(Reply), "strict": True}}
    assert sent.keys() == {"model", "input", "text"}


def test_a_parsed_answer_does_what_any_answer_does(face: Face, server: Server) -> None:
    client = face.client(server)
    answer = client.responses.parse(model="m", input="Hello", text_format=Reply)
    assert isinstance(answer, Response)
    assert answer.http.status == 200
    assert json.loads(answer.output_text)["final"] == "final"
    plain = client.responses.retrieve(answer.id)
    assert answer.to_dict() == plain.to_dict()
    again = client.responses.parse(model="m", input=[*answer.output, {"role": "user", "content": "More"}], text_format=Reply)
    assert again.output_parsed is not None
    assert "parsed" not in server.requests[-1].json["input"][0]["content"][0]


def test_copies_keep_what_was_parsed() -> None:
    answer = parse_response(Response.from_dict(response(message(json.dumps(ANSWER)))), Reply)
    for other in (copy.copy(answer), copy.deepcopy(answer), pickle.loads(pickle.dumps(answer))):
        assert other == answer
        assert other.output_parsed == answer.output_parsed is not None
    assert dataclasses.replace(answer, model="n").output_parsed == answer.output_parsed
    assert ParsedResponse.from_dict(answer.to_dict()).output_parsed is None


def test_other_settings_of_the_text_are_kept(face: Face, server: Server) -> None:
    client = face.client(server)
    client.responses.parse(model="m", input="Hello", text_format=Reply, text={"verbosity": "low"})
    assert server.requests[-1].json["text"].keys() == {"verbosity", "format"}
    with pytest.raises(TypeError, match=r"text_format and text\.format"):
        client.responses.parse(model="m", input="Hello", text_format=Reply, text={"format": {"type": "text"}})


FORMS: list[tuple[str, Any, Any]] = [
    ("a list", list[int], [1]),
    ("a model", Model, Model(final="final")),
    ("a schema", {"title": "T", "type": "object", "properties": {"a": {"type": "string"}}}, {"a": "a"}),
    ("a format that is written out", {"type": "json_object"}, None),
]


@pytest.mark.parametrize(("hint", "wanted"), [row[1:] for row in FORMS], ids=[row[0] for row in FORMS])
def test_both_apis_take_every_type(face: Face, server: Server, hint: Any, wanted: Any) -> None:
    client = face.client(server)
    assert client.responses.parse(model="m", input="Hello", text_format=hint).output_parsed == wanted
    assert client.chat.completions.parse(**CHAT, response_format=hint).choices[0].message.parsed == wanted


def test_without_a_type_nothing_is_parsed(face: Face, server: Server) -> None:
    client = face.client(server)
    answer = client.responses.parse(model="m", input="Hello")
    assert (answer.output_parsed, answer.output_text) == (None, "You said: Hello")
    assert client.chat.completions.parse(**CHAT).choices[0].message.parsed is None


def test_another_type_may_be_parsed_than_was_sent(face: Face, server: Server) -> None:
    client = face.client(server)
    answer = client.responses.parse(model="m", input="Hello", text_format=Reply, parse_as=Model)
    assert answer.output_parsed == Model(final="final")
    assert client.responses.parse(model="m", input="Hello", text_format=Reply, parse_as=None).output_parsed is None


def test_raw_answers_are_parsed_too(face: Face, server: Server) -> None:
    raw = face.client(server).responses.with_raw_response.parse(model="m", input="Hello", text_format=Reply)
    assert raw.status_code == 200
    assert raw.parse().output_parsed.final == "final"


def test_arguments_of_calls_are_parsed_by_their_tools(face: Face, server: Server) -> None:
    client = face.client(server)
    answer = client.responses.parse(model="m", input="Use look_up on Rivers", tools=iter([look_up]))
    assert server.requests[-1].json["tools"] == [look_up.definition]
    found = answer.output[0]
    assert isinstance(found, ParsedResponseFunctionToolCall)
    assert found.parsed_arguments == {"word": "Rivers", "many": True}
    assert answer.function_calls == [found]
    assert look_up.call(found.arguments) == "Rivers True"


ENDS: list[tuple[str, type[Exception]]] = [
    ("max_output_tokens", LengthFinishReasonError),
    ("content_filter", ContentFilterFinishReasonError),
    ("something_new", LengthFinishReasonError),
]


@pytest.mark.parametrize(("reason", "kind"), ENDS)
def test_an_incomplete_answer_is_an_error_that_has_it(face: Face, server: Server, reason: str, kind: type[Exception]) -> None:
    server.fail_next(Fault(status=200, body=response(message("{"), status="incomplete", incomplete_details={"reason": reason})))
    with pytest.raises(kind) as caught:
        face.client(server).responses.parse(model="m", input="Hello", text_format=Reply)
    answer: Any = getattr(caught.value, "completion", None)
    assert answer.output_text == "{"


def test_an_incomplete_answer_that_nobody_parses_is_an_answer(face: Face, server: Server) -> None:
    server.fail_next(Fault(status=200, body=response(status="incomplete", incomplete_details={"reason": "max_output_tokens"})))
    assert face.client(server).responses.parse(model="m", input="Hello").status == "incomplete"


def test_a_refusal_is_no_error(face: Face, server: Server) -> None:
    server.fail_next(Fault(status=200, body=response(REFUSAL)), Fault(status=200, body=completion(refusal="no")))
    client = face.client(server)
    answer = client.responses.parse(model="m", input="Hello", text_format=Reply)
    assert answer.output_parsed is None
    assert answer.output[0].content[0].refusal == "no"
    told = client.chat.completions.parse(**CHAT, response_format=Reply).choices[0].message
    assert (told.parsed, told.refusal) == (None, "no")


def test_a_text_of_another_type_is_an_error_that_has_the_answer(face: Face, server: Server) -> None:
    wrong = json.dumps({**ANSWER, "final": 3})
    server.fail_next(Fault(status=200, body=response(message(wrong))), Fault(status=200, body=completion(content=wrong)))
    client = face.client(server)
    with pytest.raises(StructureError, match=r"^\$\.final: expected str, got int$") as caught:
        client.responses.parse(model="m", input="Hello", text_format=Reply)
    assert (caught.value.path, caught.value.text, caught.value.response.id) == ("$.final", wrong, "resp_1")
    with pytest.raises(StructureError, match=r"^\$\.final") as caught:
        client.chat.completions.parse(**CHAT, response_format=Reply)
    assert caught.value.response.id == "chatcmpl_1"


def test_only_the_final_answer_is_parsed() -> None:
    said = Response.from_dict(response(message("let me see", phase="commentary"), message(json.dumps(ANSWER), phase="final_answer")))
    parsed = parse_response(said, Reply)
    assert [each.content[0].parsed is None for each in parsed.output] == [True, False]
    assert parsed.output_parsed is not None


# ----------------------------------------------------------------------------------------------------------------- chat
def test_a_chat_message_is_an_instance(face: Face, server: Server) -> None:
    client = face.client(server)
    for api in (client.chat, client.beta.chat):
        answer = api.completions.parse(**CHAT, response_format=Reply)
        assert isinstance(answer, ParsedChatCompletion)
        assert isinstance(answer, ChatCompletion)
        assert answer.choices[0].message.parsed == Reply([Step("explanation", "output")], "final", "note")
        assert answer.http.status == 200
    sent = server.requests[-1].json["response_format"]
    assert sent == {"type": "json_schema", "json_schema": {"name": "Reply", "schema": strict_schema(Reply), "strict": True}}


def test_arguments_of_chat_calls_are_parsed_by_their_tools(face: Face, server: Server) -> None:
    client = face.client(server)
    asked: dict[str, Any] = {**CHAT, "messages": [{"role": "user", "content": "Use look_up on Rivers"}]}
    answer = client.chat.completions.parse(**asked, tools=iter([look_up]))
    assert server.requests[-1].json["tools"] == [look_up.chat_definition]
    found = answer.choices[0].message.tool_calls[0]
    assert isinstance(found, ParsedFunctionToolCall)
    assert found.function.parsed_arguments == {"word": "Rivers", "many": True}
    with pytest.raises(ValueError, match="not strict"):
        client.chat.completions.parse(**CHAT, tools=[{"type": "function", "function": {"name": "f"}}])


def test_tools_go_into_plain_calls(face: Face, server: Server) -> None:
    client = face.client(server)
    client.responses.create(model="m", input="Hello", tools=[look_up])
    assert server.requests[-1].json["tools"] == [look_up.definition]
    client.chat.completions.create(**CHAT, tools=(each for each in [look_up]))
    assert server.requests[-1].json["tools"] == [look_up.chat_definition]
    list(client.chat.completions.create(**CHAT, tools=[look_up], stream=True))
    assert server.requests[-1].json["tools"] == [look_up.chat_definition]
    with pytest.raises(TypeError, match="tools"):
        client.chat.completions.create(**CHAT, tools=[object()])


@pytest.mark.parametrize(("reason", "kind"), [("length", LengthFinishReasonError), ("content_filter", ContentFilterFinishReasonError)])
def test_a_chat_that_was_cut_is_an_error_that_has_it(face: Face, server: Server, reason: str, kind: type[Exception]) -> None:
    server.fail_next(Fault(status=200, body=completion(reason, content="{")))
    with pytest.raises(kind) as caught:
        face.client(server).chat.completions.parse(**CHAT, response_format=Reply)
    answer: Any = getattr(caught.value, "completion", None)
    assert answer.choices[0].message.content == "{"


# ----------------------------------------------------------------------------------------- beside the official library
TEXT = json.dumps({"final": "f"})
QUERY = oxide.pydantic_responses_function_tool(Model, name="query")
OFFICIAL_QUERY: Any = openai.pydantic_responses_function_tool(Model, name="query")
STRICT: Any = {"type": "function", "name": "strict", "parameters": {}, "strict": True}
RESPONSES: list[tuple[str, dict[str, Any]]] = [
    ("a text", response(message(TEXT))),
    ("two texts", response(message("x", phase="commentary"), message(TEXT, phase="final_answer"))),
    ("a refusal", response(REFUSAL)),
    ("nothing", response()),
    ("a call", response(call("query", TEXT), call("strict", '{"a": 1}'), call("unknown", "{}"))),
    ("a reasoning item", response({"type": "reasoning", "id": "rs_1", "summary": []}, message(TEXT))),
]
COMPLETIONS: list[tuple[str, dict[str, Any]]] = [
    ("a text", completion(content=TEXT)),
    ("a refusal", completion(refusal="no")),
    ("a refusal beside a text", completion(content=TEXT, refusal="no")),
    ("nothing", completion()),
    ("calls", completion("tool_calls", tool_calls=[chat_call("Model", TEXT), chat_call("strict", '{"a": 1}'), chat_call("unknown", "{}")])),
]


@pytest.mark.parametrize("body", [row[1] for row in RESPONSES], ids=[row[0] for row in RESPONSES])
def test_a_response_is_parsed_as_officially(body: dict[str, Any]) -> None:
    official: Any = official_response(text_format=Model, input_tools=[OFFICIAL_QUERY, STRICT], response=OfficialResponse.construct(**body))
    ours = parse_response(Response.from_dict(body), Model, [QUERY, STRICT])
    assert ours.output_parsed == official.output_parsed
    for item, there in zip(ours.output, official.output, strict=True):
        if isinstance(item, ParsedResponseOutputMessage):
            assert [getattr(part, "parsed", None) for part in item.content] == [getattr(part, "parsed", None) for part in there.content]
            assert all(type(part).__name__ == type(other).__name__ for part, other in zip(item.content, there.content, strict=True))
        if isinstance(item, ParsedResponseFunctionToolCall):
            assert item.parsed_arguments == there.parsed_arguments
        assert type(item).__name__ == type(there).__name__


@pytest.mark.parametrize("body", [row[1] for row in COMPLETIONS], ids=[row[0] for row in COMPLETIONS])
def test_a_completion_is_parsed_as_officially(body: dict[str, Any]) -> None:
    strict: Any = {"type": "function", "function": {"name": "strict", "strict": True}}
    official: Any = official_completion(
        response_format=Model,
        input_tools=[openai.pydantic_function_tool(Model), strict],
        chat_completion=OfficialCompletion.model_validate(body),
    )
    ours = parse_completion(ChatCompletion.from_dict(body), Model, [oxide.pydantic_function_tool(Model), strict])
    for choice, there in zip(ours.choices, official.choices, strict=True):
        assert choice.message.parsed == there.message.parsed
        assert type(choice).__name__ == type(there).__name__.partition("[")[0]
        found = [each.function.parsed_arguments for each in choice.message.tool_calls or ()]
        assert found == [each.function.parsed_arguments for each in there.message.tool_calls or ()]


def test_official_annotations_of_parsed_types_work() -> None:
    assert ParsedResponse[Reply] is not None
    assert ParsedResponseOutputText[Reply].__name__ == "ParsedResponseOutputText"
