"""Judges a request before any endpoint sees it: its place, its key, its query and the parameters of its body."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from typing import Any
from urllib.parse import parse_qs

from . import _facts
from ._form import read_form
from ._model import is_object
from ._script import Received

__all__ = ["ApiError", "Call", "Judge"]

JSON = dict[str, Any]
KIND_NAMES = {bool: "a boolean", str: "a string", int: "an integer", float: "a decimal", list: "an array", dict: "an object"}


class ApiError(Exception):
    """A request that the API refuses: the status and the fields of the error object."""

    def __init__(self, status: int, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.error: JSON = {"message": message, "type": "invalid_request_error", "param": param, "code": code}


class Call:
    """One request on its way through the API: what its path, query and body say."""

    __slots__ = ("body", "operation", "path", "query")

    def __init__(self, operation: str, path: list[str], query: dict[str, list[str]], body: JSON) -> None:
        self.operation = operation
        self.path = path
        self.query = query
        self.body = body

    def text(self, name: str, default: str = "") -> str:
        """Return a parameter of the query."""
        return self.query.get(name, [default])[0]


class Judge:
    """Knows the operations ("POST /responses") and the keys; `judge` returns a sound request, or raises `ApiError`."""

    def __init__(self, operations: Sequence[str], keys: Collection[str] | None) -> None:
        self._keys = keys
        self._patterns: list[tuple[str, re.Pattern[str], str]] = []
        for operation in operations:
            verb, _, path = operation.partition(" ")
            self._patterns.append((verb, re.compile("/v1" + re.sub(r"\{\w+\}", "([^/]+)", path)), operation))

    def judge(self, received: Received) -> Call:
        """Return what the request asks for."""
        operation, path = self._route(received)
        self.check_key(received)
        query = parse_qs(received.query, keep_blank_values=True)
        _check_query(operation, query)
        return Call(operation, path, query, _checked_body(operation, received))

    def _route(self, received: Received) -> tuple[str, list[str]]:
        known = False
        for verb, pattern, operation in self._patterns:
            match = pattern.fullmatch(received.path)
            if match and verb == received.method:
                return operation, list(match.groups())
            known = known or match is not None
        if known:
            raise ApiError(405, f"{received.method} is not offered at {received.path}.", code="method_not_supported")
        raise ApiError(404, f"There is nothing at {received.path} (asked with {received.method}).", code="unknown_url")

    def check_key(self, received: Received) -> None:
        """Raise `ApiError` where no key comes with a request, or an unknown one."""
        scheme, _, key = (received.headers.get("authorization") or "").partition(" ")
        key = key.strip() if scheme.lower() == "bearer" else received.headers.get("api-key") or ""
        if not key:
            raise ApiError(401, "No API key came with the request: send it as `Authorization: Bearer <key>`.")
        if self._keys is not None and key not in self._keys:
            raise ApiError(401, "That API key is not known here.", code="invalid_api_key")


def _check_query(operation: str, query: dict[str, list[str]]) -> None:
    known = _facts.QUERY.get(operation, frozenset())
    for name in query:
        if name.partition("[")[0] not in known and name != "api-version":
            raise ApiError(400, f"Unknown query parameter: {name!r}.", param=name, code="unknown_parameter")


def _checked_body(operation: str, received: Received) -> JSON:
    """Return the body as an object, with the parameters that the operation knows; refuses anything else."""
    kind = received.headers.get("content-type") or ""
    known = _facts.BODY.get(operation)
    if operation in _facts.FORM and (known is None or kind.startswith("multipart/")):
        known, body = _facts.FORM[operation], _form(kind, received.body)
    elif known is None:
        return {}
    else:
        body = _json(received.body)
    for name in body:
        if name not in known:
            raise ApiError(400, f"Unknown parameter: {name!r}.", param=name, code="unknown_parameter")
    for name in _facts.REQUIRED.get(operation, ()):
        if name not in body:
            raise ApiError(400, f"Missing required parameter: {name!r}.", param=name, code="missing_required_parameter")
    _check_kinds(body)
    return body


def _form(kind: str, body: bytes) -> JSON:
    try:
        return read_form(kind, body)
    except ValueError as problem:
        raise ApiError(400, f"The body of the request is not a form: {problem}.") from None


def _json(body: bytes) -> JSON:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise ApiError(400, "The body of the request is not JSON.") from None
    if not is_object(value):
        raise ApiError(400, "The body of the request is not a JSON object.")
    return value


def _check_kinds(body: JSON) -> None:
    for name, value in body.items():
        kinds = _facts.KINDS.get(name)
        if value is None or kinds is None:
            continue
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            wanted, got = KIND_NAMES[kinds[0]], KIND_NAMES[type(value)]
            raise ApiError(400, f"Invalid type for {name!r}: {wanted} is wanted, {got} came.", param=name, code="invalid_type")
