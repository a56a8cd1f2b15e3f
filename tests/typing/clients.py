"""What checkers should understand of clients, hosts and the package itself: options that exist, and those that do not. Never run."""

from __future__ import annotations

from typing_extensions import assert_type

import oxide as openai
from oxide import chat, responses
from oxide.resources.files import AsyncFiles, Files
from oxide.resources.responses import Responses
from oxide.types.chat import ChatCompletion
from oxide.types.responses import Response


def made(timeout: openai.Timeout, text: str | None) -> None:
    client = openai.OpenAI(api_key=lambda: "key", timeout=timeout, strict=True, data_residency="eu", http_client=None)
    assert_type(client, openai.Client)
    assert_type(client.files, Files)
    assert_type(client.with_options(max_retries=3, default_headers={"X": openai.omit}), openai.Client)
    assert_type(openai.AsyncOpenAI().files, AsyncFiles)
    openai.OpenAI(organization=text, project=text, _strict_response_validation=True)
    openai.OpenAI(api_kee="k")  # mistake
    openai.OpenAI(http_client=object())  # mistake
    openai.OpenAI(data_residency="mars")  # mistake
    client.with_options(azure_ad_token="t")  # mistake
    client.fles  # mistake  # noqa: B018


async def token() -> str:
    return "token"


def azure() -> None:
    client = openai.AzureOpenAI(azure_endpoint="https://x", api_version="v", azure_ad_token_provider=lambda: "t", max_retries=3, proxy=None)
    assert_type(client.with_options(azure_ad_token="t", timeout=3), openai.AzureOpenAI)
    assert_type(client.files, Files)
    openai.AsyncAzureOpenAI(azure_deployment="mine", azure_ad_token_provider=token)
    openai.AzureOpenAI(azure_ad_token_provider=token)  # mistake
    openai.AzureOpenAI(azure_endpiont="https://x")  # mistake


def package() -> None:
    openai.api_key = "k"
    openai.timeout = None
    openai.max_retries = 3
    assert_type(openai.responses, Responses)
    assert_type(openai.responses.create(model="gpt-5", input="Hello"), Response)
    assert_type(responses.create(model="gpt-5", input="Hello"), Response)
    assert_type(chat.completions.create(model="gpt-5", messages=[]), ChatCompletion)
    openai.Engine  # mistake  # noqa: B018


def raised(error: Exception) -> int | None:
    if isinstance(error, openai.RateLimitError):
        assert_type(error.status_code, int)
        return error.status_code
    return None
