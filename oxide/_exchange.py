"""One call, from its request to its result: the whole story, once for both worlds.

An attempt asks for the key, sends the request, follows redirects, and judges the answer.  A failed one is told to the hooks, and tried
again if the policy, the budget and the deadline allow.
"""

from __future__ import annotations

import os
import time

from ._answer import Answer
from ._errors import APIError, AttemptRecord, ConfigurationError
from ._json import as_object, decode, plain_with
from ._judge import CLOSED, RedirectError, failure, invalid, repeatable, unsuccessful
from ._log import DEBUG, INFO, logger_for
from ._models._base import Learned, adopters, decoder, plain
from ._protocol.base import ProtocolError
from ._settings import checked_key
from ._transport.course import Course, Outgoing
from ._transport.http import ClosedError
from ._typing import TYPE_CHECKING, Protocol, TypeVar, cast
from ._url import join_reference

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence
    from typing import Any

    from ._errors import APIResponseValidationError
    from ._info import HttpInfo
    from ._operation import Operation, Request
    from ._protocol.limiter import RateLimiter
    from ._protocol.multipart import Multipart
    from ._protocol.retry import RetryBudget, RetryPolicy
    from ._settings import Settings
    from ._transport.base import Backend
    from ._transport.course import Pieces
    from ._transport.feed import OffLoop
    from ._transport.http import HttpTransport
    from ._transport.incoming import Incoming

__all__ = ["Answer", "Authority", "Exchange"]

T = TypeVar("T")

MAX_REDIRECTS = 10
MAX_ERROR_BODY = 1 << 20
"""Bytes of an error's body that are read."""

REDIRECTS = frozenset((301, 302, 303, 307, 308))

plain_with(plain)


class Authority(Protocol):
    """What authorizes the attempts of calls to a host, where that is more than a key: tokens that are fetched, signatures."""

    async def authorize(
        self, exchange: Exchange, request: Request, fields: Sequence[tuple[str, str]], deadline: float
    ) -> Sequence[tuple[str, str]]:
        """Return the fields of an attempt, complete.

        Args:
            fields: those of the request; with a key, if the client has one for it.
            deadline: when it must be done, in seconds of the exchange's clock.
        """
        ...

    def refused(self, fields: Sequence[tuple[str, str]]) -> bool:
        """The service does not accept the fields of an attempt; return whether others may do better."""
        ...


class Exchange:
    """What a client and its copies with other options have in common, but for the options.

    Args:
        settings: the options.
        transport: sends requests.
        backend: the world.
        budget: pays for retries; None does not count them.
        off_loop: calls a function where it may wait for a disk; None in the blocking world.
    """

    __slots__ = (
        "_authority",
        "_credentials",
        "_hooks",
        "_off_loop",
        "_open",
        "adopters",
        "backend",
        "budget",
        "closed",
        "decoder",
        "settings",
        "transport",
    )

    def __init__(
        self,
        settings: Settings,
        transport: HttpTransport,
        backend: Backend,
        budget: RetryBudget | None,
        off_loop: OffLoop | None = None,
    ) -> None:
        self.settings = settings
        self.transport = transport
        self.backend = backend
        self.budget = budget
        self._open = transport.open if settings.rate_limiter is None else _limited(transport, backend, settings.rate_limiter)
        self._off_loop: Callable[..., Awaitable[Any]] | None = off_loop
        self.closed = False  # the client was closed; copies of it, and their connections, may go on
        self._hooks = {name: [getattr(h, name) for h in settings.hooks if hasattr(h, name)] for name in HOOKS} if settings.hooks else None
        self.decoder = _strict_decoder() if settings.strict else decoder
        self.adopters = Learned(self.decoder) if settings.strict else adopters
        self._credentials = settings.credential(settings.api_key), settings.credential(settings.admin_api_key)
        self._authority = cast("Authority | None", settings.authority)  # settings know no exchange

    # ------------------------------------------------------------------------------------------------ results
    async def call(self, operation: Operation[T], given: dict[str, Any]) -> T:
        """Make a call and return its result."""
        answer, body = await self.send(operation.prepare(given, self.settings), whole=True)
        result: T = self.result(operation, answer, body) if operation.text else self.decoded(operation.returns, answer, body)
        return result

    def result(self, operation: Operation[Any], answer: Answer, body: bytes) -> Any:
        """Make the result of an operation. Raises APIResponseValidationError."""
        if operation.text and "json" not in (answer.incoming.headers.get("content-type") or ""):
            return body.decode("utf-8", "replace")
        return self.decoded(operation.returns, answer, body)

    def decoded(self, kind: str, answer: Answer, body: bytes) -> Any:
        """Make the result of a body. Raises APIResponseValidationError."""
        if not kind:
            return None
        if kind == "str":
            return body.decode("utf-8", "replace")
        try:
            value = decode(body)
        except ValueError as problem:
            raise self.invalid(answer, body, f"its body is no JSON: {problem}") from None
        if not isinstance(value, dict):
            raise self.invalid(answer, body, f"its JSON is no {kind} but a {type(value).__name__}")
        try:
            result = self.adopters[kind](value)
        except RecursionError:
            raise self.invalid(answer, body, "its JSON is nested too deeply") from None
        except ValueError as problem:  # of a strict client
            raise self.invalid(answer, body, f"its JSON is not as the API describes it: {problem}") from None
        result._http = answer.http()  # pyright: ignore[reportPrivateUsage]  # the one writer of that slot
        return result

    def parsed(self, answer: Answer, body: bytes) -> Any:
        """Return the JSON of a body. Raises APIResponseValidationError."""
        try:
            return decode(body)
        except ValueError as problem:
            raise self.invalid(answer, body, f"its body is no JSON: {problem}") from None

    def invalid(self, answer: Answer, body: bytes, problem: str) -> APIResponseValidationError:
        """Return the error of a successful answer whose body is not what was promised."""
        error = invalid(answer.raw(body), answer.request, problem)
        error.attempts = answer.attempts
        return error

    async def page(self, operation: Operation[Any], given: dict[str, Any]) -> tuple[dict[str, Any], list[Any], HttpInfo]:
        """Get one page of a list: the page as it came, its items, and the HTTP side."""
        answer, body = await self.send(operation.prepare(given, self.settings), whole=True)
        return self.page_of(operation, answer, body)

    def page_of(self, operation: Operation[Any], answer: Answer, body: bytes) -> tuple[dict[str, Any], list[Any], HttpInfo]:
        """Make a page of a body. Raises APIResponseValidationError."""
        page = as_object(self.parsed(answer, body))
        data = None if page is None else page.pop("data", False)
        if data is None and page is not None and not self.settings.strict:
            data = []  # what services written in Go make of no items
        if page is None or not isinstance(data, list):
            raise self.invalid(answer, body, "its JSON is no page with a list of data")
        try:
            items = self.decoder(f"list[{operation.returns}]")(data)
        except RecursionError:
            raise self.invalid(answer, body, "its JSON is nested too deeply") from None
        except ValueError as problem:
            raise self.invalid(answer, body, f"its JSON is not as the API describes it: data{problem}") from None
        return page, items, answer.http()

    # ------------------------------------------------------------------------------------------------ attempts
    async def send(
        self, request: Request, whole: bool, judged: bool = True, events: bool = False, begun: float | None = None
    ) -> tuple[Answer, bytes]:
        """Send a request until an answer is good, or trying on is of no use.

        Args:
            whole: read the body as part of the attempt, so that a body that breaks off is asked for again.
            judged: whether an error status is an error.
            events: the body is a stream of events, whose first one may have a limit of its own.
            begun: when the call began, if that was before; its deadline counts from there.
        """
        if self.closed:
            raise ConfigurationError(CLOSED)
        backend = self.backend
        started = backend.now()
        if begun is None:
            begun = started
        attempts: list[AttemptRecord] = []
        while True:
            credential = None if request.authorized else self._credentials[request.admin] or await self._ask_key(request.admin)
            if self._hooks is not None:
                await self._tell("on_request", request)
            fields = request.fields if credential is None else [*request.fields, credential]
            if self._authority is not None:
                fields = await self._authority.authorize(self, request, fields, begun + request.timeout.total)
            sent = request.body if isinstance(request.body, bytes) else _fed(request.body, self._off_loop)
            outgoing = Outgoing(request.method, request.origin, request.target, fields, sent, request.length, request.replayable)
            course = Course(request.timeout, begun + request.timeout.total, backend.now, begun)
            if events:
                course.expect("first_event", begun)
            status: int | None = None
            cause: Exception | None = None
            error: APIError | ConfigurationError
            try:
                incoming = await self._open(outgoing, course)
                if incoming.status in REDIRECTS:
                    incoming = await self._redirected(outgoing, incoming, course)
                status = incoming.status
                good = status < 300 or not judged
                body = b""
                if whole or not good:
                    limit = self.settings.max_body if good else MAX_ERROR_BODY
                    early = incoming.at_hand(limit)
                    body = await incoming.read(limit, cut=not good) if early is None else early
            except (OSError, ProtocolError, ClosedError) as problem:
                cause = problem
                error = failure(problem, request, course)
            else:
                answer = Answer(request, incoming, attempts, begun)
                if self._hooks is not None:
                    await self._tell_response(answer)
                if good:
                    attempts.append(AttemptRecord(len(attempts) + 1, started - begun, backend.now() - begun, status, ""))
                    self._succeeded(request, incoming, attempts)
                    return answer, body
                error = unsuccessful(answer.raw(body), request, time.time())
            finally:
                if not isinstance(outgoing.body, bytes):
                    _release(outgoing.body)
            attempts.append(AttemptRecord(len(attempts) + 1, started - begun, backend.now() - begun, status, str(error)))
            delay = await self._failed(request, error, cause, course, attempts, fields)
            if delay is None:
                raise error from cause
            await backend.sleep(delay)
            started = backend.now()

    async def signed(self, request: Request) -> Sequence[tuple[str, str]]:
        """Return the fields of a request with its key, after the hooks have been told that it is sent: for what is no HTTP call."""
        credential = None if request.authorized else self._credentials[request.admin] or await self._ask_key(request.admin)
        await self.tell("on_request", request)
        fields = request.fields if credential is None else [*request.fields, credential]
        if self._authority is not None:
            fields = await self._authority.authorize(self, request, fields, self.backend.now() + request.timeout.total)
        return fields

    async def aside(self, function: Callable[[], T]) -> T:
        """Call a function that may wait, for a disk or a program; other tasks go on meanwhile."""
        if self._off_loop is None:
            return function()
        result: T = await self._off_loop(function)
        return result

    async def tell(self, name: str, *facts: object) -> None:
        """Call the hooks of one name."""
        await self._tell(name, *facts)

    async def _ask_key(self, admin: bool) -> tuple[str, str] | None:
        source = self.settings.admin_api_key if admin else self.settings.api_key
        if source is None and (self.settings.keyless or self._authority is not None):
            return None
        if not callable(source):
            name = "OPENAI_ADMIN_KEY, or pass admin_api_key=" if admin else "OPENAI_API_KEY, or pass api_key="
            raise ConfigurationError(f"This call needs another key: set {name} to the client.")
        return self.settings.credential(checked_key(await self.backend.settle(source())))

    # ------------------------------------------------------------------------------------------------ redirects
    async def _redirected(self, outgoing: Outgoing, incoming: Incoming, course: Course) -> Incoming:
        """Follow redirects (RFC 9110, 15.4) as far as the client allows."""
        for _ in range(MAX_REDIRECTS):
            location = incoming.headers.get("location")
            if incoming.status not in REDIRECTS or location is None or self.settings.redirects == "none":
                return incoming
            outgoing = self._next_hop(outgoing, incoming, location)
            await incoming.read(MAX_ERROR_BODY, cut=True)
            incoming = await self.transport.open(outgoing, course)
        if incoming.status in REDIRECTS:
            raise _refusal(incoming, f"that was the {MAX_REDIRECTS + 1}th redirect in a row")
        return incoming

    def _next_hop(self, outgoing: Outgoing, incoming: Incoming, location: str) -> Outgoing:
        try:
            origin, target = join_reference(outgoing.origin, outgoing.target, location)
        except ConfigurationError as problem:
            raise _refusal(incoming, f"its location is no valid URL: {problem}") from None
        if origin != outgoing.origin and self.settings.redirects != "any":
            advice = 'the request would travel along; pass redirects="any" to the client if that is what you want'
            raise _refusal(incoming, f"it leads to another origin, {origin}, and {advice}")
        if origin.path != outgoing.origin.path:
            raise _refusal(incoming, "no server may send us to a Unix socket")
        method, body, fields = outgoing.method, outgoing.body, list(outgoing.fields)
        if (incoming.status == 303 and method != "HEAD") or (incoming.status in (301, 302) and method == "POST"):
            method, body = "GET", b""
            fields = [field for field in fields if field[0].lower() not in ("content-type", "idempotency-key")]
        if body and not outgoing.replayable:
            raise _refusal(incoming, "the body of the request cannot be sent again")
        if origin != outgoing.origin:
            fields = [field for field in fields if field[0].lower() in _TRAVELLING]
            fields.insert(0, ("Host", origin.authority))
        return Outgoing(method, origin, target, fields, body, outgoing.length if body else None, replayable=True)

    # ------------------------------------------------------------------------------------------------ retries
    async def _failed(
        self,
        request: Request,
        error: APIError | ConfigurationError,
        cause: Exception | None,
        course: Course,
        attempts: list[AttemptRecord],
        fields: Sequence[tuple[str, str]] = (),
    ) -> float | None:
        """Tell the hooks; return the seconds to wait before the next attempt, or None to stop."""
        if isinstance(error, APIError):
            error.attempts = tuple(attempts)
        if logger := logger_for(INFO):
            logger.info("%s %s failed, attempt %d: %s", request.method, request.place, len(attempts), error)
        if self._hooks is not None:
            await self._tell("on_error", request, error)
        delay = 0.0 if self._renewable(request, attempts, fields) else self._delay(request, error, cause, course, len(attempts) - 1)
        if delay is None or course.deadline - self.backend.now() <= delay:
            return None
        if self.budget is not None and not self.budget.take():
            return None
        if self._hooks is not None:
            await self._tell("on_retry", request, error, delay)
        return delay

    def _renewable(self, request: Request, attempts: list[AttemptRecord], fields: Sequence[tuple[str, str]]) -> bool:
        """Whether the service refused what authorized the attempt, for the first time, and there is something new to try."""
        if self._authority is None or attempts[-1].status != 401 or not self._authority.refused(fields):
            return False
        return request.replayable and all(attempt.status != 401 for attempt in attempts[:-1])

    def _delay(self, request: Request, error: Exception, cause: Exception | None, course: Course, taken: int) -> float | None:
        if not request.replayable or not isinstance(error, APIError):
            return None
        if cause is not None and not repeatable(cause, course.phase):
            return None
        policy = self._policy(request)
        status, headers = getattr(error, "status_code", None), getattr(getattr(error, "response", None), "headers", None)
        code = error.code if isinstance(error.code, str) else None  # a service may say anything
        return policy.delay(taken, status, headers, int.from_bytes(os.urandom(4), "big") / 2**32, time.time(), code=code)

    def _policy(self, request: Request) -> RetryPolicy:
        return _with_limit(self.settings.retry, request.max_retries)

    def _succeeded(self, request: Request, incoming: Incoming, attempts: list[AttemptRecord]) -> None:
        budget = self.budget
        if budget is not None and budget.tokens < budget.capacity and len(attempts) == 1:
            budget.give()
        if logger := logger_for(DEBUG):
            id_, seconds = incoming.headers.get("x-request-id"), attempts[-1].ended
            logger.debug("%s %s: %d in %.3f s, request id %s", request.method, request.place, incoming.status, seconds, id_)

    async def _tell_response(self, answer: Answer) -> None:
        try:
            await self._tell("on_response", answer.request, answer.http())
        except BaseException:
            answer.discard()
            raise

    async def _tell(self, name: str, *facts: object) -> None:
        if self._hooks is not None:
            for hook in self._hooks[name]:
                await self.backend.settle(hook(*facts))


HOOKS = ("on_request", "on_response", "on_error", "on_retry")
_TRAVELLING = frozenset(("accept", "accept-encoding", "content-type", "idempotency-key", "openai-beta", "user-agent"))
"""Fields that go along to another origin: of all others nobody knows whether they are credentials."""


def _strict_decoder() -> Callable[[str], Callable[[Any], Any]]:
    from ._validate import strict_decoder  # which most programs never load

    return strict_decoder


def _limited(
    transport: HttpTransport, backend: Backend, limiter: RateLimiter
) -> Callable[[Outgoing, Course], Coroutine[Any, Any, Incoming]]:
    from ._transport.limited import LimitedTransport

    return LimitedTransport(transport, backend, limiter).open


def _fed(body: Pieces | Multipart, off_loop: OffLoop | None) -> Pieces:
    from ._transport.feed import fed  # most calls send JSON

    return fed(body, off_loop)


def _release(body: Pieces) -> None:
    from ._transport.feed import release

    release(body)


def _refusal(incoming: Incoming, why: str) -> RedirectError:
    incoming.discard()
    return RedirectError(f"a redirect ({incoming.status}) is not followed: {why}")


def _with_limit(policy: RetryPolicy, limit: int) -> RetryPolicy:
    """The policy, with a number of retries that the call has chosen."""
    return policy if policy.limit == limit else policy.with_limit(limit)
