"""Files within the story of a call: written pieces, repeats, redirects, hooks; the network is a list here."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any

import pytest

import oxide
from oxide import File, UploadError
from oxide._files import JOIN, PIECE, part_of
from oxide._protocol.multipart import Multipart, Part
from oxide._transport.base import run_now
from oxide._transport.feed import fed, release
from tests.exchange._story import answer, asked, failed, scripted, scripted_async

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

MADE = answer(200, {"id": "file-1", "object": "file"})
LARGE = b"0123456789" * 40_000


def upload(client: Any, file: Any, **options: Any) -> Any:
    return client.files.create(file=file, purpose="batch", **options)


def pieces_of(form: Multipart) -> list[bytes]:
    """Return the pieces in which a form goes out."""

    async def gathered() -> list[bytes]:
        pieces: Any = fed(form, None)
        return [piece async for piece in pieces]

    return run_now(gathered())


def form(*files: object) -> Multipart:
    return Multipart([Part("a", "b"), *(part_of("f", file) for file in files), Part("c", "d")], "b0undary")


# ----------------------------------------------------------------------------------------------------------------- pieces
def test_small_pieces_are_joined_and_large_ones_go_out_as_they_are() -> None:
    pieces = pieces_of(form(iter([b"x" * 1000] * 1000)))
    assert all(JOIN <= len(piece) < JOIN + 2000 for piece in pieces[:-1])
    large = b"x" * JOIN
    pieces = pieces_of(form(("name", [large, large, b"y"])))
    assert pieces[1] is large
    assert len(pieces) == 3  # the first one has the head before it, the last one the end behind it


def test_bytes_in_memory_are_cut_and_never_copied_as_a_whole() -> None:
    assert max(map(len, pieces_of(form(LARGE)))) <= PIECE + JOIN
    assert b"".join(pieces_of(form(LARGE, bytearray(LARGE)))).count(LARGE) == 2


def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for empty in (tmp_path / "empty", b"", iter([b"", b""]), ("name", memoryview(b""))):
        sent = b"".join(pieces_of(form(empty)))
        assert sent.count(b"Content-Type: application/octet-stream\r\n\r\n\r\n--b0undary") == 1


def test_a_length_that_is_known_is_true_for_every_mixture(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(LARGE)
    mixed = form(tmp_path / "file", b"x", LARGE, (None, tmp_path / "file"))
    assert mixed.length == sum(map(len, pieces_of(mixed)))
    assert form(tmp_path / "file", iter([b"x"])).length is None


def test_an_empty_piece_in_the_midst_does_not_end_an_async_iterator() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"", b"a", b"", b"b", b""):
            yield piece

    client, world = scripted_async([MADE])

    async def main() -> None:
        await upload(client, pieces())
        await client.close()

    asyncio.run(main())
    assert asked(world)[0].body.count(b"ab\r\n--") == 1


# ---------------------------------------------------------------------------------------------------------------- repeats
def test_the_boundary_and_the_idempotency_key_stay_when_a_form_is_sent_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(LARGE)
    client, world = scripted([failed(500), MADE])
    upload(client, tmp_path / "file")
    first, second = asked(world)
    assert (first.headers["content-type"], first.key, first.body) == (second.headers["content-type"], second.key, second.body)
    assert first.headers["content-length"] == str(len(first.body))


def test_a_redirect_takes_the_file_along_where_it_can(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(LARGE)
    client, world = scripted([answer(307, location="/v1/elsewhere"), MADE])
    upload(client, tmp_path / "file")
    assert [request.target for request in asked(world)] == ["/v1/files", "/v1/elsewhere"]
    assert asked(world)[0].body == asked(world)[1].body

    client, world = scripted([answer(307, location="/v1/elsewhere"), MADE])
    with pytest.raises(oxide.APIConnectionError, match="cannot be sent again"):
        upload(client, iter([LARGE]))
    assert len(asked(world)) == 1


def test_a_connection_that_had_died_is_replaced_for_a_file_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(LARGE)
    client, world = scripted([MADE, ConnectionResetError()], [MADE], max_retries=0)
    upload(client, tmp_path / "file")
    upload(client, tmp_path / "file")
    assert [len(sent) > len(LARGE) for sent in world.sent] == [True, True]


def test_one_iterator_among_files_forbids_the_repeat() -> None:
    client, world = scripted([failed(500), MADE])
    with pytest.raises(oxide.InternalServerError):
        client.images.edit(image=[LARGE, iter([b"x"])], prompt="p")
    assert len(asked(world)) == 1


def test_the_same_open_file_may_be_given_twice(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(LARGE)
    client, world = scripted([MADE])
    with (tmp_path / "file").open("rb") as file:
        client.images.edit(image=[file, file], prompt="p")
    assert asked(world)[0].body.count(LARGE) == 2


def test_bytes_in_memory_may_go_out_in_several_calls_at_once() -> None:
    file = io.BytesIO(LARGE)
    one, other = form(file), form(file)
    file.write(b"changed")  # too late for them
    interleaved: list[Any] = [fed(each, None) for each in (one, other)]
    iterators = [aiter(each) for each in interleaved]

    async def together() -> list[bytes]:
        sent = [b"", b""]
        for _ in range(20):
            for place, iterator in enumerate(iterators):
                sent[place] += await anext(iterator, b"")
        return sent

    assert [LARGE in sent for sent in run_now(together())] == [True, True]


# ----------------------------------------------------------------------------------------------------------------- endings
def test_hooks_and_errors_see_a_request_whose_body_is_a_form() -> None:
    seen: list[Any] = []

    class Hook:
        def on_request(self, request: Any) -> None:
            seen.append(request)

    client, _ = scripted([failed(400)], hooks=[Hook()])
    with pytest.raises(oxide.BadRequestError) as caught:
        upload(client, LARGE)
    assert isinstance(seen[0].body, Multipart)
    assert caught.value.request is seen[0]


def test_a_body_is_released_once_and_for_all() -> None:
    body: Any = fed(form(iter([LARGE, LARGE])), None)

    async def begin() -> bytes:
        return bytes(await anext(aiter(body)))

    assert LARGE in run_now(begin())
    release(body)
    release(body)
    with pytest.raises(StopAsyncIteration):
        run_now(skipped(body._latest))


async def skipped(feeding: Any) -> None:
    """Take what is left of a body that was released: the bytes behind the file, and then its end."""
    await anext(feeding)
    await anext(feeding)


def test_an_upload_error_is_no_failure_of_the_service_and_survives_pickling() -> None:
    import pickle

    error = UploadError("file has become shorter")
    assert isinstance(error, oxide.OxideError)
    assert not isinstance(error, oxide.APIError)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_content_type_of_the_caller_does_not_break_the_form() -> None:
    client, world = scripted([MADE])
    upload(client, File(b"x", "a.txt"), extra_headers={"Content-Type": "multipart/form-data", "X-A": "1"})
    (request,) = asked(world)
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert request.headers["x-a"] == "1"
