"""A pure-Python client for the OpenAI API: `Client` for scripts and threads, `AsyncClient` for asyncio.

Every name here is imported when it is first touched, so that importing the package costs next to nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._client import AsyncClient as AsyncClient
    from ._client import AsyncClient as AsyncOpenAI
    from ._client import Client as Client
    from ._client import Client as OpenAI
    from ._errors import APIConnectionError as APIConnectionError
    from ._errors import APIError as APIError
    from ._errors import APIResponseValidationError as APIResponseValidationError
    from ._errors import APIStatusError as APIStatusError
    from ._errors import APITimeoutError as APITimeoutError
    from ._errors import AuthenticationError as AuthenticationError
    from ._errors import BadRequestError as BadRequestError
    from ._errors import ConfigurationError as ConfigurationError
    from ._errors import ConflictError as ConflictError
    from ._errors import ContentFilterFinishReasonError as ContentFilterFinishReasonError
    from ._errors import InternalServerError as InternalServerError
    from ._errors import InvalidWebhookSignatureError as InvalidWebhookSignatureError
    from ._errors import LengthFinishReasonError as LengthFinishReasonError
    from ._errors import NotFoundError as NotFoundError
    from ._errors import OxideError as OpenAIError
    from ._errors import OxideError as OxideError
    from ._errors import PermissionDeniedError as PermissionDeniedError
    from ._errors import RateLimitError as RateLimitError
    from ._errors import RemoteProtocolError as RemoteProtocolError
    from ._errors import StreamError as StreamError
    from ._errors import UnprocessableEntityError as UnprocessableEntityError
    from ._errors import WebSocketConnectionClosedError as WebSocketConnectionClosedError
    from ._info import HttpInfo as HttpInfo
    from ._omit import NotGiven as NotGiven
    from ._omit import Omit as Omit
    from ._omit import not_given as not_given
    from ._omit import omit as omit
    from ._page import AsyncPage as AsyncPage
    from ._page import Page as Page
    from ._protocol.retry import RetryPolicy as RetryPolicy
    from ._raw import RawResponse as RawResponse
    from ._stream import AsyncStream as AsyncStream
    from ._stream import Stream as Stream
    from ._timeout import Limits as Limits
    from ._timeout import Timeout as Timeout
    from ._version import __version__ as __version__

_ERRORS = (
    "APIConnectionError APIError APIResponseValidationError APIStatusError APITimeoutError AuthenticationError BadRequestError "
    "ConfigurationError ConflictError ContentFilterFinishReasonError InternalServerError InvalidWebhookSignatureError "
    "LengthFinishReasonError NotFoundError OxideError PermissionDeniedError RateLimitError RemoteProtocolError StreamError "
    "UnprocessableEntityError WebSocketConnectionClosedError"
)

_PLACES = {
    "AsyncClient": "_client",
    "Client": "_client",
    **dict.fromkeys(_ERRORS.split(), "_errors"),
    "HttpInfo": "_info",
    "RawResponse": "_raw",
    "NotGiven": "_omit",
    "Omit": "_omit",
    "not_given": "_omit",
    "omit": "_omit",
    "AsyncPage": "_page",
    "Page": "_page",
    "RetryPolicy": "_protocol.retry",
    "AsyncStream": "_stream",
    "Stream": "_stream",
    "Limits": "_timeout",
    "Timeout": "_timeout",
    "__version__": "_version",
}

_ALIASES = {"AsyncOpenAI": "AsyncClient", "OpenAI": "Client", "OpenAIError": "OxideError"}

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AsyncClient",
    "AsyncOpenAI",
    "AsyncPage",
    "AsyncStream",
    "AuthenticationError",
    "BadRequestError",
    "Client",
    "ConfigurationError",
    "ConflictError",
    "ContentFilterFinishReasonError",
    "HttpInfo",
    "InternalServerError",
    "InvalidWebhookSignatureError",
    "LengthFinishReasonError",
    "Limits",
    "NotFoundError",
    "NotGiven",
    "Omit",
    "OpenAI",
    "OpenAIError",
    "OxideError",
    "Page",
    "PermissionDeniedError",
    "RateLimitError",
    "RawResponse",
    "RemoteProtocolError",
    "RetryPolicy",
    "Stream",
    "StreamError",
    "Timeout",
    "UnprocessableEntityError",
    "WebSocketConnectionClosedError",
    "__version__",
    "not_given",
    "omit",
]


def __getattr__(name: str) -> object:
    real = _ALIASES.get(name, name)
    place = _PLACES.get(real)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = __import__(f"{__name__}.{place}", fromlist=(real,))
    value = globals()[name] = getattr(module, real)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
