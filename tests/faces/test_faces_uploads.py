"""Files on their way out, in both worlds: whole, as long as was announced, told of, sent again where that can be, closed in the end."""

from __future__ import annotations

import asyncio
import gzip
import io
import os
import socket
import sys
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import oxide
from oxide import InternalServerError, UploadError
from oxide.testing import Fault, Server
from tests.faces._wires import Wire, busy, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.faces._both import Face

CONTENT = os.urandom(1 << 16) * 5  # more than one piece
ANSWER = Fault(status=200, body={"id": "file-1", "object": "file"})
ERROR = Fault(status=500)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "data.bin"
    found.write_bytes(CONTENT)
    return found


def received(request: Any) -> bytes:
    """Return the content of the field `file`, as a parser of mail reads it, and see that it is the last of two."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + request.body)
    purpose, file = message.iter_parts()  # type: ignore[attr-defined]  # the policy makes an EmailMessage
    assert purpose.get_payload(decode=True) == b"batch"
    return bytes(file.get_payload(decode=True))


def open_here(path: Path) -> int:
    """Return how many descriptors of this process lead to a file."""
    links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    return sum(os.path.realpath(link) == str(path) for link in links if os.path.islink(link))


def seen(face: Face, wire: Wire, server: Server, broken: int) -> bool:
    """Wait until the server has seen that so many requests broke off: they cost their connections, but for HTTP/2."""
    connections, left = (1, 1) if wire.http2 else (broken, 0)
    return eventually(face, lambda: (server.connections, server.open_connections) == (connections, left))


def upload(client: Any, file: Any, **options: Any) -> Any:
    return client.files.create(file=file, purpose="batch", **options)


KINDS: dict[str, Callable[[Path], Any]] = {
    "bytes": lambda path: CONTENT,
    "bytearray": lambda path: bytearray(CONTENT),
    "memoryview": lambda path: memoryview(CONTENT),
    "path": lambda path: path,
    "file_from_path": lambda path: oxide.file_from_path(str(path)),
    "open file": lambda path: path.open("rb"),
    "raw file": lambda path: path.open("rb", buffering=0),
    "BytesIO": lambda path: io.BytesIO(CONTENT),
    "gzip": lambda path: gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(CONTENT, 1))),
    "generator": lambda path: (CONTENT[at : at + 1000] for at in range(0, len(CONTENT), 1000)),
    "large pieces": lambda path: ("name", [CONTENT[:100_000], CONTENT[100_000:]]),
    "File": lambda path: oxide.File(path, name="other", progress=print),
}
KNOWN = {"generator", "large pieces"}.symmetric_difference(KINDS)
AGAIN = {"generator"}.symmetric_difference(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_arrives_whole(face: Face, path: Path, kind: str) -> None:
    file = KINDS[kind](path)
    with Server(fault=ANSWER) as server, face.client(server) as client:
        assert upload(client, file).id == "file-1"
        (request,) = server.requests
        assert received(request) == CONTENT
        assert request.headers.get("content-length") == (str(len(request.body)) if kind in KNOWN else None)
        assert busy(client) == 0
    if hasattr(file, "close"):
        file.close()  # it is the caller's, and still open


@pytest.mark.parametrize("kind", KINDS)
def test_what_can_be_rewound_is_sent_again(face: Face, path: Path, kind: str) -> None:
    file = KINDS[kind](path)
    with Server(fault=ANSWER) as server, face.client(server, max_retries=1) as client:
        server.fail_next(ERROR)
        if kind in AGAIN:
            upload(client, file)
            assert [received(request) for request in server.requests] == [CONTENT, CONTENT]
        else:
            with pytest.raises(InternalServerError):
                upload(client, file)
            assert len(server.requests) == 1
    if hasattr(file, "close"):
        file.close()


def test_files_go_over_every_kind_of_connection(face: Face, wire: Wire, path: Path) -> None:
    with wire.server(fault=ANSWER) as server, wire.client(face, server, max_retries=1) as client:
        for file in (path, (CONTENT[at : at + 70_000] for at in range(0, len(CONTENT), 70_000))):
            server.clear()
            upload(client, file)
            assert received(server.requests[0]) == CONTENT
        server.fail_next(ERROR)
        upload(client, path)
        assert received(server.requests[-1]) == CONTENT
        assert busy(client) == 0
    assert open_here(path) == 0


def test_an_async_iterator_is_for_asyncio_and_refused_elsewhere_before_anything_is_sent(face: Face) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(CONTENT), 3000):
            await asyncio.sleep(0)
            yield CONTENT[at : at + 3000]

    with Server(fault=ANSWER) as server, face.client(server, max_retries=1) as client:
        if face.name == "blocking":
            with pytest.raises(TypeError, match=r"file \('upload'\) is an async iterator.*AsyncClient"):
                upload(client, pieces())
            assert server.connections == 0
            with pytest.raises(TypeError, match="AsyncClient"):
                client.request("POST", "/files", content=pieces())
            assert server.connections == 0
        else:
            upload(client, ("a.bin", pieces(), "a/b"))
            assert received(server.requests[0]) == CONTENT
            server.fail_next(ERROR)
            with pytest.raises(InternalServerError):
                upload(client, pieces())
            assert len(server.requests) == 2


# --------------------------------------------------------------------------------------------------------------- progress
def test_progress_counts_the_bytes_of_the_file_up_to_its_end(face: Face, wire: Wire, path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    with wire.server(fault=ANSWER) as server, wire.client(face, server) as client:
        upload(client, oxide.File(path, progress=lambda *facts: told.append(facts)))
        sent = [sent for sent, _ in told]
        assert (sent, {total for _, total in told}) == (sorted(sent), {len(CONTENT)})
        assert len(sent) > 1
        assert sent[-1] == len(CONTENT)
        told.clear()
        upload(client, oxide.File(iter([CONTENT]), progress=lambda *facts: told.append(facts)))
        assert told == [(len(CONTENT), None)]


def test_progress_begins_anew_with_another_attempt(face: Face, path: Path) -> None:
    told: list[int] = []
    with Server(fault=ANSWER) as server, face.client(server, max_retries=1) as client:
        server.fail_next(ERROR)
        upload(client, oxide.File(path, progress=lambda sent, total: told.append(sent)))
    assert told.count(len(CONTENT)) == 2


def test_progress_that_raises_ends_the_call(face: Face, wire: Wire, path: Path) -> None:
    def stop(sent: int, total: int | None) -> None:
        raise LookupError("enough")

    with wire.server(fault=ANSWER) as server, wire.client(face, server, max_retries=2) as client:
        with pytest.raises(LookupError, match="enough"):
            upload(client, oxide.File(path, progress=stop))
        assert seen(face, wire, server, 1)
        assert (busy(client), open_here(path), server.requests) == (0, 0, [])
        upload(client, path)
        assert received(server.requests[0]) == CONTENT


# ------------------------------------------------------------------------------------------------------ what goes wrong here
def change(path: Path, size: int) -> Callable[[int, int | None], None]:
    """Return a progress that changes the length of the file once the first piece is out."""

    def progress(sent: int, total: int | None) -> None:
        os.truncate(path, size)

    return progress


@pytest.mark.parametrize(("size", "told"), [(300_000, "shorter"), (0, "shorter"), (len(CONTENT) + 1, "longer")])
def test_a_file_that_changes_its_length_meanwhile_is_an_error_and_no_request(
    face: Face, wire: Wire, path: Path, size: int, told: str
) -> None:
    with wire.server(fault=ANSWER) as server, wire.client(face, server, max_retries=2) as client:
        with pytest.raises(UploadError, match=rf"file \('data.bin'\) has become {told} while it was sent: it had {len(CONTENT)} bytes"):
            upload(client, oxide.File(path, progress=change(path, size)))
        assert seen(face, wire, server, 1)
        assert (busy(client), open_here(path), server.requests) == (0, 0, [])


def test_a_file_that_is_gone_when_it_is_sent_again_is_an_error(face: Face, path: Path) -> None:
    class Remover:
        def on_retry(self, request: Any, error: Any, delay: float) -> None:
            path.unlink()

    with Server(fault=ANSWER) as server, face.client(server, max_retries=2, hooks=[Remover()]) as client:
        server.fail_next(ERROR)
        with pytest.raises(UploadError, match="cannot be read") as caught:
            upload(client, path)
        assert isinstance(caught.value.__cause__, FileNotFoundError)
        assert len(server.requests) == 1


def test_what_an_iterator_raises_is_not_taken_for_a_failure_of_the_connection(face: Face, wire: Wire) -> None:
    def pieces(error: Exception) -> Iterator[bytes]:
        yield CONTENT
        raise error

    with wire.server(fault=ANSWER) as server, wire.client(face, server, max_retries=2) as client:
        with pytest.raises(UploadError, match="the other side hung up"):
            upload(client, pieces(ConnectionResetError("the other side hung up")))
        with pytest.raises(LookupError, match="mine"):
            upload(client, pieces(LookupError("mine")))
        with pytest.raises(TypeError, match=r"gives pieces of type str, not bytes; open it in binary mode"):
            upload(client, iter(["text"]))  # type: ignore[arg-type]  # the mistake
        assert seen(face, wire, server, 3)
        assert (busy(client), server.requests) == (0, [])


def test_a_file_that_was_closed_by_its_owner_is_an_error(face: Face, path: Path) -> None:
    file = path.open("rb")
    file.close()
    with Server(fault=ANSWER) as server, face.client(server) as client:
        with pytest.raises(ValueError, match="closed file"):
            upload(client, file)
        assert server.requests == []


# ------------------------------------------------------------------------------------------------------- what goes wrong there
@pytest.fixture
def deaf() -> Iterator[socket.socket]:
    """A server that accepts and never reads."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening


def url_of(listening: socket.socket) -> str:
    return f"http://127.0.0.1:{listening.getsockname()[1]}/v1"


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file that no socket buffer holds."""
    found = tmp_path / "large.bin"
    found.touch()
    os.truncate(found, 50_000_000)
    return found


def test_a_peer_that_takes_nothing_ends_in_a_timeout_and_the_file_is_closed(face: Face, deaf: socket.socket, large: Path) -> None:
    with face.client(base_url=url_of(deaf), timeout=oxide.Timeout(5, write=0.3), max_retries=0) as client:
        with pytest.raises(oxide.APITimeoutError) as caught:
            upload(client, large)
        assert caught.value.phase == "send"
        assert (busy(client), open_here(large)) == (0, 0)  # though the error, and with it its frames, is still held


def test_a_task_that_is_cancelled_in_the_middle_closes_the_file(deaf: socket.socket, large: Path) -> None:
    async def main() -> None:
        async with oxide.AsyncClient(base_url=url_of(deaf), api_key="test") as client:
            task = asyncio.ensure_future(upload(client, large))
            while not open_here(large):
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert open_here(large) == 0
            assert not any(slot.used for pool in [t._pool for t in client._shared._transports.values()] for slot in pool._slots)

    asyncio.run(asyncio.wait_for(main(), 10))


def test_an_early_refusal_is_the_answer_and_the_file_is_closed(face: Face, wire: Wire, large: Path) -> None:
    told = [0]
    with wire.server(fault=ANSWER, max_body=1_000_000) as server, wire.client(face, server) as client:
        with pytest.raises(oxide.APIError) as caught:
            upload(client, oxide.File(large, progress=lambda sent, total: told.append(sent)))
        assert getattr(caught.value, "status_code", 413) == 413
        assert (busy(client), open_here(large)) == (0, 0)
        assert told[-1] < 40_000_000 or not wire.http2  # there the connection stays open, and the rest is not even read


def test_the_loop_goes_on_while_a_slow_disk_is_read(path: Path) -> None:
    import time

    class SlowFile:
        left = 3

        def read(self, size: int) -> bytes:
            time.sleep(0.1)
            self.left -= 1
            return b"x" if self.left >= 0 else b""

    async def main() -> None:
        with Server(fault=ANSWER) as server:
            async with oxide.AsyncClient(base_url=server.url, api_key="test") as client:
                await upload(client, b"x")
                task = asyncio.ensure_future(upload(client, SlowFile()))
                longest, before = 0.0, time.perf_counter()
                while not task.done():
                    await asyncio.sleep(0.005)
                    longest, before = max(longest, time.perf_counter() - before), time.perf_counter()
                await task
                assert longest < 0.09

    asyncio.run(asyncio.wait_for(main(), 10))


def test_nothing_of_all_this_is_loaded_by_a_call_without_files(server: Server) -> None:
    import subprocess

    script = (
        "import sys, oxide\n"
        f"oxide.Client(base_url={server.url!r}, api_key='k').responses.create(model='echo', input='x')\n"
        "print([name for name in sys.modules if name.endswith(('multipart', '_forms', '_files', 'feed', 'mimetypes'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True, cwd=Path(oxide.__file__).parents[1]
    )
    assert done.stdout == "[]\n"
