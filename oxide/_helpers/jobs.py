"""Waiting until a job of the service is done: ask, look at its state, wait as long as the service says, ask again.

One story for all kinds of jobs and for both worlds.  Each wait has a deadline.
"""

from __future__ import annotations

from .._errors import APITimeoutError, PollTimeoutError
from .._omit import omit
from .._operation import Operation
from .._settings import as_timeout
from .._timeout import Timeout
from .._typing import TYPE_CHECKING, TypeVar
from .crew import each

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeAlias

    from .._exchange import Exchange
    from .._models._base import Record

    Given: TypeAlias = "dict[str, Any]"

__all__ = ["add_file", "add_file_and_wait", "add_files_and_wait", "start_and_wait", "wait_for", "wait_for_file"]

T = TypeVar("T")

MAX_WAIT = 3600.0
"""Seconds that a job is waited for, unless the caller says otherwise."""

USUAL = 1.0
"""Seconds between two looks where neither the caller nor the service says otherwise."""

SHORTEST, LONGEST = 0.05, 60.0
"""Bounds of what the service may say."""

GRACE = 10.0
"""Seconds that the last look may take, which is begun at the deadline."""

ASSISTANTS = {"OpenAI-Beta": "assistants=v2"}


class Kind:
    """A kind of job: how it is asked for, and in which states it is not done yet."""

    __slots__ = ("busy", "names", "retrieve")

    def __init__(self, path: str, returns: str, busy: str, send: Mapping[str, str] | None = None) -> None:
        self.retrieve: Operation[Record] = Operation("GET", path, returns, send=send)
        self.names = [piece.partition("}")[0] for piece in path.split("{")[1:]]  # the last is the job's own id
        self.busy = busy.split()

    def place(self, job: Any) -> Given:
        """Return the arguments that ask for a job: its id, and the ids of what it is in, which it knows."""
        *around, own = self.names
        return {**{name: getattr(job, name) for name in around}, own: job.id}


FILE = Kind("/files/{file_id}", "files.FileObject", "uploaded pending running")
VIDEO = Kind("/videos/{video_id}", "videos.Video", "queued in_progress")
RUN = Kind("/threads/{thread_id}/runs/{run_id}", "beta_threads.Run", "queued in_progress cancelling", ASSISTANTS)
STORE_FILE = Kind("/vector_stores/{vector_store_id}/files/{file_id}", "vector_stores.VectorStoreFile", "in_progress", ASSISTANTS)
STORE_BATCH = Kind(
    "/vector_stores/{vector_store_id}/file_batches/{batch_id}", "vector_stores.VectorStoreFileBatch", "in_progress", ASSISTANTS
)
KINDS = {kind.retrieve.path: kind for kind in (FILE, VIDEO, RUN, STORE_FILE, STORE_BATCH)}
STARTED = {
    "/videos": VIDEO,
    "/threads/runs": RUN,
    "/threads/{thread_id}/runs": RUN,
    "/threads/{thread_id}/runs/{run_id}/submit_tool_outputs": RUN,
    "/vector_stores/{vector_store_id}/files": STORE_FILE,
    "/vector_stores/{vector_store_id}/file_batches": STORE_BATCH,
}
"""The operation that starts a job, by its path -> the kind of job."""

UPLOAD: Operation[Any] = Operation("POST", "/files", "files.FileObject", body="form", files=("file",))


class Patience:
    """How one job is waited for: how often, how long, and who is told. Taken out of the arguments of a method.

    Raises:
        ValueError: a time that is none.
    """

    __slots__ = ("base", "deadline", "interval", "max_wait", "options", "progress")

    def __init__(self, exchange: Exchange, given: Given) -> None:
        interval = given.pop("poll_interval_ms", omit)
        self.interval = None if interval is omit else _seconds("poll_interval_ms", interval) / 1000
        longest = given.pop("max_wait_seconds", omit)
        self.max_wait = MAX_WAIT if longest is omit else _seconds("max_wait_seconds", longest)
        self.progress = given.pop("progress", None)
        self.deadline = exchange.backend.now() + self.max_wait
        self.options: Given = {name: given[name] for name in ("extra_headers", "extra_query", "max_retries") if name in given}
        self.base = as_timeout(given["timeout"], exchange.settings.timeout) if "timeout" in given else exchange.settings.timeout

    def timeout(self, left: float) -> Timeout:
        """Return the timeout of one look: none outlasts the deadline by more than a moment."""
        base = self.base
        bounds = {name: getattr(base, name) for name in ("connect", "read", "write", "pool")}
        return Timeout(**bounds, total=min(base.total, max(left, 0.0) + GRACE))

    def pause(self, job: Record) -> float:
        """Return the seconds until the next look, as the caller or else the service wants it."""
        if self.interval is not None:
            return self.interval
        hint = job.http.headers.get("openai-poll-after-ms")
        if not (hint and hint.isascii() and hint.isdigit() and len(hint) < 10):
            return USUAL
        return min(max(int(hint) / 1000, SHORTEST), LONGEST)


def _seconds(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        raise ValueError(f"{name} must be a finite number, 0 or more, not {value!r}")
    return float(value)


# -------------------------------------------------------------------------------------------------------------- stories
async def wait_for(exchange: Exchange, operation: Operation[T], given: Given) -> T:
    """Wait for the job that the operation asks for; return it in its last state, whether good or bad."""
    patience = Patience(exchange, given)
    kind = KINDS[operation.path]
    last: T = await _watched(exchange, kind, patience, {name: given[name] for name in kind.names}, None)
    return last


async def wait_for_file(exchange: Exchange, operation: Operation[T], given: Given) -> T:
    """Wait until a file has been processed; its arguments are in seconds, and it is named `id`."""
    interval = _seconds("poll_interval", given.pop("poll_interval"))
    return await wait_for(exchange, operation, {**given, "file_id": given.pop("id"), "poll_interval_ms": interval * 1000})


async def start_and_wait(exchange: Exchange, operation: Operation[T], given: Given) -> T:
    """Start a job and wait for it."""
    patience = Patience(exchange, given)
    job = await exchange.call(operation, given)
    kind = STARTED[operation.path]
    patience.deadline = exchange.backend.now() + patience.max_wait
    last: T = await _watched(exchange, kind, patience, kind.place(job), job)
    return last


async def add_file(exchange: Exchange, operation: Operation[T], given: Given) -> T:
    """Send a file, and add it to a vector store."""
    return await exchange.call(operation, await _with_file(exchange, given))


async def add_file_and_wait(exchange: Exchange, operation: Operation[T], given: Given) -> T:
    """Send a file, add it to a vector store, and wait until that has read it."""
    Patience(exchange, {**given})  # a time that is none is told before anything is sent
    return await start_and_wait(exchange, operation, await _with_file(exchange, given))


async def add_files_and_wait(exchange: Exchange, operation: Operation[T], given: Given) -> T:
    """Send files, several at a time, add them to a vector store as one batch, and wait until that has read them."""
    Patience(exchange, {**given})
    options = _options(given)

    async def send(file: object) -> str:
        return await _sent(exchange, file, options)

    names = await each(exchange.backend, given.pop("files"), given.pop("max_concurrency"), send)
    given["file_ids"] = [*given.pop("file_ids"), *names]
    return await start_and_wait(exchange, operation, given)


async def _with_file(exchange: Exchange, given: Given) -> Given:
    name = await _sent(exchange, given.pop("file"), _options(given))
    return {**given, "file_id": name}


async def _sent(exchange: Exchange, file: object, options: Given) -> str:
    """Send a file; return its id."""
    uploaded = await exchange.call(UPLOAD, {"file": file, "purpose": "assistants", **options})
    name: str = uploaded.id
    return name


def _options(given: Given) -> Given:
    return {name: given[name] for name in ("extra_headers", "extra_query", "max_retries", "timeout") if name in given}


async def _watched(exchange: Exchange, kind: Kind, patience: Patience, place: Given, job: Any) -> Any:
    """Look until the job is done; `job` is what was seen of it already."""
    backend = exchange.backend
    while True:
        if job is not None:
            if patience.progress is not None:
                await backend.settle(patience.progress(job))
            if job.status not in kind.busy:
                return job
            left = patience.deadline - backend.now()
            if left <= 0:
                raise _late(kind, place, patience, job)
            await backend.sleep(min(patience.pause(job), left))
        job = await _look(exchange, kind, patience, place, job)


async def _look(exchange: Exchange, kind: Kind, patience: Patience, place: Given, seen: Any) -> Any:
    timeout = patience.timeout(patience.deadline - exchange.backend.now())
    try:
        return await exchange.call(kind.retrieve, {**place, **patience.options, "timeout": timeout})
    except APITimeoutError as problem:
        if exchange.backend.now() < patience.deadline:
            raise
        raise _late(kind, place, patience, seen) from problem


def _late(kind: Kind, place: Given, patience: Patience, job: Any) -> PollTimeoutError:
    name = place[kind.names[-1]]
    state = "was not seen" if job is None else f"is {job.status!r}"
    error = PollTimeoutError(
        f"{name} {state} after {patience.max_wait:g} s (max_wait_seconds); it goes on at the service, and can be waited for again.",
        after=patience.max_wait,
    )
    error.last = job
    return error
