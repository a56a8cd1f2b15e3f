"""Raw verbs: any method and path of the API, for what has no method of its own. `get` and `post` decode, `request` does not."""

from __future__ import annotations

from ._json import as_object, encode
from ._models._base import Record
from ._omit import NotGiven, not_given
from ._operation import Options, with_query
from ._stream import AsyncStream, EventReader, Stream
from ._transport.base import run_now
from ._typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable, Mapping
    from typing import Any, TypedDict

    from typing_extensions import Unpack

    from ._callers import BlockingCaller, LoopCaller
    from ._exchange import Answer, Exchange
    from ._omit import Omit
    from ._operation import Request
    from ._raw import RawResponse
    from ._settings import Settings
    from ._timeout import Timeout

    class CallOptions(TypedDict, total=False):
        """What every call takes beside its parameters."""

        extra_headers: Mapping[str, str | Omit]
        extra_query: Mapping[str, object]
        extra_body: Mapping[str, object]
        timeout: float | Timeout | None
        max_retries: int
        idempotency_key: str


__all__ = ["AsyncVerbs", "Verbs"]

T = TypeVar("T")

METHODS = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"))


def build(
    settings: Settings, method: str, path: str, content: object, json: object, options: dict[str, Any], stream: bool = False
) -> Request:
    """Make a request of a verb and a path below the base URL.

    Raises:
        ValueError: a method or path that cannot be, or both `content` and `json`.
    """
    verb = method.upper()
    if verb not in METHODS:
        raise ValueError(f"the method must be one of {', '.join(sorted(METHODS))}, not {method!r}")
    if content is not None and not isinstance(json, NotGiven):
        raise ValueError("pass content= or json=, not both")
    taken = Options(options, settings)
    taken.streaming = stream
    target = settings.prefix + (_checked_path(path) if settings.route is None else taken.routed(_checked_path(path), json))
    if taken.query or settings.default_query:
        target = with_query(target, {**settings.default_query, **taken.query})
    if options:
        raise TypeError(f"unknown option {sorted(options)[0]!r}")
    if taken.body:
        body = {} if isinstance(json, NotGiven) else as_object(json)
        if body is None:
            raise ValueError("extra_body= needs a body that is a dict")
        json = {**body, **taken.body}
    request = taken.request(verb, target, b"" if isinstance(json, NotGiven) else encode(json), {})
    if content is not None:
        _put_content(request, content)
    return request


def _checked_path(path: str) -> str:
    if not path.isascii() or any(c <= " " or c in "#\x7f" for c in path):
        raise ValueError("the path has white space, control or non-ASCII characters, or a fragment; percent-encode them")
    if "://" in path or path.startswith("//"):
        raise ValueError("the path is below base_url and has no host of its own")
    if any(part in (".", "..") for part in path.partition("?")[0].split("/")):
        raise ValueError("the path must not have the segments . or ..")
    return path if path.startswith("/") else f"/{path}"


def _put_content(request: Request, content: object) -> None:
    if isinstance(content, str):
        content = content.encode()
    if isinstance(content, (bytes, bytearray)):
        request.body = bytes(content)
    elif hasattr(content, "__aiter__") or hasattr(content, "__iter__"):
        request.body = content  # type: ignore[assignment]  # an iterable; what it yields is checked as it is sent
        request.replayable = isinstance(content, (list, tuple))
    else:
        raise TypeError(f"content must be bytes, text or an iterable of bytes, not {type(content).__name__}")  # pyright: ignore[reportUnknownArgumentType]


def cast(kind: type[T], answer: Answer, body: bytes, exchange: Exchange) -> T:
    """Make what the caller asked for of a body: bytes, text, JSON as it is, or a record."""
    result: Any
    if kind is bytes:
        result = body
    elif kind is str:
        result = body.decode("utf-8", "replace")
    elif issubclass(kind, Record):
        value = exchange.parsed(answer, body)
        if not isinstance(value, dict):
            raise exchange.invalid(answer, body, f"its JSON is no {kind.__name__}")
        try:
            result = decode_as(kind)(value)
        except RecursionError:
            raise exchange.invalid(answer, body, "its JSON is nested too deeply") from None
        result._http = answer.http()
    else:
        result = exchange.parsed(answer, body) if body else None
    return result  # type: ignore[no-any-return]  # of the kind that was asked for, or JSON


def decode_as(kind: type[Any]) -> Any:
    """Return what makes an event or result of a kind of a parsed JSON object."""
    from ._models._base import decoder_of

    return decoder_of(kind) if issubclass(kind, Record) else _same


def _same(value: Any) -> Any:
    return value


async def _decoded(exchange: Exchange, request: Request, kind: type[T]) -> T:
    answer, body = await exchange.send(request, whole=True)
    return cast(kind, answer, body, exchange)


async def _events(exchange: Exchange, request: Request, kind: type[T]) -> EventReader[T]:
    reader: EventReader[T] = EventReader(decode_as(kind))
    return await reader.open(exchange, request)


async def _raw(exchange: Exchange, request: Request, judged: bool) -> RawResponse:
    answer, body = await exchange.send(request, whole=True, judged=judged)
    return answer.raw(body)


class Verbs:
    """The raw verbs of the blocking client. Paths are below `base_url`, as in `client.get("/models")`."""

    _caller: BlockingCaller

    def request(
        self,
        method: str,
        path: str,
        *,
        content: bytes | str | Iterable[bytes] | None = None,
        json: object = not_given,
        raise_for_status: bool = True,
        **options: Unpack[CallOptions],
    ) -> RawResponse:
        """Send a request and return its answer as it came.

        Args:
            content: the body as bytes, text or pieces; json: or a value to be encoded.
            raise_for_status: whether an error status raises; retries are made in either case only where it does.

        Raises:
            APIError: no answer, or an error status.
            ValueError: a method, path or header that cannot be sent.
        """
        exchange = self._caller.exchange
        request = build(exchange.settings, method, path, content, json, {**options})
        return run_now(_raw(exchange, request, raise_for_status))

    def _verb(self, method: str, path: str, kind: type[Any], body: object, stream: bool, options: dict[str, Any]) -> Any:
        exchange = self._caller.exchange
        request = build(exchange.settings, method, path, None, body, options, stream)
        return Stream(run_now(_events(exchange, request, kind))) if stream else run_now(_decoded(exchange, request, kind))

    def get(self, path: str, *, cast_to: type[T] = dict, stream: bool = False, **options: Unpack[CallOptions]) -> T:  # type: ignore[assignment]  # the default gives JSON
        """GET a path; returns `cast_to`: a record class, dict, str or bytes, or with `stream` a stream of these."""
        result: T = self._verb("GET", path, cast_to, not_given, stream, {**options})
        return result

    def post(
        self,
        path: str,
        *,
        cast_to: type[T] = dict,  # type: ignore[assignment]  # the default gives JSON
        body: object = not_given,
        stream: bool = False,
        **options: Unpack[CallOptions],
    ) -> T:
        """POST a JSON body to a path; returns `cast_to`, or with `stream` a stream of these."""
        result: T = self._verb("POST", path, cast_to, body, stream, {**options})
        return result

    def put(
        self,
        path: str,
        *,
        cast_to: type[T] = dict,  # type: ignore[assignment]  # the default gives JSON
        body: object = not_given,
        **options: Unpack[CallOptions],
    ) -> T:
        """PUT a JSON body to a path; returns `cast_to`."""
        result: T = self._verb("PUT", path, cast_to, body, False, {**options})
        return result

    def patch(
        self,
        path: str,
        *,
        cast_to: type[T] = dict,  # type: ignore[assignment]  # the default gives JSON
        body: object = not_given,
        **options: Unpack[CallOptions],
    ) -> T:
        """PATCH a path with a JSON body; returns `cast_to`."""
        result: T = self._verb("PATCH", path, cast_to, body, False, {**options})
        return result

    def delete(
        self,
        path: str,
        *,
        cast_to: type[T] = dict,  # type: ignore[assignment]  # the default gives JSON
        body: object = not_given,
        **options: Unpack[CallOptions],
    ) -> T:
        """DELETE a path; returns `cast_to`."""
        result: T = self._verb("DELETE", path, cast_to, body, False, {**options})
        return result


class AsyncVerbs:
    """The raw verbs of the asyncio client; those of `Verbs`, awaited."""

    _caller: LoopCaller

    async def request(
        self,
        method: str,
        path: str,
        *,
        content: bytes | str | Iterable[bytes] | AsyncIterable[bytes] | None = None,
        json: object = not_given,
        raise_for_status: bool = True,
        **options: Unpack[CallOptions],
    ) -> RawResponse:
        """Send a request and return its answer as it came; see `Verbs.request`."""
        exchange = self._caller.exchange
        request = build(exchange.settings, method, path, content, json, {**options})
        return await _raw(exchange, request, raise_for_status)

    async def _verb(self, method: str, path: str, kind: type[Any], body: object, stream: bool, options: dict[str, Any]) -> Any:
        exchange = self._caller.exchange
        request = build(exchange.settings, method, path, None, body, options, stream)
        return AsyncStream(await _events(exchange, request, kind)) if stream else await _decoded(exchange, request, kind)

    async def get(self, path: str, *, cast_to: type[T] = dict, stream: bool = False, **options: Unpack[CallOptions]) -> T:  # type: ignore[assignment]  # the default gives JSON
        """GET a path; returns `cast_to`: a record class, dict, str or bytes, or with `stream` a stream of these."""
        result: T = await self._verb("GET", path, cast_to, not_given, stream, {**options})
        return result

    async def post(
        self,
        path: str,
        *,
        cast_to: type[T] = dict,  # type: ignore[assignment]  # the default gives JSON
        body: object = not_given,
        stream: bool = False,
        **options: Unpack[CallOptions],
    ) -> T:
        """POST a JSON body to a path; returns `cast_to`, or with `stream` a stream of these."""
        result: T = await self._verb("POST", path, cast_to, body, stream, {**options})
        return result

    async def put(
        self,
        path: str,
        *,
        cast_to: type[T] = dict,  # type: ignore[assignment]  # the default gives JSON
        body: object = not_given,
        **options: Unpack[CallOptions],
    ) -> T:
        """PUT a JSON body to a path; returns `cast_to`."""
        result: T = await self._verb("PUT", path, cast_to, body, False, {**options})
        return result

    async def patch(
        self,
        path: str,
        *,
        cast_to: type[T] = dict,  # type: ignore[assignment]  # the default gives JSON
        body: object = not_given,
        **options: Unpack[CallOptions],
    ) -> T:
        """PATCH a path with a JSON body; returns `cast_to`."""
        result: T = await self._verb("PATCH", path, cast_to, body, False, {**options})
        return result

    async def delete(
        self,
        path: str,
        *,
        cast_to: type[T] = dict,  # type: ignore[assignment]  # the default gives JSON
        body: object = not_given,
        **options: Unpack[CallOptions],
    ) -> T:
        """DELETE a path; returns `cast_to`."""
        result: T = await self._verb("DELETE", path, cast_to, body, False, {**options})
        return result
