"""Bodies that nobody reads to their end, texts in odd encodings, lines without an end, files in the place of others; in both worlds."""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING, Any

import pytest

import oxide
from oxide._body import Lines, PartialFile
from oxide.testing import Fault, Server
from tests.faces._wires import busy, eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faces._both import Face

BODY = os.urandom(3_000_000)
FILE = Fault(status=200, body=BODY, headers={"content-type": "application/octet-stream"})


def enough(so_far: int, total: int | None) -> None:
    raise KeyError(so_far)


@pytest.mark.parametrize("way", ["read", "iter_bytes"])
def test_a_progress_that_raises_frees_the_connection_while_the_response_is_still_held(face: Face, server: Server, way: str) -> None:
    server.fault = FILE
    client = face.client(server)
    response = client.files.content("f")
    with pytest.raises(KeyError):
        response.read(progress=enough) if way == "read" else list(response.iter_bytes(progress=enough))
    assert eventually(face, lambda: busy(client) == 0)
    assert response.is_closed
    with pytest.raises(RuntimeError, match="body is gone"):
        response.read()


@pytest.mark.parametrize("way", ["iter_bytes", "iter_text", "iter_lines"])
def test_a_walk_that_is_left_frees_the_connection_while_the_response_is_still_held(face: Face, server: Server, way: str) -> None:
    server.fault = FILE
    client = face.client(server)
    response = client.files.content("f")
    walk = getattr(response, way)()
    for _ in walk:
        break
    del walk
    assert eventually(face, lambda: busy(client) == 0)
    assert response.is_closed


@pytest.mark.parametrize("charset", ["zlib", "bz2", "hex", "rot13", "undefined", "idna", "punycode", "no-such"])
def test_an_encoding_that_is_none_of_texts_is_no_encoding(face: Face, server: Server, charset: str) -> None:
    server.fault = Fault(status=200, body=b"caf\xc3\xa9 \xff\nend", headers={"content-type": f"text/plain; charset={charset}"})
    client = face.client(server)
    assert "".join(client.files.content("f").iter_text()) == "caf\u00e9 \ufffd\nend"
    assert list(client.files.content("f").iter_lines()) == ["caf\u00e9 \ufffd", "end"]
    response = client.files.content("f")
    response.read()
    assert response.text == "caf\u00e9 \ufffd\nend"


def test_a_line_without_an_end_takes_time_in_proportion_to_its_length() -> None:
    def seconds(parts: int) -> float:
        lines = Lines("utf-8", 1 << 30)
        begun = time.process_time()
        for _ in range(parts):
            lines.receive(b"x")
        assert lines.finish() == ["x" * parts]
        return time.process_time() - begun

    few = min(seconds(2_000) for _ in range(5))
    assert seconds(20_000) < 40 * few, "it was 100 times when each part was counted again"


def test_raw_lines_are_those_of_the_open_answer_and_json_lines_stay_whole(face: Face, server: Server) -> None:
    lines = ['{"a":"x\u2028y"}', '{"b":"\x85\x0c"}', "", "end"]
    server.fault = Fault(status=200, body="\n".join([*lines[:2], "\r", "end", ""]).encode(), headers={"content-type": "application/jsonl"})
    client = face.client(server)
    assert list(client.files.with_raw_response.content("f").itself.iter_lines()) == lines
    assert list(client.files.content("f").iter_lines()) == lines


@pytest.mark.parametrize("size", [0, -1])
def test_raw_pieces_of_no_size_are_refused(face: Face, server: Server, size: int) -> None:
    server.fault = FILE
    with pytest.raises(ValueError, match="chunk_size"):
        list(face.client(server).files.with_raw_response.content("f").itself.iter_bytes(size))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_file_that_nobody_else_may_read_stays_so_while_and_after_it_is_replaced(face: Face, server: Server, tmp_path: Path) -> None:
    server.fault = FILE
    target = tmp_path / "secret"
    target.write_bytes(b"old")
    target.chmod(0o600)
    seen: set[int] = set()

    def look(so_far: int, total: int | None) -> None:
        seen.update(stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir())

    face.client(server).files.content("f").stream_to_file(target, progress=look)
    assert (seen, stat.S_IMODE(target.stat().st_mode)) == ({0o600}, 0o600)
    assert target.read_bytes() == BODY


def test_a_directory_that_vanishes_does_not_hide_what_went_wrong(
    face: Face, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "out"
    directory.mkdir()

    def full(file: PartialFile, chunks: list[bytes]) -> None:
        for path in directory.iterdir():
            path.unlink()
        directory.rmdir()
        raise OSError("no space left")

    server.fault = FILE
    monkeypatch.setattr(PartialFile, "write", full)
    with pytest.raises(OSError, match="no space left"):
        face.client(server).files.content("f").stream_to_file(directory / "x")


# ------------------------------------------------------------------------------------------------------------- uploads
def failing() -> Any:
    yield b"x" * 100_000
    raise ConnectionResetError("the database is gone")


def test_a_progress_that_fails_like_a_connection_is_not_taken_for_one(face: Face, server: Server) -> None:
    def told(sent: int, total: int | None) -> None:
        raise BrokenPipeError("nobody reads the screen")

    with face.client(server, max_retries=2) as client:
        with pytest.raises(oxide.UploadError, match="nobody reads the screen") as raised:
            client.files.create(file=oxide.File(b"x" * 300_000, progress=told), purpose="batch")
        assert isinstance(raised.value.__cause__, BrokenPipeError)
        assert busy(client) == 0
        assert eventually(face, lambda: server.connections == 1)
        assert not server.requests


def test_a_body_that_fails_like_a_connection_is_not_taken_for_one(face: Face, server: Server) -> None:
    with face.client(server, max_retries=2) as client:
        with pytest.raises(oxide.UploadError, match="the database is gone"):
            client.request("POST", "/files", content=failing())
        assert busy(client) == 0
        assert eventually(face, lambda: server.connections == 1)
        assert not server.requests


class OfPieces:
    """A file made of an iterator, whose end it does not catch."""

    def __init__(self) -> None:
        self._pieces = iter([b"x"])

    def read(self, size: int = -1) -> bytes:
        return next(self._pieces)


def test_a_read_that_raises_stop_iteration_is_an_error_and_nobody_waits_for_ever(face: Face, server: Server) -> None:
    with face.client(server) as client:
        with pytest.raises(RuntimeError, match="raised StopIteration"):
            client.files.create(file=OfPieces(), purpose="batch")
        assert busy(client) == 0


# --------------------------------------------------------------------------------------------------- odd answers, pages
def test_no_key_of_the_json_hides_what_decoding_needs(face: Face, server: Server) -> None:
    item = {"object": "embedding", "index": 0, "embedding": "AACAPw==", "_revive": 1, "http": 2, "__class__": 3, "self": 4, "_http": 5}
    server.fault = Fault(status=200, body={"object": "list", "data": [item], "_revive": 1, "http": 2, "_http": 3})
    found = face.client(server).embeddings.create(model="m", input="x")
    assert found.data[0].embedding == [1.0]
    assert found.http.status == 200


def test_a_page_whose_data_is_null_is_empty_unless_the_client_is_strict(face: Face, server: Server) -> None:
    server.fault = Fault(status=200, body={"object": "list", "data": None, "has_more": True})
    assert list(face.client(server).files.list()) == []
    with pytest.raises(oxide.APIResponseValidationError, match="no page"):
        list(face.client(server, strict=True).files.list())


@pytest.mark.parametrize("ahead", [False, True])
def test_a_cursor_in_extra_query_is_where_the_walk_begins_and_not_where_it_stays(face: Face, server: Server, ahead: bool) -> None:
    pages = [{"object": "list", "has_more": n < 2, "data": [{"id": f"f{n}", "object": "file"}]} for n in range(3)]
    server.fail_next(*[Fault(status=200, body=page) for page in pages])
    found = face.client(server).files.list(extra_query={"after": "x", "more": 1}, prefetch=ahead)
    assert [item.id for item in found] == ["f0", "f1", "f2"]
    assert [sorted(request.query.split("&")) for request in server.requests] == [["after=" + at, "more=1"] for at in ("x", "f0", "f1")]
