"""Answers that are files: read, walked, written to disk; broken off, cancelled, dropped; in both worlds and over every wire."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import socket
import stat
import threading
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

import oxide
from oxide import Timeout
from oxide.testing import Fault, Server
from tests.faces._wires import Wire, busy, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faces._both import Face

BODY = os.urandom(300_001)
FILE = Fault(status=200, body=BODY, headers={"content-type": "application/octet-stream"})


def broken(**how: Any) -> Fault:
    return Fault(status=200, body=BODY, at="body", after=100_000, **how)


@pytest.fixture
def files(wire: Wire) -> Iterator[Server]:
    """A server that answers everything with BODY."""
    with wire.server(fault=FILE) as server:
        yield server


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir() if not path.name.endswith(".sock"))


# ------------------------------------------------------------------------------------------------------ whole bodies
def test_a_file_is_there_when_its_head_is_and_read_when_it_is_wanted(face: Face, wire: Wire, files: Server) -> None:
    client = wire.client(face, files)
    response = client.files.content("file_1")
    assert (response.status_code, response.is_closed, busy(client)) == (200, False, 1)
    assert response.read() == BODY
    assert (response.is_closed, busy(client)) == (True, 0)
    assert response.content == BODY, "what was read is kept"
    assert b"".join(response.iter_bytes()) == BODY
    assert files.requests[0].path == "/v1/files/file_1/content"
    assert files.requests[0].headers["accept"] == "application/binary"


def test_the_connection_serves_the_next_call_once_a_file_was_read(face: Face, wire: Wire, files: Server) -> None:
    client = wire.client(face, files)
    for _ in range(3):
        assert b"".join(client.files.content("f").iter_bytes()) == BODY
    assert files.connections == 1


def test_facts_of_the_answer_have_their_official_names(face: Face, server: Server) -> None:
    server.fault = Fault(status=200, body=b'{"a": [1]}', headers={"content-type": "application/json", "x-request-id": "req_1"})
    response = face.client(server).files.content("f")
    response.read()
    assert (response.request_id, response.json(), response.text) == ("req_1", {"a": [1]}, '{"a": [1]}')
    assert (response.method, response.url, response.http_version) == ("GET", f"{server.url}/files/f/content", "HTTP/1.1")
    assert response.headers["content-type"] == "application/json"
    assert response.retries_taken == 0
    assert response.elapsed.total_seconds() > 0
    assert response.http.status == 200
    assert "200 to GET" in repr(response)


@pytest.mark.parametrize(("kind", "body", "text"), [("text/plain; charset=latin-1", b"\xfc", "ü"), ("text/plain", b"\xff!", "\ufffd!")])
def test_text_has_the_encoding_that_the_answer_names_or_utf8(face: Face, server: Server, kind: str, body: bytes, text: str) -> None:
    server.fault = Fault(status=200, body=body, headers={"content-type": kind})
    response = face.client(server).files.content("f")
    response.read()
    assert response.text == text


def test_a_speech_is_a_file_too(face: Face, server: Server) -> None:
    server.fault = FILE
    assert face.client(server).audio.speech.create(model="tts", voice="alloy", input="Hello").read() == BODY
    assert server.requests[0].json == {"model": "tts", "voice": "alloy", "input": "Hello"}


def test_an_empty_file_is_a_file(face: Face, server: Server, tmp_path: Path) -> None:
    server.fault = Fault(status=200, body=b"")
    client = face.client(server)
    assert client.files.content("f").read() == b""
    assert list(client.files.content("f").iter_bytes()) == []
    client.files.content("f").stream_to_file(tmp_path / "empty")
    assert (tmp_path / "empty").read_bytes() == b""


def test_an_error_status_is_an_error_and_frees_the_connection(face: Face, server: Server) -> None:
    server.fault = Fault(status=404, body={"error": {"message": "no such file"}})
    client = face.client(server)
    with pytest.raises(oxide.NotFoundError, match="no such file"):
        client.files.content("f")
    assert busy(client) == 0


def test_the_start_of_a_download_is_tried_again(face: Face, server: Server) -> None:
    server.fault = FILE
    server.fail_next(Fault(status=503, headers={"retry-after-ms": "1"}))
    response = face.client(server).files.content("f")
    assert (response.retries_taken, response.read()) == (1, BODY)


def test_max_body_bounds_what_is_kept_and_not_what_is_walked(face: Face, server: Server) -> None:
    server.fault = FILE
    client = face.client(server, max_body=100_000)
    with pytest.raises(oxide.APIResponseValidationError, match="more than 100000 bytes"):
        client.files.content("f").read()
    assert busy(client) == 0
    assert sum(map(len, client.files.content("f").iter_bytes())) == len(BODY)


def test_asyncio_says_what_to_await_where_nothing_can_be_awaited(server: Server) -> None:
    server.fault = FILE

    async def main() -> None:
        async with oxide.AsyncClient(base_url=server.url, api_key="k") as client:
            response = await client.files.content("f")
            for look in (lambda: response.content, lambda: response.text, response.json):
                with pytest.raises(RuntimeError, match=r"await response.read\(\)"):
                    look()
            assert await response.aread() == response.content == BODY
            await response.aclose()

    asyncio.run(main())


# ------------------------------------------------------------------------------------------------------------ pieces
@pytest.mark.parametrize("size", [1000, 65536, 300_001, 1_000_000])
def test_pieces_have_the_size_that_was_asked_for(face: Face, server: Server, size: int) -> None:
    server.fault = FILE
    pieces = list(face.client(server).files.content("f").iter_bytes(size))
    assert b"".join(pieces) == BODY
    assert {len(piece) for piece in pieces[:-1]} <= {size}
    assert len(pieces) == -(-len(BODY) // size)


@pytest.mark.parametrize("drip", [0, 1])
def test_text_and_lines_do_not_care_how_their_bytes_come(face: Face, server: Server, drip: int) -> None:
    server.fault = Fault(status=200, body="one\r\ntwo\u00fc\n\nfour\rfive", headers={"content-type": "text/plain"}, drip=drip)
    client = face.client(server)
    assert "".join(client.files.content("f").iter_text()) == "one\r\ntwo\u00fc\n\nfour\rfive"
    assert list(client.files.content("f").iter_lines()) == ["one", "two\u00fc", "", "four", "five"]
    assert list(client.files.content("f").iter_text(5)) == ["one\r\n", "two\u00fc\n", "\nfour", "\rfive"]


def test_a_body_is_walked_once(face: Face, server: Server) -> None:
    server.fault = FILE
    response = face.client(server).files.content("f")
    for _ in response.iter_bytes(1000):
        break
    for again in (response.read, lambda: list(response.iter_bytes()), lambda: response.stream_to_file("never")):
        with pytest.raises(RuntimeError, match="taken in pieces"):
            again()


def test_progress_is_told_with_and_without_a_known_length(face: Face, server: Server) -> None:
    client = face.client(server)
    for framing, total in (("length", len(BODY)), ("chunked", None)):
        server.fault = Fault(status=200, body=BODY) if framing == "length" else Fault(status=200, pieces=[BODY[:1000], BODY[1000:]])
        told: list[tuple[int, int | None]] = []
        client.files.content("f").read(progress=lambda *both, told=told: told.append(both))
        assert told[-1] == (len(BODY), total)
        assert [so_far for so_far, _ in told] == sorted({so_far for so_far, _ in told})


@pytest.mark.parametrize("size", [0, -1])
def test_a_size_of_nothing_is_refused(face: Face, server: Server, size: int, tmp_path: Path) -> None:
    server.fault = FILE
    response = face.client(server).files.content("f")
    for ask in (response.iter_bytes, response.iter_text):
        with pytest.raises(ValueError, match="chunk_size"):
            list(ask(size))
    with pytest.raises(ValueError, match="chunk_size"):
        response.stream_to_file(tmp_path / "x", chunk_size=size)
    assert response.read() == BODY


# ------------------------------------------------------------------------------------------------------------- files
def test_a_file_is_written_as_it_comes(face: Face, wire: Wire, files: Server, tmp_path: Path) -> None:
    client = wire.client(face, files)
    target = tmp_path / "out.bin"
    told: list[tuple[int, int | None]] = []
    client.files.content("f").stream_to_file(target, progress=lambda *both: told.append(both))
    assert target.read_bytes() == BODY
    assert told[-1] == (len(BODY), len(BODY))
    client.files.content("f").write_to_file(str(target))
    assert names(tmp_path) == ["out.bin"]
    assert (busy(client), files.connections) == (0, 1)


def test_a_body_that_was_read_is_written_as_well(face: Face, server: Server, tmp_path: Path) -> None:
    server.fault = FILE
    response = face.client(server).files.content("f")
    response.read()
    response.write_to_file(tmp_path / "a")
    response.write_to_file(os.fsencode(tmp_path / "b"))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == BODY


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_the_file_has_the_permissions_of_any_new_file(face: Face, server: Server, tmp_path: Path) -> None:
    server.fault = FILE
    before = os.umask(0o027)
    try:
        face.client(server).files.content("f").stream_to_file(tmp_path / "out")
        (tmp_path / "other").write_bytes(b"")
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {0o640}


@pytest.mark.parametrize("cut", ["close", "reset", "stall"])
def test_a_download_that_breaks_off_leaves_the_old_file_and_nothing_else(face: Face, wire: Wire, tmp_path: Path, cut: str) -> None:
    with wire.server(fault=broken(cut=cut)) as server:
        client = wire.client(face, server, timeout=Timeout(5.0, read=0.3))
        target = tmp_path / "out.bin"
        target.write_bytes(b"old")
        with pytest.raises(oxide.APIConnectionError) as raised:
            client.files.content("f").stream_to_file(target)
        assert isinstance(raised.value, oxide.APITimeoutError) is (cut == "stall")
        assert (target.read_bytes(), names(tmp_path)) == (b"old", ["out.bin"])
        with pytest.raises(oxide.APIConnectionError):
            client.files.content("f").read()
        with pytest.raises(oxide.APIConnectionError):
            list(client.files.content("f").iter_bytes())
        assert busy(client) == 0


def test_a_progress_that_raises_stops_the_download(face: Face, server: Server, tmp_path: Path) -> None:
    server.fault = FILE
    client = face.client(server)

    def enough(so_far: int, total: int | None) -> None:
        raise KeyError(so_far)

    with pytest.raises(KeyError):
        client.files.content("f").stream_to_file(tmp_path / "out", progress=enough)
    assert (names(tmp_path), busy(client)) == ([], 0)


def test_a_target_that_cannot_be_is_told_before_anything_is_taken(face: Face, server: Server, tmp_path: Path) -> None:
    server.fault = FILE
    client = face.client(server)
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    response = client.files.content("f")
    for target, kind, hint in (
        (tmp_path, IsADirectoryError, "name of a file"),
        (f"{tmp_path / 'new'}/", FileNotFoundError, "no such directory"),
        (f"{tmp_path}/", IsADirectoryError, "name of a file"),
        (tmp_path / "gone" / "out", FileNotFoundError, "no such directory"),
        (tmp_path / "file" / "out", NotADirectoryError, "[Nn]ot a directory"),
        (tmp_path / "link", FileExistsError, "realpath"),
        ("/dev/null", FileExistsError, "no plain file"),
    ):
        with pytest.raises(kind, match=hint):
            response.stream_to_file(target)
    assert names(tmp_path) == ["file", "link"]
    response.stream_to_file(tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == BODY
    assert os.path.exists("/dev/null")


def test_a_disk_that_is_full_leaves_nothing(face: Face, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from oxide._body import PartialFile

    def full(file: PartialFile, chunks: list[bytes]) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    server.fault = FILE
    client = face.client(server)
    monkeypatch.setattr(PartialFile, "write", full)
    with pytest.raises(OSError, match="no space left"):
        client.files.content("f").stream_to_file(tmp_path / "out")
    assert (names(tmp_path), busy(client)) == ([], 0)


# ------------------------------------------------------------------------------------------------- closed and dropped
def test_a_response_that_is_closed_frees_its_connection_and_says_so(face: Face, wire: Wire, files: Server) -> None:
    client = wire.client(face, files)
    response = client.files.content("f")
    response.close()
    response.close()
    assert busy(client) == 0
    with pytest.raises(RuntimeError, match="closed before its body was read"):
        response.read()
    with client.files.content("f") as response:
        assert next(iter(response.iter_bytes(10))) == BODY[:10]
    assert busy(client) == 0
    assert client.files.content("f").read() == BODY


def test_a_response_that_nobody_wants_frees_its_connection(face: Face, wire: Wire, files: Server) -> None:
    client = wire.client(face, files)
    client.files.content("f")
    gc.collect()
    assert eventually(face, lambda: not busy(client))
    for _ in client.files.content("f").iter_bytes(10):
        break
    gc.collect()
    assert eventually(face, lambda: not busy(client))
    assert client.files.content("f").read() == BODY


def test_a_slow_reader_loses_nothing(face: Face, wire: Wire, files: Server) -> None:
    got = bytearray()
    for piece in wire.client(face, files).files.content("f").iter_bytes(50_000):
        got += piece
        face.sleep(0.01)
    assert bytes(got) == BODY


def test_the_deadline_of_the_call_covers_its_body(face: Face, server: Server) -> None:
    server.fault = Fault(status=200, body=b"x" * 100, drip=1, gap=0.05)
    with pytest.raises(oxide.APITimeoutError, match=r"deadline of 0\.3 s"):
        face.client(server, timeout=Timeout(total=0.3)).files.content("f").read()


def test_limits_for_events_are_none_of_a_file(face: Face, server: Server) -> None:
    server.fault = Fault(status=200, body=b"x" * 10, drip=1, gap=0.03)
    client = face.client(server, timeout=Timeout(first_event=0.1, idle=0.1))
    assert client.files.content("f").read() == b"x" * 10


# ------------------------------------------------------------------------------------------------------------ asyncio
def test_a_cancelled_download_leaves_nothing_and_frees_the_connection(tmp_path: Path) -> None:
    with Server(fault=broken(cut="stall")) as server:

        async def main() -> None:
            async with oxide.AsyncClient(base_url=server.url, api_key="k") as client:
                response = await client.files.content("f")
                came = asyncio.Event()
                task = asyncio.create_task(response.stream_to_file(tmp_path / "out", chunk_size=1000, progress=lambda *_: came.set()))
                await came.wait()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert names(tmp_path) == []
                assert response.is_closed

        asyncio.run(main())


def test_a_download_cancelled_while_the_disk_works_waits_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from oxide._body import PartialFile

    written: list[str] = []
    write = PartialFile.write

    def slow(file: PartialFile, chunks: list[bytes]) -> None:
        written.append("began")
        time.sleep(0.2)
        write(file, chunks)
        written.append("ended")

    monkeypatch.setattr(PartialFile, "write", slow)
    with Server(fault=FILE) as server:

        async def main() -> None:
            async with oxide.AsyncClient(base_url=server.url, api_key="k") as client:
                task = asyncio.create_task((await client.files.content("f")).stream_to_file(tmp_path / "out"))
                while not written:
                    await asyncio.sleep(0.005)
                task.cancel()
                await asyncio.sleep(0.01)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert (written, names(tmp_path)) == (["began", "ended"], [])

        asyncio.run(main())


def test_the_loop_goes_on_while_the_disk_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from oxide._body import PartialFile

    write = PartialFile.write

    def slow(file: PartialFile, chunks: list[bytes]) -> None:
        time.sleep(0.3)
        write(file, chunks)

    monkeypatch.setattr(PartialFile, "write", slow)
    with Server(fault=FILE) as server:

        async def main() -> float:
            async with oxide.AsyncClient(base_url=server.url, api_key="k") as client:
                task = asyncio.create_task((await client.files.content("f")).stream_to_file(tmp_path / "out"))
                longest, last = 0.0, time.monotonic()
                while not task.done():
                    await asyncio.sleep(0.001)
                    longest, last = max(longest, time.monotonic() - last), time.monotonic()
                await task
                return longest

        assert asyncio.run(main()) < 0.2
    assert (tmp_path / "out").read_bytes() == BODY


def plenty(listener: socket.socket, size: int) -> None:
    """Answer one request with `size` zeros; the embedded server would keep them all."""
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        for _ in range(size >> 16):
            connection.sendall(bytes(1 << 16))


def test_memory_stays_small_however_large_the_file(face: Face, tmp_path: Path) -> None:
    size = 64 << 20
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sender = threading.Thread(target=plenty, args=(listener, size), daemon=True)
        sender.start()
        client = face.client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}/v1", timeout=30.0)
        response = client.files.content("f")
        tracemalloc.start()
        try:
            response.stream_to_file(tmp_path / "out")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        sender.join(10)
    assert (tmp_path / "out").stat().st_size == size
    assert peak < 8 << 20
