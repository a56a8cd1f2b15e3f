"""What can go wrong, as a tree.

    OxideError                       also OpenAIError: the base of everything raised here
      ConfigurationError             no key, a bad URL, an option that cannot be
      APIError                       .message .request .body .code .param .type .attempts
        APIConnectionError           no usable response; .phase: resolve, connect, tls, proxy, pool, send, head, body
          APITimeoutError            .phase .after (seconds)
            PollTimeoutError         a job was not done in time, also a TimeoutError; .last
          RemoteProtocolError        the peer broke the rules of HTTP, SSE or WebSocket
        APIStatusError               .status_code .request_id .response .retry_after
          BadRequestError 400, AuthenticationError 401, PermissionDeniedError 403, NotFoundError 404, ConflictError 409,
          UnprocessableEntityError 422, RateLimitError 429, InternalServerError 5xx
          OAuthError                 a workload identity was refused, also an AuthenticationError
        APIResponseValidationError   the body is not what the API describes
        StreamError                  an error event, or an end too early, inside a stream; .events_so_far
        UploadInterruptedError       some parts of a large file were not taken, also an UploadError; .state
      LengthFinishReasonError, ContentFilterFinishReasonError
      StructureError                 a text is not of the type that was asked for; .path .text; also a ValueError
      InvalidWebhookSignatureError   also a ValueError
      SubjectTokenProviderError      there is no token that says which workload this is
      WebSocketConnectionClosedError .code .reason .unsent_messages
      WebSocketQueueFullError        too many messages wait to be sent
      TurnLimitError                 a model calls tools again and again; .result
      UploadError                    a file cannot be read while it is sent, or has changed its length

A message is one sentence: what happened, to which request, what to do.  Facts are attributes.  No secret is in either.
"""

from __future__ import annotations

from ._typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AttemptRecord",
    "AuthenticationError",
    "BadRequestError",
    "ConfigurationError",
    "ConflictError",
    "ContentFilterFinishReasonError",
    "InternalServerError",
    "InvalidWebhookSignatureError",
    "LengthFinishReasonError",
    "NotFoundError",
    "OAuthError",
    "OxideError",
    "PermissionDeniedError",
    "PollTimeoutError",
    "RateLimitError",
    "RemoteProtocolError",
    "StreamError",
    "StructureError",
    "SubjectTokenProviderError",
    "TurnLimitError",
    "UnprocessableEntityError",
    "UploadError",
    "UploadInterruptedError",
    "WebSocketConnectionClosedError",
    "WebSocketQueueFullError",
    "status_error",
]


class AttemptRecord:
    """One try of a call: when it began and ended (seconds since the call began), and how it went."""

    __slots__ = ("cause", "ended", "number", "started", "status")

    def __init__(self, number: int, started: float, ended: float, status: int | None, cause: str) -> None:
        self.number = number
        self.started = started
        self.ended = ended
        self.status = status
        self.cause = cause  # "" where the attempt succeeded

    def __repr__(self) -> str:
        outcome = self.cause or self.status
        return f"<attempt {self.number}: {outcome}, {self.started:.3f} s to {self.ended:.3f} s>"

    def __reduce__(self) -> tuple[type[AttemptRecord], tuple[int, float, float, int | None, str]]:
        return AttemptRecord, (self.number, self.started, self.ended, self.status, self.cause)


class OxideError(Exception):
    """The base of every error of this library."""


class ConfigurationError(OxideError, ValueError):
    """The client was asked for something that cannot be; raised before anything is sent."""


class APIError(OxideError):
    """A call did not give its result.

    Attributes:
        message: what happened.
        request: the request, without its secrets; None where there was none.
        body: the decoded error object of the service, or the start of a body that could not be decoded.
        code, param, type: as the service gave them.
        attempts: every try with its time and its cause.
    """

    def __init__(self, message: str, request: object = None, *, body: object = None) -> None:
        super().__init__(message)
        self.message = message
        self.request = request
        self.body = body
        facts: dict[str, Any] = cast("dict[str, Any]", body) if isinstance(body, dict) else {}  # JSON
        self.code: str | None = facts.get("code")
        self.param: str | None = facts.get("param")
        self.type: str | None = facts.get("type")
        self.attempts: Sequence[AttemptRecord] = ()


class APIConnectionError(APIError):
    """No usable response came.

    Attributes:
        phase: where it failed: "resolve", "connect", "tls", "proxy", "pool", "send", "head" or "body".
        events_so_far: for a stream, the last events that came before it, oldest first.
    """

    def __init__(self, message: str = "Connection error.", request: object = None, *, phase: str = "connect") -> None:
        super().__init__(message, request)
        self.phase = phase
        self.events_so_far: Sequence[Any] = ()


class APITimeoutError(APIConnectionError):
    """A wait took longer than its timeout.

    Attributes:
        after: how many seconds were waited.
    """

    def __init__(
        self, message: str = "Request timed out.", request: object = None, *, phase: str = "head", after: float | None = None
    ) -> None:
        super().__init__(message, request, phase=phase)
        self.after = after


class PollTimeoutError(APITimeoutError, TimeoutError):
    """A job of the service was not done in the time that was given it; it goes on there.

    Attributes:
        last: the job, as it was seen last.
        after: how many seconds were waited.
    """

    def __init__(self, message: str = "The job is not done yet.", request: object = None, *, after: float | None = None) -> None:
        super().__init__(message, request, phase="poll", after=after)
        self.last: Any = None


class RemoteProtocolError(APIConnectionError):
    """The peer broke the rules of HTTP, of server-sent events or of WebSocket."""


class APIResponseValidationError(APIError):
    """A body is not what the API describes.

    Attributes:
        response: the response, with its status and headers.
        status_code: its status.
    """

    def __init__(self, response: object = None, body: object = None, *, message: str = "", request: object = None) -> None:
        super().__init__(message or "The body is not what the API describes.", request, body=body)
        self.response = response
        self.status_code: int | None = getattr(response, "status_code", None)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.response, self.body), self.__dict__


class APIStatusError(APIError):
    """The service answered with an error status.

    Attributes:
        response: the response, with `status_code`, `headers`, `content`.
        status_code: the HTTP status.
        request_id: what to tell the service's support.
        retry_after: seconds the service asks to wait, where it does.
        events_so_far: for a stream over a WebSocket, the last events that came before it, oldest first.
    """

    def __init__(self, message: str, *, response: Any = None, body: object = None, request: object = None) -> None:
        super().__init__(message, request if request is not None else getattr(response, "request", None), body=body)
        self.response = response
        self.status_code: int = getattr(response, "status_code", 0)
        headers = getattr(response, "headers", None)
        self.request_id: str | None = headers.get("x-request-id") if headers is not None else None
        self.retry_after: float | None = None
        self.events_so_far: Sequence[Any] = ()


class BadRequestError(APIStatusError):
    """400: a parameter is wrong; see `param` and `message`."""


class AuthenticationError(APIStatusError):
    """401: the key is missing, wrong or revoked."""


class OAuthError(AuthenticationError):
    """400, 401 or 403: a workload identity was not exchanged for a token (RFC 6749, 5.2).

    Attributes:
        error: the code that the service gave, as "invalid_grant".
    """

    def __init__(self, message: str = "", *, response: Any = None, body: object = None, request: object = None) -> None:
        facts: dict[str, Any] = cast("dict[str, Any]", body) if isinstance(body, dict) else {}  # JSON
        told = facts.get("error_description")
        text = told if isinstance(told, str) and told else "A workload identity was not exchanged for a token."
        super().__init__(message or text, response=response, body=facts or None, request=request)
        self.error: str | None = facts.get("error")


class PermissionDeniedError(APIStatusError):
    """403: the key may not do this."""


class NotFoundError(APIStatusError):
    """404: no such thing, or no access to it."""


class ConflictError(APIStatusError):
    """409: somebody else changed it meanwhile."""


class UnprocessableEntityError(APIStatusError):
    """422: well-formed, but not possible."""


class RateLimitError(APIStatusError):
    """429: too many requests or tokens, or no quota left; see `retry_after` and `code`."""


class InternalServerError(APIStatusError):
    """5xx: the service failed."""


class StreamError(APIError):
    """A stream told of an error, or ended before its last event.

    Attributes:
        events_so_far: the last events that came before it, oldest first.
        event_count: how many events came before it.
    """

    def __init__(self, message: str, request: object = None, *, body: object = None, events_so_far: Sequence[Any] = ()) -> None:
        super().__init__(message, request, body=body)
        self.events_so_far = list(events_so_far)
        self.event_count = len(self.events_so_far)


class SubjectTokenProviderError(OxideError):
    """There is no token that says which workload this is.

    Attributes:
        response: the answer of the service that should have given it, if that was asked.
    """

    def __init__(self, message: str = "There is no subject token.", *, response: Any = None) -> None:
        super().__init__(message)
        self.response = response


class TurnLimitError(OxideError):
    """A model calls tools again and again, more often than `responses.run` was told to go along with.

    Attributes:
        result: what the run has come to, an `AgentResult`.
    """

    def __init__(self, message: str = "The model calls tools again and again.", result: Any = None) -> None:
        super().__init__(message)
        self.result = result


class UploadError(OxideError):
    """A file could not be read to its end while it was sent, or was not as long as before; the request is incomplete."""


class UploadInterruptedError(APIError, UploadError):
    """A large file did not arrive as a whole; its `__cause__` tells why.

    Attributes:
        state: what has arrived, an `UploadState`; `upload_file_chunked(..., resume=error.state)` sends the rest.
    """

    def __init__(self, message: str = "The upload was interrupted.", request: object = None, *, body: object = None) -> None:
        super().__init__(message, request, body=body)
        self.state: Any = None


class LengthFinishReasonError(OxideError):
    """The answer was cut at its length limit, so that it cannot be parsed."""

    def __init__(self, completion: Any = None) -> None:
        super().__init__("Could not parse the answer: it was cut at its length limit; raise the limit on output tokens.")
        self.completion = completion


class ContentFilterFinishReasonError(OxideError):
    """The answer was stopped by the content filter, so that it cannot be parsed."""

    def __init__(self, completion: Any = None) -> None:
        super().__init__("Could not parse the answer: it was stopped by the content filter.")
        self.completion = completion


class StructureError(OxideError, ValueError):
    """A text that should be of a certain type is not: an answer of structured output, or the arguments of a call.

    Attributes:
        path: where in it, as `$.steps[2].output`.
        text: the text, where it is known.
        response: the answer that it is in, where it is known.
    """

    def __init__(self, message: str = "The text is not of the type that was asked for.", *, path: str = "$", text: str = "") -> None:
        super().__init__(message)
        self.path = path
        self.text = text
        self.response: Any = None


class InvalidWebhookSignatureError(OxideError, ValueError):
    """A webhook is not signed with the secret."""


class WebSocketConnectionClosedError(OxideError):
    """The WebSocket is closed: there will be no more messages.

    Attributes:
        code, reason: as the peer gave them (RFC 6455, 7.4); 1006 where nobody said goodbye.
        unsent_frames: messages that were waiting to be sent, in their order.
        events_so_far: for a stream, the last events that came before it, oldest first.
    """

    def __init__(
        self,
        message: str = "The WebSocket is closed.",
        *,
        code: int | None = None,
        reason: str = "",
        unsent_messages: Sequence[str | bytes] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.unsent_frames: list[str | bytes] = list(unsent_messages)
        self.events_so_far: Sequence[Any] = ()

    @property
    def unsent_messages(self) -> list[str]:
        """The text among the messages that were waiting to be sent."""
        return [message for message in self.unsent_frames if isinstance(message, str)]


class WebSocketQueueFullError(OxideError):
    """Too many messages wait for a WebSocket to be open; this one is not among them."""


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}


def status_error(status: int) -> type[APIStatusError]:
    """Return the class of error for an HTTP status."""
    return _BY_STATUS.get(status, InternalServerError if status >= 500 else APIStatusError)
