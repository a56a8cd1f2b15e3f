"""Large files in parts: several on their way at a time, read from disk as they are sent, taken up again where they broke off."""

from __future__ import annotations

import io
import os

from .._errors import APIError, APIStatusError, UploadError, UploadInterruptedError
from .._files import File, name_of
from .._operation import Operation
from .._typing import TYPE_CHECKING, cast
from .crew import each

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeAlias

    from .._exchange import Exchange
    from .._models.uploads import Upload, UploadPart

    Given: TypeAlias = "dict[str, Any]"

__all__ = ["UploadState", "upload_file_chunked"]

LARGEST = 64 * 1024 * 1024
"""Bytes that the service takes as one part."""

ADD: Operation[UploadPart] = Operation("POST", "/uploads/{upload_id}/parts", "uploads.UploadPart", body="form", files=("data",))
COMPLETE: Operation[Upload] = Operation("POST", "/uploads/{upload_id}/complete", "uploads.Upload", body="json")
CANCEL: Operation[Upload] = Operation("POST", "/uploads/{upload_id}/cancel", "uploads.Upload")


class UploadState:
    """What of a large file has arrived. It is filled while the file is sent, and is plain data: `to_dict()` can be written to a file.

    Attributes:
        upload_id: id of the upload; None until it has begun.
        size: bytes of the file.
        part_size: bytes of each part, the last one excepted.
        parts: place of a part in the file, counted from 0 -> its id.
    """

    __slots__ = ("part_size", "parts", "size", "upload_id")

    def __init__(self, upload_id: str | None = None, size: int = 0, part_size: int = 0, parts: Mapping[int, str] | None = None) -> None:
        self.upload_id = upload_id
        self.size = size
        self.part_size = part_size
        self.parts = dict(parts or {})

    @property
    def count(self) -> int:
        """How many parts there are in all."""
        return -(-self.size // self.part_size) if self.part_size else 0

    @property
    def missing(self) -> list[int]:
        """The places of the parts that have not arrived."""
        return [place for place in range(self.count) if place not in self.parts]

    def length(self, place: int) -> int:
        """Return the bytes of a part."""
        return min(self.part_size, self.size - place * self.part_size)

    def to_dict(self) -> dict[str, Any]:
        """Return the state as it can be written as JSON."""
        parts = {str(place): name for place, name in self.parts.items()}
        return {"upload_id": self.upload_id, "size": self.size, "part_size": self.part_size, "parts": parts}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> UploadState:
        """Return the state that `to_dict` has written."""
        parts = {int(place): name for place, name in data["parts"].items()}
        return cls(data["upload_id"], data["size"], data["part_size"], parts)

    def __repr__(self) -> str:
        return f"<UploadState {self.upload_id}: {len(self.parts)} of {self.count} parts>"

    def __reduce__(self) -> tuple[object, ...]:
        return UploadState, (self.upload_id, self.size, self.part_size, self.parts)


async def upload_file_chunked(exchange: Exchange, operation: Operation[Upload], given: Given) -> Upload:
    """Begin an upload, or take one up again; send the parts that are missing; complete it."""
    sending = _Sending(exchange, given)
    state = sending.state
    if state.upload_id is None:
        state.upload_id = (await exchange.call(operation, sending.beginning())).id
    try:
        await each(exchange.backend, state.missing, sending.concurrency, sending.send)
        return await exchange.call(COMPLETE, sending.ending())
    except GeneratorExit:  # dropped half-way: nothing can be awaited any more
        raise
    except BaseException as problem:  # also where the task is cancelled, or the program stopped
        if sending.cancelled_on_failure:
            await sending.cancel()
        elif _resumable(state, problem):
            raise _interrupted(state, problem) from problem
        raise


class _Sending:
    """One upload under way, as the arguments of the method want it.

    Raises:
        TypeError: what can be no file, or a name is missing.
        ValueError: sizes that do not fit.
        OSError: there is no file.
    """

    def __init__(self, exchange: Exchange, given: Given) -> None:
        self._exchange = exchange
        self._given = given
        self._path, self._view, size = _source(given["file"])
        self._name = _name(given)
        self.concurrency: int = given["concurrency"]
        if self.concurrency < 1:
            raise ValueError(f"concurrency must be 1 or more, not {self.concurrency!r}")
        self.cancelled_on_failure: bool = given["cancel_on_failure"]
        self._md5: Any = given["md5"]
        if given["bytes"] not in (None, size):
            raise ValueError(f"bytes is {given['bytes']!r}, but the file has {size}")
        self.state = _state(given, size)
        self._options: Given = {name: given[name] for name in ("extra_headers", "extra_query", "timeout", "max_retries") if name in given}
        self._tell = self._progress()

    def beginning(self) -> Given:
        """Return the arguments that begin the upload."""
        names = ("mime_type", "purpose", "expires_after", "extra_body", "idempotency_key")
        own = {name: self._given[name] for name in names if name in self._given}
        return {**own, "bytes": self.state.size, "filename": self._name, **self._options}

    def ending(self) -> Given:
        """Return the arguments that complete it: the parts in the order of the file."""
        state = self.state
        parts = [state.parts[place] for place in range(state.count)]
        return {"upload_id": state.upload_id, "part_ids": parts, "md5": self._md5, **self._options}

    async def send(self, place: int) -> None:
        """Send one part."""
        start, length = place * self.state.part_size, self.state.length(place)
        content = _Slice(self._path, start, length) if self._view is None else self._view[start : start + length]
        tell = self._tell
        file = File(content, self._name, progress=None if tell is None else lambda sent, _: tell(place, sent))
        try:
            part = await self._exchange.call(ADD, {"upload_id": self.state.upload_id, "data": file, **self._options})
        finally:
            if isinstance(content, _Slice):
                content.close()
        self.state.parts[place] = part.id

    async def cancel(self) -> None:
        """Have the service throw away what has arrived; where that fails too, it does so itself within the hour."""
        try:
            await self._exchange.call(CANCEL, {"upload_id": self.state.upload_id, **self._options})
        except APIError:
            return

    def _progress(self) -> Callable[[int, int], None] | None:
        """Return what is told how many bytes of a part have gone out."""
        progress: Any = self._given["progress"]
        if progress is None or progress is False:
            return None
        if progress is True:
            from .bar import Bar

            progress = Bar(self._name, self._exchange.backend.now)
        state = self.state
        sent = {place: state.length(place) if place in state.parts else 0 for place in range(state.count)}
        if state.parts:
            progress(sum(sent.values()), state.size)

        def tell(place: int, count: int) -> None:
            sent[place] = count
            progress(sum(sent.values()), state.size)

        return tell


class _Slice(io.RawIOBase):
    """A part of a file on disk, as an open file: it begins at 0, and is opened when it is first read."""

    def __init__(self, path: str, start: int, length: int) -> None:
        self._path = path
        self._start = start
        self._length = length
        self._at = 0
        self._file: io.FileIO | None = None

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self._length)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        left = self._length - self._at
        if self._file is None:
            self._file = io.FileIO(self._path)
        self._file.seek(self._start + self._at)
        data = self._file.read(left if size < 0 else min(size, left))
        self._at += len(data)
        return data

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _source(file: object) -> tuple[str, memoryview | None, int]:
    """Return the path of a file, or its bytes; and its size."""
    if isinstance(file, (bytes, bytearray, memoryview)):
        view = memoryview(cast("bytes", file)).cast("B")  # any of the three
        return "", view, len(view)
    if not isinstance(file, os.PathLike):
        raise TypeError(f"file must be a path (pathlib.Path) or bytes, not a {type(file).__name__}")
    path = os.fspath(cast("os.PathLike[str]", file))  # or of bytes: both can be opened
    if not os.path.isfile(path):
        os.stat(path)
        raise ValueError(f"{path!r} is no plain file, and has no size to be cut by")
    return path, None, os.path.getsize(path)


def _name(given: Given) -> str:
    if given["filename"]:
        return str(given["filename"])
    if not isinstance(given["file"], os.PathLike):
        raise TypeError("filename must be given for bytes, which have none of their own")
    return name_of(cast("object", given["file"]))  # of a path, as was looked


def _state(given: Given, size: int) -> UploadState:
    """Return what has arrived already, checked against the file; or where to keep what will."""
    if size == 0:
        raise ValueError("the file is empty, and has no parts")
    wanted, resume = given["part_size"], given["resume"]
    if wanted is not None and not (isinstance(wanted, int) and 0 < wanted <= LARGEST):
        raise ValueError(f"part_size must be from 1 to {LARGEST} bytes (64 MB), not {wanted!r}")
    if resume is None:
        return UploadState(None, size, wanted or LARGEST)
    if not isinstance(resume, UploadState):
        raise TypeError(f"resume must be an UploadState, as an UploadInterruptedError has it in `state`; not {type(resume).__name__}")
    state = resume
    if state.upload_id is None:
        state.size, state.part_size = size, wanted or LARGEST
    elif state.size != size or wanted not in (None, state.part_size):
        raise ValueError(
            f"the upload that is to be resumed has {state.size} bytes in parts of {state.part_size}: this is another file, or cut otherwise"
        )
    return state


def _resumable(state: UploadState, problem: BaseException) -> bool:
    """Whether the rest may be sent later: not where the service has every part, and will not have the whole."""
    if isinstance(problem, APIStatusError) and not state.missing:
        return problem.status_code >= 500
    return isinstance(problem, (APIError, UploadError, OSError))


def _interrupted(state: UploadState, problem: BaseException) -> UploadInterruptedError:
    facts = problem if isinstance(problem, APIError) else None
    text = f"Upload {state.upload_id} has {len(state.parts)} of {state.count} parts: {problem}"
    error = UploadInterruptedError(text, facts and facts.request, body=facts and facts.body)
    error.attempts = facts.attempts if facts else ()
    error.state = state
    return error
