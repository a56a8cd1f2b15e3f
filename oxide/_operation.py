"""What the API offers (`Operation`), and one use of it (`Request`)."""

from __future__ import annotations

import os
from itertools import count

from ._json import as_object, encode
from ._omit import NotGiven, Omit, not_given, omit
from ._protocol.headers import SECRET, Headers
from ._settings import Secret, as_timeout, checked_retries, field, merge
from ._timeout import Timeout
from ._typing import TYPE_CHECKING, Generic, TypeVar
from ._url import encode_query, parse_url, quote_segment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Literal

    from ._protocol.multipart import Multipart
    from ._settings import Settings
    from ._transport.course import Pieces
    from ._url import Origin

__all__ = [
    "NotGiven",
    "Omit",
    "Operation",
    "Options",
    "PageOperation",
    "Request",
    "StreamOperation",
    "new_idempotency_key",
    "not_given",
    "omit",
    "with_query",
]

T = TypeVar("T")
E = TypeVar("E")


class Request:
    """One use of an operation, ready to be sent any number of times.

    Attributes:
        method, url: what is asked of whom.
        headers: without the key, which is added to each attempt.
        body: the encoded body, or the pieces of one.
        replayable: whether the body can be sent again.
        timeout, max_retries: as this call has them.
    """

    __slots__ = ("admin", "authorized", "body", "fields", "length", "max_retries", "method", "origin", "replayable", "target", "timeout")

    def __init__(
        self,
        method: str,
        origin: Origin,
        target: str,
        fields: Sequence[tuple[str, str]],
        body: bytes | Pieces | Multipart,
        *,
        timeout: Timeout,
        max_retries: int,
    ) -> None:
        self.method = method
        self.origin = origin
        self.target = target
        self.fields = fields
        self.body = body
        self.timeout = timeout
        self.max_retries = max_retries
        self.length: int | None = None  # of a body in pieces, where it is known
        self.replayable = True
        self.admin = False  # asks for the admin key
        self.authorized = False  # brings its own Authorization, or wants none

    @property
    def url(self) -> str:
        """Scheme, host, path and query."""
        return f"{self.origin}{self.target}"

    @property
    def place(self) -> str:
        """The URL as messages and logs show it: without its query, where some services want their key."""
        return f"{self.origin}{self.target.partition('?')[0]}"

    @property
    def headers(self) -> Headers:
        """The fields that are sent with each attempt, the key excepted."""
        return Headers(self.fields)

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.place}>"

    def __reduce__(self) -> tuple[object, ...]:
        open_ = [f for f in self.fields if f[0].lower() not in SECRET and not isinstance(f[1], Secret)]
        return _unpickled_request, (self.method, self.url, open_)


def _unpickled_request(method: str, url: str, fields: Sequence[tuple[str, str]]) -> Request:
    """A request that came through pickle tells what was asked, but has neither key nor body."""
    origin, target = parse_url(url)
    return Request(method, origin, target, fields, b"", timeout=Timeout(), max_retries=0)


class Operation(Generic[T]):
    """What the API offers at one method and path: where each parameter goes, and what comes back.

    Args:
        method: the HTTP verb.
        path: the path below the base URL, with `{name}` where a path parameter stands.
        returns: the type expression of the result ("responses.Response"), "" for an empty answer.
        query: names of the parameters that travel in the query.
        header: parameter name -> name of the header it travels in.
        send: fixed header fields.
        rename: parameter name -> JSON key or query name, where they differ.
        body: "json"; "form"; "either", a form where a file is given and JSON where none is; or "" where the operation takes no body.
            Every parameter that is placed nowhere else goes there.
        files: names of the parameters that carry files, in the order in which the form has them.
        parts: parameter name -> content type, of those that are one part of a form each; a text that is alone is the whole body.
        fill: values of parameters that are not given.
        text: whether the answer may be plain text, which is returned as it is.
        admin: whether it asks for the admin key; "either" takes that only where there is no other.
    """

    __slots__ = (
        "_names",
        "_pieces",
        "_simple",
        "admin",
        "body",
        "files",
        "fill",
        "header",
        "method",
        "parts",
        "path",
        "query",
        "rename",
        "returns",
        "send",
        "text",
    )

    def __init__(
        self,
        method: str,
        path: str,
        returns: str = "",
        *,
        query: tuple[str, ...] = (),
        header: Mapping[str, str] | None = None,
        send: Mapping[str, str] | None = None,
        rename: Mapping[str, str] | None = None,
        body: str = "",
        files: tuple[str, ...] = (),
        parts: Mapping[str, str] | None = None,
        fill: Mapping[str, object] | None = None,
        text: bool = False,
        admin: bool | Literal["either"] = False,
    ) -> None:
        self.method = method
        self.path = path
        self.returns = returns
        self.query = query
        self.header = header or {}
        self.send = send or {}
        self.rename = rename or {}
        self.body = body
        self.files = files
        self.parts = parts or {}
        self.fill = fill
        self.text = text
        self.admin = admin
        pieces = path.replace("}", "{").split("{")
        self._pieces = pieces[::2]  # of the path, around its parameters
        self._names = pieces[1::2]
        self._simple = body == "json" and not (query or header or rename or fill)  # whatever is no option goes into the body as it is

    def prepare(self, given: dict[str, Any], settings: Settings) -> Request:
        """Put each argument where it belongs.

        Args:
            given: the method's arguments by name, as `locals()` has them; `omit` and `not_given` ones are not sent.

        Raises:
            ValueError: a path parameter that would name another resource, a header that cannot be sent, a body that is no JSON.
            TypeError: what was given as a file can be none.
            OSError: there is no file at a path.
        """
        values = {name: value for name, value in given.items() if value is not omit and value is not not_given}
        values.pop("self", None)
        options = Options(values, settings)
        path = self._path(values) if self._names else self.path
        target = settings.prefix + (path if settings.route is None else options.routed(path, values))
        admin = self.admin is True or (self.admin == "either" and settings.api_key is None)
        if self._simple and not (options.query or options.body or settings.default_query):
            return options.request(self.method, target, encode(values), self.send, admin)
        query = {self.rename.get(name, name): values.pop(name) for name in self.query if name in values} if self.query else {}
        if query or options.query or settings.default_query:
            target = with_query(target, {**settings.default_query, **query, **options.query})
        for name, header in self.header.items():
            if name in values:
                options.headers[header] = _header_text(values.pop(name))
        return options.request(self.method, target, self._encode(values, options), self.send, admin)

    def _path(self, values: dict[str, Any]) -> str:
        path = self._pieces[0]
        for name, after in zip(self._names, self._pieces[1:]):  # noqa: B905 - one piece more than names, by construction
            path += quote_segment(name, values.pop(name)) + after
        return path

    def _encode(self, values: dict[str, Any], options: Options) -> bytes | Multipart:
        for name, key in self.rename.items():
            if name in values:
                values[key] = values.pop(name)
        if options.body:
            values.update(options.body)
        if not self.body and not values:
            return b""
        if self.fill:
            values = {**self.fill, **values}
        if self.body in _FORMS:
            from ._forms import encode_form

            body, options.content_type = encode_form(values, self.files, self.parts, optional=self.body == "either")
            return body
        return encode(values)


_FORMS = ("form", "either")


_OPTIONS = ("extra_headers", "extra_query", "extra_body", "timeout", "max_retries", "idempotency_key")
_ABSENT: tuple[Any, ...] = (None, None, None, not_given, not_given, None)


class Options:
    """What every method takes beside its parameters, taken out of its arguments."""

    __slots__ = ("_idempotency_key", "_max_retries", "_settings", "_timeout", "body", "content_type", "headers", "query", "streaming")

    def __init__(self, values: dict[str, Any], settings: Settings) -> None:
        headers, query, body, self._timeout, self._max_retries, self._idempotency_key = map(values.pop, _OPTIONS, _ABSENT)
        self._settings = settings
        self.headers: dict[str, object] = dict(headers) if headers else {}
        self.query: dict[str, object] = dict(query) if query else {}
        self.body: dict[str, Any] = body or {}
        self.streaming = bool(values.get("stream"))
        self.content_type = "application/json"

    def routed(self, path: str, body: object) -> str:
        """Return the path as the host has it, and take up what it adds to body and query; `extra_body` and `extra_query` go over that."""
        settings = self._settings
        given = as_object(body)
        if settings.amend is not None and given is not None:
            self.body = {**settings.amend(path, given), **self.body}
        if settings.amend_query is not None and given is not None:
            self.query = {**settings.amend_query(path, given), **self.query}
        return path if settings.route is None else settings.route(path, body)

    def request(self, method: str, target: str, body: bytes | Multipart, send: Mapping[str, str], admin: bool = False) -> Request:
        """Make the request of a method, a target and a body."""
        settings = self._settings
        timeout, retries = self._timeout, self._max_retries
        fields, authorized = [*settings.fields], settings.authorized
        if body:
            fields.append(("Content-Type", self.content_type))
        if self._idempotency_key:
            fields.append(field("Idempotency-Key", self._idempotency_key))
        elif method == "POST":
            fields.append(("Idempotency-Key", new_idempotency_key()))
        if self.headers or send or self.streaming or settings.odd_headers:
            fields, authorized = self._merged(fields, send)
        timeout = settings.timeout if timeout is not_given else as_timeout(timeout, settings.timeout)
        retries = settings.max_retries if retries is not_given else checked_retries(retries)
        request = Request(method, settings.origin, target, fields, body, timeout=timeout, max_retries=retries)
        request.admin, request.authorized = admin, authorized
        if not isinstance(body, bytes):
            request.length, request.replayable = body.length, body.replayable
        return request

    def _merged(self, own: list[tuple[str, str]], send: Mapping[str, str]) -> tuple[list[tuple[str, str]], bool]:
        """The fields of a request that brings some of its own; and whether the key is, or is not wanted, among them."""
        settings = self._settings
        fields = {name.lower(): (name, value) for name, value in own}
        if self.streaming:
            fields["accept"] = ("Accept", "text/event-stream")
        for headers in (settings.default_headers, send, self.headers):
            for name, value in headers.items():
                merge(fields, name, value)
        if self.content_type.startswith("multipart/"):
            fields["content-type"] = ("Content-Type", self.content_type)  # nobody else knows the boundary
        key_field = settings.key_field.lower()
        authorized = any(n.lower() == key_field for h in (settings.default_headers, self.headers) for n in h)
        return list(fields.values()), authorized


class StreamOperation(Operation[T], Generic[T, E]):
    """An operation that answers with events of type E: when its parameter `stream` is true, or `always`."""

    __slots__ = ("always", "event")

    def __init__(self, method: str, path: str, returns: str, event: str, *, always: bool = False, **placement: Any) -> None:
        if always:
            placement["send"] = {"Accept": "text/event-stream", **placement.get("send", {})}
        super().__init__(method, path, returns, **placement)
        self.event = event
        self.always = always


_WALKING = frozenset(("limit_total", "prefetch"))


class PageOperation(Operation[T]):
    """An operation that lists items of type T page by page; `kind` says how the next page is asked for."""

    __slots__ = ("kind",)

    def __init__(self, method: str, path: str, item: str, kind: str, **placement: Any) -> None:
        super().__init__(method, path, item, **placement)
        self.kind = kind

    def prepare(self, given: dict[str, Any], settings: Settings) -> Request:
        """Put each argument where it belongs; the options of walking (`_page`) are not sent."""
        return super().prepare({name: value for name, value in given.items() if name not in _WALKING}, settings)


def with_query(target: str, parameters: Mapping[str, object]) -> str:
    """Return the target with a query behind it."""
    query = encode_query([pair for pair in parameters.items() if pair[1] is not omit])
    return f"{target}{'&' if '?' in target else '?'}{query}" if query else target


def _header_text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]  # any sequence


class _Keys:
    """Keys that no two requests share: a random beginning for the process, and a count. The kernel is asked for dice once only."""

    __slots__ = ("_numbers", "_prefix")

    def __init__(self) -> None:
        self._prefix = ""
        self._numbers = count(1)

    def new(self) -> str:
        """Return another key."""
        if not self._prefix:
            self._prefix = os.urandom(16).hex()
        return f"oxide-{self._prefix}-{next(self._numbers)}"

    def renew(self) -> None:
        """Begin anew, in a forked child."""
        self._prefix = ""


_keys = _Keys()
new_idempotency_key = _keys.new
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_keys.renew)
