"""What checkers should understand of raw and streamed answers, and of files. Never run; mypy and pyright read it, both strictly."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from typing_extensions import assert_type

from oxide import AsyncClient, Client
from oxide._binary import AsyncBinaryResponse, BinaryResponse
from oxide._page import LoadedAsyncPage, Page
from oxide._raw import RawResponse
from oxide._stream import AsyncStream, Stream
from oxide._streamed import AsyncStreamingResponse, StreamingResponse
from oxide.types import FileObject
from oxide.types.chat import ChatCompletion, ChatCompletionChunk
from oxide.types.responses import Response, ResponseItem, ResponseStreamEvent


def raw(client: Client, either: bool) -> None:
    responses = client.responses.with_raw_response
    assert_type(responses.create(model="m", input="x"), RawResponse[Response])
    assert_type(responses.create(model="m", input="x").parse(), Response)
    assert_type(responses.create(model="m", input="x", stream=True), RawResponse[Stream[ResponseStreamEvent]])
    assert_type(responses.create(model="m", input="x", stream=either), RawResponse[Response | Stream[ResponseStreamEvent]])
    assert_type(responses.delete("resp_1"), RawResponse[None])
    assert_type(responses.input_items.list("resp_1"), RawResponse[Page[ResponseItem]])
    assert_type(client.with_raw_response.responses.retrieve("resp_1"), RawResponse[Response])
    assert_type(client.chat.with_raw_response.completions.create(model="m", messages=[]).parse(), ChatCompletion)
    assert_type(client.files.with_raw_response.content("f"), RawResponse[BinaryResponse])
    assert_type(client.files.with_raw_response.list().parse(), Page[FileObject])
    assert_type(client.request("GET", "/models").parse(), object)
    answer = responses.create(model="m", input="x")
    assert_type(answer.status_code, int)
    assert_type(answer.request_id, str | None)
    assert_type(answer.text, str)
    assert_type(answer.content, bytes)


async def raw_waiting(client: AsyncClient, either: bool) -> None:
    responses = client.responses.with_raw_response
    assert_type(await responses.create(model="m", input="x"), RawResponse[Response])
    assert_type((await responses.create(model="m", input="x", stream=True)).parse(), AsyncStream[ResponseStreamEvent])
    assert_type(await responses.create(model="m", input="x", stream=either), RawResponse[Response | AsyncStream[ResponseStreamEvent]])
    assert_type(await responses.input_items.list("resp_1"), RawResponse[LoadedAsyncPage[ResponseItem]])
    assert_type(await client.with_raw_response.files.content("f"), RawResponse[AsyncBinaryResponse])
    assert_type(await client.chat.completions.with_raw_response.create(model="m", messages=[]), RawResponse[ChatCompletion])


def streamed(client: Client) -> None:
    with client.responses.with_streaming_response.create(model="m", input="x") as answer:
        assert_type(answer, StreamingResponse[Response])
        assert_type(answer.parse(), Response)
        assert_type(answer.text(), str)
        assert_type(answer.iter_lines(), Iterator[str])
    with client.chat.completions.with_streaming_response.create(model="m", messages=[], stream=True) as chunks:
        assert_type(chunks.parse(), Stream[ChatCompletionChunk])
    with client.with_streaming_response.files.content("f") as file:
        assert_type(file.parse(), BinaryResponse)


async def streamed_waiting(client: AsyncClient) -> None:
    async with client.responses.with_streaming_response.create(model="m", input="x") as answer:
        assert_type(answer, AsyncStreamingResponse[Response])
        assert_type(await answer.parse(), Response)
        assert_type(await answer.text(), str)
        assert_type(answer.iter_bytes(1024), AsyncIterator[bytes])
    async with client.files.with_streaming_response.list() as listed:
        assert_type(await listed.parse(), LoadedAsyncPage[FileObject])


def files(client: Client) -> None:
    speech = client.audio.speech.create(model="tts", voice="alloy", input="Hello")
    assert_type(speech, BinaryResponse)
    assert_type(speech.content, bytes)
    assert_type(speech.json(), object)
    assert_type(speech.iter_bytes(), Iterator[bytes])
    speech.stream_to_file("speech.mp3", progress=lambda so_far, total: print(so_far, total))


async def files_waiting(client: AsyncClient) -> None:
    file = await client.files.content("f")
    assert_type(file, AsyncBinaryResponse)
    assert_type(await file.read(), bytes)
    assert_type(await file.aread(), bytes)
    assert_type(file.content, bytes)
    await file.astream_to_file("out")
