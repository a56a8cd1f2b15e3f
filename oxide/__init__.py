"""A pure-Python client for the OpenAI API: `Client` for scripts and threads, `AsyncClient` for asyncio.

Every name here is imported when it is first touched, so that importing the package costs next to nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Literal

    from . import types as types
    from ._azure import AsyncAzureOpenAI as AsyncAzureClient
    from ._azure import AsyncAzureOpenAI as AsyncAzureOpenAI
    from ._azure import AzureOpenAI as AzureClient
    from ._azure import AzureOpenAI as AzureOpenAI
    from ._bedrock import AsyncBedrockOpenAI as AsyncBedrockOpenAI
    from ._bedrock import BedrockOpenAI as BedrockOpenAI
    from ._binary import AsyncBinaryResponse as AsyncBinaryResponse
    from ._binary import BinaryResponse as BinaryResponse
    from ._binary import BinaryResponse as HttpxBinaryResponseContent
    from ._client import AsyncClient as AsyncClient
    from ._client import AsyncClient as AsyncOpenAI
    from ._client import Client as Client
    from ._client import Client as OpenAI
    from ._connection_core import ReconnectingEvent as ReconnectingEvent
    from ._connection_core import ReconnectingOverrides as ReconnectingOverrides
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
    from ._errors import OAuthError as OAuthError
    from ._errors import OxideError as OpenAIError
    from ._errors import OxideError as OxideError
    from ._errors import PermissionDeniedError as PermissionDeniedError
    from ._errors import PollTimeoutError as PollTimeoutError
    from ._errors import RateLimitError as RateLimitError
    from ._errors import RemoteProtocolError as RemoteProtocolError
    from ._errors import StreamError as StreamError
    from ._errors import StructureError as StructureError
    from ._errors import TurnLimitError as TurnLimitError
    from ._errors import UnprocessableEntityError as UnprocessableEntityError
    from ._errors import UploadError as UploadError
    from ._errors import UploadInterruptedError as UploadInterruptedError
    from ._errors import WebSocketConnectionClosedError as WebSocketConnectionClosedError
    from ._errors import WebSocketQueueFullError as WebSocketQueueFullError
    from ._files import File as File
    from ._files import file_from_path as file_from_path
    from ._hedging import RejectedError as RejectedError
    from ._hedging import hedged_request as hedged_request
    from ._hedging import hedged_request_n as hedged_request_n
    from ._hedging import speculate as speculate
    from ._helpers.agent_events import AgentResult as AgentResult
    from ._helpers.agent_events import ToolResult as ToolResult
    from ._helpers.agent_runs import AgentStream as AgentStream
    from ._helpers.agent_runs import AsyncAgentStream as AsyncAgentStream
    from ._helpers.chat_streams import AsyncChatCompletionStream as AsyncChatCompletionStream
    from ._helpers.chat_streams import ChatCompletionStream as ChatCompletionStream
    from ._helpers.decoding import decode_as as decode_as
    from ._helpers.early_calls import FunctionCall as FunctionCall
    from ._helpers.partial import PartialJson as PartialJson
    from ._helpers.partial import partial_json as partial_json
    from ._helpers.response_streams import AsyncResponseStream as AsyncResponseStream
    from ._helpers.response_streams import ResponseStream as ResponseStream
    from ._helpers.schema import strict_schema as strict_schema
    from ._helpers.sessions import AsyncResponsesSession as AsyncResponsesSession
    from ._helpers.sessions import ResponsesSession as ResponsesSession
    from ._helpers.strict import normalize_tool_schema as normalize_tool_schema
    from ._helpers.tools import Tool as Tool
    from ._helpers.tools import pydantic_function_tool as pydantic_function_tool
    from ._helpers.tools import pydantic_responses_function_tool as pydantic_responses_function_tool
    from ._helpers.tools import tool as tool
    from ._helpers.uploads import UploadState as UploadState
    from ._info import HttpInfo as HttpInfo
    from ._models._base import Record as BaseModel
    from ._official import DEFAULT_CONNECTION_LIMITS as DEFAULT_CONNECTION_LIMITS
    from ._official import DEFAULT_MAX_RETRIES as DEFAULT_MAX_RETRIES
    from ._official import DEFAULT_TIMEOUT as DEFAULT_TIMEOUT
    from ._official import NOT_GIVEN as NOT_GIVEN
    from ._official import VERSION as VERSION
    from ._official import DefaultAioHttpClient as DefaultAioHttpClient
    from ._official import DefaultAsyncHttpx2Client as DefaultAsyncHttpx2Client
    from ._official import DefaultAsyncHttpxClient as DefaultAsyncHttpxClient
    from ._official import DefaultHttpx2Client as DefaultHttpx2Client
    from ._official import DefaultHttpxClient as DefaultHttpxClient
    from ._official import NoneType as NoneType
    from ._omit import NotGiven as NotGiven
    from ._omit import Omit as Omit
    from ._omit import not_given as not_given
    from ._omit import omit as omit
    from ._page import AsyncPage as AsyncPage
    from ._page import Page as Page
    from ._protocol.limiter import RateLimiter as RateLimiter
    from ._protocol.retry import RetryPolicy as RetryPolicy
    from ._raw import RawResponse as RawResponse
    from ._stream import AsyncStream as AsyncStream
    from ._stream import Stream as Stream
    from ._streamed import AsyncStreamingResponse as AsyncAPIResponse
    from ._streamed import StreamingResponse as APIResponse
    from ._timeout import Limits as Limits
    from ._timeout import Timeout as Timeout
    from ._transport.socket_options import SocketOptions as SocketOptions
    from ._validate import Problem as Problem
    from ._validate import validate as validate
    from ._version import __title__ as __title__
    from ._version import __version__ as __version__
    from ._when import when as when
    from .resources._module_level import *  # noqa: F403 - the names are generated

    # What the calls of `oxide.responses` and its like go by, where it is set; see `_module_client`.
    api_key: str | Callable[[], str] | None
    admin_api_key: str | Callable[[], str] | None
    organization: str | None
    project: str | None
    webhook_secret: str | None
    base_url: str | None
    timeout: float | Timeout | None
    max_retries: int
    default_headers: Mapping[str, str | Omit] | None
    default_query: Mapping[str, object] | None
    http_client: None
    api_type: Literal["openai", "azure"] | None
    api_version: str | None
    azure_endpoint: str | None
    azure_deployment: str | None
    azure_ad_token: str | None
    azure_ad_token_provider: Callable[[], str] | None

_ERRORS = (
    "APIConnectionError APIError APIResponseValidationError APIStatusError APITimeoutError AuthenticationError BadRequestError "
    "ConfigurationError ConflictError ContentFilterFinishReasonError InternalServerError InvalidWebhookSignatureError "
    "LengthFinishReasonError NotFoundError OxideError PermissionDeniedError PollTimeoutError RateLimitError RemoteProtocolError "
    "StreamError StructureError TurnLimitError UnprocessableEntityError UploadError UploadInterruptedError "
    "WebSocketConnectionClosedError WebSocketQueueFullError"
)

_OFFICIAL = (
    "DEFAULT_CONNECTION_LIMITS DEFAULT_MAX_RETRIES DEFAULT_TIMEOUT DefaultAioHttpClient DefaultAsyncHttpx2Client "
    "DefaultAsyncHttpxClient DefaultHttpx2Client DefaultHttpxClient NOT_GIVEN NoneType VERSION"
)

_PLACES = {
    "AsyncAzureOpenAI": "_azure",
    "AzureOpenAI": "_azure",
    "AsyncBedrockOpenAI": "_bedrock",
    "BedrockOpenAI": "_bedrock",
    "OAuthError": "_errors",
    "AsyncBinaryResponse": "_binary",
    "BinaryResponse": "_binary",
    "AsyncClient": "_client",
    "Client": "_client",
    **dict.fromkeys(_ERRORS.split(), "_errors"),
    **dict.fromkeys(_OFFICIAL.split(), "_official"),
    "File": "_files",
    "file_from_path": "_files",
    "AgentResult": "_helpers.agent_events",
    "AgentStream": "_helpers.agent_runs",
    "AsyncAgentStream": "_helpers.agent_runs",
    "AsyncChatCompletionStream": "_helpers.chat_streams",
    "AsyncResponseStream": "_helpers.response_streams",
    "ChatCompletionStream": "_helpers.chat_streams",
    "FunctionCall": "_helpers.early_calls",
    "ResponseStream": "_helpers.response_streams",
    "ToolResult": "_helpers.agent_events",
    "decode_as": "_helpers.decoding",
    "strict_schema": "_helpers.schema",
    "normalize_tool_schema": "_helpers.strict",
    "PartialJson": "_helpers.partial",
    "partial_json": "_helpers.partial",
    "Tool": "_helpers.tools",
    "pydantic_function_tool": "_helpers.tools",
    "pydantic_responses_function_tool": "_helpers.tools",
    "tool": "_helpers.tools",
    "UploadState": "_helpers.uploads",
    **dict.fromkeys(("RejectedError", "hedged_request", "hedged_request_n", "speculate"), "_hedging"),
    **dict.fromkeys(("ReconnectingEvent", "ReconnectingOverrides"), "_connection_core"),
    "HttpInfo": "_info",
    "Record": "_models._base",
    "RawResponse": "_raw",
    "NotGiven": "_omit",
    "Omit": "_omit",
    "not_given": "_omit",
    "omit": "_omit",
    "AsyncPage": "_page",
    "Page": "_page",
    "RateLimiter": "_protocol.limiter",
    "RetryPolicy": "_protocol.retry",
    "AsyncResponsesSession": "_helpers.sessions",
    "ResponsesSession": "_helpers.sessions",
    "AsyncStream": "_stream",
    "Stream": "_stream",
    "AsyncStreamingResponse": "_streamed",
    "StreamingResponse": "_streamed",
    "Limits": "_timeout",
    "Timeout": "_timeout",
    "SocketOptions": "_transport.socket_options",
    "Problem": "_validate",
    "validate": "_validate",
    "__title__": "_version",
    "__version__": "_version",
    "when": "_when",
}

_ALIASES = {
    "APIResponse": "StreamingResponse",
    "AsyncAPIResponse": "AsyncStreamingResponse",
    "AsyncAzureClient": "AsyncAzureOpenAI",
    "AsyncOpenAI": "AsyncClient",
    "AzureClient": "AzureOpenAI",
    "BaseModel": "Record",
    "HttpxBinaryResponseContent": "BinaryResponse",
    "OpenAI": "Client",
    "OpenAIError": "OxideError",
}

_SETTABLE = (
    "admin_api_key api_key api_type api_version azure_ad_token azure_ad_token_provider azure_deployment azure_endpoint base_url "
    "default_headers default_query http_client max_retries organization project timeout webhook_secret"
)
_DEFAULTS = {"max_retries": "DEFAULT_MAX_RETRIES", "timeout": "DEFAULT_TIMEOUT"}

__all__ = [
    "DEFAULT_CONNECTION_LIMITS",
    "DEFAULT_MAX_RETRIES",
    "DEFAULT_TIMEOUT",
    "NOT_GIVEN",
    "VERSION",
    "APIConnectionError",
    "APIError",
    "APIResponse",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AgentResult",
    "AgentStream",
    "AsyncAPIResponse",
    "AsyncAgentStream",
    "AsyncAzureClient",
    "AsyncAzureOpenAI",
    "AsyncBedrockOpenAI",
    "AsyncBinaryResponse",
    "AsyncChatCompletionStream",
    "AsyncClient",
    "AsyncOpenAI",
    "AsyncPage",
    "AsyncResponseStream",
    "AsyncResponsesSession",
    "AsyncStream",
    "AuthenticationError",
    "AzureClient",
    "AzureOpenAI",
    "BadRequestError",
    "BaseModel",
    "BedrockOpenAI",
    "BinaryResponse",
    "ChatCompletionStream",
    "Client",
    "ConfigurationError",
    "ConflictError",
    "ContentFilterFinishReasonError",
    "DefaultAioHttpClient",
    "DefaultAsyncHttpx2Client",
    "DefaultAsyncHttpxClient",
    "DefaultHttpx2Client",
    "DefaultHttpxClient",
    "File",
    "FunctionCall",
    "HttpInfo",
    "HttpxBinaryResponseContent",
    "InternalServerError",
    "InvalidWebhookSignatureError",
    "LengthFinishReasonError",
    "Limits",
    "NoneType",
    "NotFoundError",
    "NotGiven",
    "OAuthError",
    "Omit",
    "OpenAI",
    "OpenAIError",
    "OxideError",
    "Page",
    "PartialJson",
    "PermissionDeniedError",
    "PollTimeoutError",
    "Problem",
    "RateLimitError",
    "RateLimiter",
    "RawResponse",
    "ReconnectingEvent",
    "ReconnectingOverrides",
    "RejectedError",
    "RemoteProtocolError",
    "ResponseStream",
    "ResponsesSession",
    "RetryPolicy",
    "SocketOptions",
    "Stream",
    "StreamError",
    "StructureError",
    "Timeout",
    "Tool",
    "ToolResult",
    "TurnLimitError",
    "UnprocessableEntityError",
    "UploadError",
    "UploadInterruptedError",
    "UploadState",
    "WebSocketConnectionClosedError",
    "WebSocketQueueFullError",
    "__title__",
    "__version__",
    "decode_as",
    "file_from_path",
    "hedged_request",
    "hedged_request_n",
    "normalize_tool_schema",
    "not_given",
    "omit",
    "partial_json",
    "pydantic_function_tool",
    "pydantic_responses_function_tool",
    "speculate",
    "strict_schema",
    "tool",
    "types",
    "validate",
    "when",
]


if not TYPE_CHECKING:  # a checker would take it for "every name exists"

    def __getattr__(name):
        real = _ALIASES.get(name, name)
        place = _PLACES.get(real)
        if place is not None:
            module = __import__(f"{__name__}.{place}", fromlist=(real,))
            value = globals()[name] = getattr(module, real)
            return value
        if name in _SETTABLE.split():  # and not set
            return __getattr__(_DEFAULTS[name]) if name in _DEFAULTS else None
        if name in ("auth", "providers", "resources", "testing", "types"):
            return __import__(f"{__name__}.{name}", fromlist=("",))
        if name[0] != "_":
            from . import _module_client

            if name in _module_client.NAMES:
                value = globals()[name] = getattr(_module_client.namespaces, name)
                return value
        raise AttributeError(_unknown(name))


def _unknown(name: str) -> str:
    from ._official import ABSENT

    return f"module {__name__!r} has no attribute {name!r}{': ' if name in ABSENT else ''}{ABSENT.get(name, '')}"


def __dir__() -> list[str]:
    from . import _module_client

    return sorted({*globals(), *__all__, *_module_client.NAMES, *_SETTABLE.split()})
