"""`import oxide as openai`: programs written for the official library, and what they find of it here."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import pickle
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest

import oxide
import oxide as openai
from oxide._official import ABSENT, ACCEPTED, OF_HTTPX, OPTIONS
from oxide.testing import Fault, Server
from tests.exchange._story import KEY, RESPONSE, answer, asked, scripted, scripted_async
from tests.house._tree import ROOT
from tests.house.test_import_budget import loaded_by

MESSAGES: list[Any] = [{"role": "developer", "content": "Talk like a pirate."}, {"role": "user", "content": "Is this Python?"}]
NOT_PUBLIC = {"annotations", "override", "version"}  # what the official package imports for itself
MIGRATING = (ROOT / "docs" / "migrating.md").read_text("utf-8")


# ------------------------------------------------------------------------------------------------ programs
def test_a_program_in_the_official_spelling(server: Server) -> None:
    client = openai.OpenAI(api_key="k", base_url=server.url, timeout=20.0, max_retries=0)

    response = client.responses.create(model="gpt-5", instructions="Be brief.", input="Hello")
    assert response.output_text == "You said: Hello"
    assert response._request_id is not None
    completion = client.chat.completions.create(model="gpt-5", messages=MESSAGES)
    assert completion.choices[0].message.content == "You said: Is this Python?"
    assert completion.model_dump()["choices"][0]["finish_reason"] == "stop"
    assert '"finish_reason":"stop"' in completion.model_dump_json().replace(" ", "")

    stream = client.responses.create(model="gpt-5", input="Hello", stream=True)
    assert "".join(event.delta for event in stream if event.type == "response.output_text.delta") == "You said: Hello"
    with client.chat.completions.create(model="gpt-5", messages=MESSAGES, stream=True) as chunks:
        assert isinstance(chunks, openai.Stream)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "You said: Is this Python?"

    raw = client.chat.completions.with_raw_response.create(model="gpt-5", messages=MESSAGES)
    assert raw.headers["X-Request-ID"] == raw.request_id
    assert raw.parse().choices[0].message.role == "assistant"
    with client.chat.completions.with_streaming_response.create(model="gpt-5", messages=MESSAGES) as whole:
        assert isinstance(whole, openai.APIResponse)
        assert any("pirate" in line or "Python" in line for line in whole.iter_lines())
    quick = client.with_options(timeout=openai.Timeout(5.0, connect=1.0), max_retries=3)
    assert next(model.id for model in quick.models.list()) == "echo-1"
    client.close()


def test_the_same_program_for_asyncio(server: Server) -> None:
    async def program() -> None:
        async with openai.AsyncOpenAI(api_key="k", base_url=server.url) as client:
            response = await client.responses.create(model="gpt-5", input="Hello")
            assert response.output_text == "You said: Hello"
            stream = await client.responses.create(model="gpt-5", input="Hello", stream=True)
            assert isinstance(stream, openai.AsyncStream)
            assert [event.type async for event in stream][-1] == "response.completed"
            raw = await client.chat.completions.with_raw_response.create(model="gpt-5", messages=MESSAGES)
            assert raw.parse().choices[0].message.content == "You said: Is this Python?"
            async with client.chat.completions.with_streaming_response.create(model="gpt-5", messages=MESSAGES) as whole:
                assert isinstance(whole, openai.AsyncAPIResponse)
                assert b"Python" in await whole.read()
            assert [model.id async for model in client.models.list()]
            first = await client.models.list()
            assert first.data[0].id == "echo-1"

    asyncio.run(program())


def test_files_and_lists_in_the_official_spelling(tmp_path: Path) -> None:
    lines = tmp_path / "input.jsonl"
    lines.write_bytes(b'{"a": 1}')
    jobs = [{"object": "list", "data": [{"id": f"job_{n}"}], "has_more": n < 2} for n in (1, 2)]
    client, world = scripted([answer(200, {"id": "file_1", "object": "file"}), *[answer(200, page) for page in jobs]])
    assert client.files.create(file=lines, purpose="fine-tune").id == "file_1"
    assert [job.id for job in client.fine_tuning.jobs.list(limit=1)] == ["job_1", "job_2"]
    upload, first, second = asked(world)
    assert upload.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'filename="input.jsonl"' in upload.body
    assert lines.read_bytes() in upload.body
    assert (first.target, second.target) == ("/v1/fine_tuning/jobs?limit=1", "/v1/fine_tuning/jobs?after=job_1&limit=1")


def test_errors_have_their_official_names(server: Server) -> None:
    client = openai.OpenAI(api_key="k", base_url=server.url, max_retries=0)
    kinds: dict[int, type[Exception]] = {
        400: openai.BadRequestError,
        401: openai.AuthenticationError,
        403: openai.PermissionDeniedError,
        404: openai.NotFoundError,
        409: openai.ConflictError,
        422: openai.UnprocessableEntityError,
        429: openai.RateLimitError,
        500: openai.InternalServerError,
    }
    for status, kind in kinds.items():
        server.fail_next(Fault(status=status))
        with pytest.raises(kind) as caught:
            client.responses.create(model="gpt-5", input="Hello")
        assert isinstance(caught.value, openai.APIStatusError)
        assert isinstance(caught.value, openai.OpenAIError)
        assert caught.value.status_code == status
        assert caught.value.response.headers["x-request-id"] == caught.value.request_id
    with pytest.raises(openai.APIConnectionError) as refused:
        openai.OpenAI(api_key="k", base_url="http://127.0.0.1:9", max_retries=0).models.list()
    assert refused.value.__cause__ is not None
    assert issubclass(openai.APITimeoutError, openai.APIConnectionError)


def test_types_are_found_where_they_were() -> None:
    from oxide.types import FileObject
    from oxide.types.chat import ChatCompletion, ChatCompletionMessageParam
    from oxide.types.responses import Response

    assert openai.types.chat.ChatCompletion is ChatCompletion
    assert openai.types.responses.Response is Response
    assert issubclass(FileObject, openai.BaseModel)
    assert ChatCompletionMessageParam is not None


def test_a_namespace_is_made_once_for_a_client_and_loads_no_other() -> None:
    client = openai.OpenAI(api_key="k")
    assert client.files is client.files
    assert client.files is not client.with_options(timeout=1).files
    assert "files" in dir(client)
    assert type(client).files.__doc__
    with pytest.raises(AttributeError, match="'Client' object has no attribute 'fles'"):
        client.fles  # type: ignore[attr-defined]  # noqa: B018 - that is the point
    names = loaded_by("import oxide", "oxide.OpenAI(api_key='k').files", "oxide.AsyncOpenAI(api_key='k').files")
    assert not [name for name in names if "responses" in name or re.match(r"oxide\._models\.[a-z]", name)]


# ------------------------------------------------------------------------------------------------ keys
def test_administration_goes_by_its_own_key() -> None:
    page = answer(200, {"object": "list", "data": [], "has_more": False})
    client, world = scripted([page, answer(200, RESPONSE)], admin_api_key="sk-admin")
    client.admin.organization.projects.list()
    client.responses.create(model="m", input="x")
    assert [sent.headers["authorization"] for sent in asked(world)] == ["Bearer sk-admin", f"Bearer {KEY}"]
    client, world = scripted([page])
    with pytest.raises(openai.ConfigurationError, match="OPENAI_ADMIN_KEY"):
        client.admin.organization.projects.list()
    assert not asked(world)


@pytest.mark.parametrize(("keys", "used"), [({"api_key": "a"}, "a"), ({"api_key": None, "admin_api_key": "b"}, "b")])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_where_either_key_will_do_the_plain_one_goes_first(keys: dict[str, str], used: str) -> None:
    client, world = scripted([answer(200, {"id": "s"})], **keys)
    client.beta.realtime.sessions.create()
    assert asked(world)[0].headers["authorization"] == f"Bearer {used}"


def test_the_admin_key_may_be_asked_for() -> None:
    async def key() -> str:
        return "sk-asked"

    client, world = scripted_async([answer(200, {"object": "list", "data": [], "has_more": False})], admin_api_key=key)

    async def story() -> None:
        await client.admin.organization.projects.list()

    asyncio.run(story())
    assert asked(world)[0].headers["authorization"] == "Bearer sk-asked"


# ------------------------------------------------------------------------------------------------ options
@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_that_does_not_exist_here_names_ours(name: str) -> None:
    makers: tuple[Any, ...] = (openai.OpenAI, openai.AsyncOpenAI, openai.OpenAI(api_key="k").with_options)
    for make in makers:
        with pytest.raises(openai.ConfigurationError, match=f"^{name}= does not exist here: .*(=|HTTP)"):
            make(**{"api_key": "k", name: object()})
        make(**{"api_key": "k", name: None})  # says nothing
    assert f"`{name}`" in MIGRATING


def test_a_misspelt_option_is_a_type_error_with_the_right_one() -> None:
    with pytest.raises(TypeError, match="did you mean 'max_retries'"):
        openai.OpenAI(api_key="k", max_retrys=3)  # type: ignore[call-arg]  # that is the point
    with pytest.raises(TypeError, match="the options are"):
        openai.OpenAI(api_key="k", zzzzzzzz=3)  # type: ignore[call-arg]  # that is the point


@pytest.mark.parametrize("name", ["DefaultHttpxClient", "DefaultAsyncHttpxClient", "DefaultAioHttpClient", "DefaultHttpx2Client"])
def test_an_http_client_to_be_set_up_tells_what_to_set_up_instead(name: str) -> None:
    for argument, ours in OF_HTTPX.items():
        with pytest.raises(openai.ConfigurationError, match=re.escape(f"for {argument}= use {ours}")):
            getattr(openai, name)(**{argument: object()})


def test_strictness_and_the_check_for_a_key_go_by_their_official_names() -> None:
    assert openai.OpenAI(api_key="k", _strict_response_validation=True)._settings.strict
    assert openai.OpenAI(api_key="k", strict=True).with_options(timeout=1)._settings.strict
    assert not openai.OpenAI(api_key="k")._settings.strict
    client = openai.OpenAI(_enforce_credentials=False)
    with pytest.raises(openai.ConfigurationError, match="OPENAI_API_KEY"):
        client.models.list()


def test_a_region_has_its_base_url() -> None:
    client = openai.OpenAI(api_key="k", data_residency="eu")
    assert client.base_url == "https://eu.api.openai.com/v1"
    assert openai.OpenAI(api_key="k", data_residency="global").base_url == "https://api.openai.com/v1"
    assert client.with_options(base_url="http://x").base_url == "http://x"
    assert client.with_options(base_url="http://x").with_options(data_residency="us").base_url == "https://us.api.openai.com/v1"
    assert pickle.loads(pickle.dumps(client)).base_url == client.base_url
    for wrong in ({"data_residency": "eu", "base_url": "http://x"}, {"data_residency": "mars"}):
        with pytest.raises(openai.ConfigurationError, match="data_residency"):
            openai.OpenAI(api_key="k", **wrong)  # type: ignore[arg-type]  # that is the point


def test_a_client_tells_what_it_sends_with_every_request() -> None:
    client = openai.OpenAI(api_key=KEY, default_headers={"X-A": "1"}, default_query={"q": 1})
    assert client.default_headers["x-a"] == "1"
    assert KEY not in str(dict(client.default_headers))
    assert client.default_query == {"q": 1}


# ------------------------------------------------------------------------------------------------ beside the official library
def parameters(function: Any) -> set[str]:
    return set(inspect.signature(function).parameters) - {"self"}


@pytest.mark.parametrize("name", ["OpenAI", "AsyncOpenAI", "AzureOpenAI", "AsyncAzureOpenAI"])
def test_every_official_option_is_accepted_or_explained(name: str) -> None:
    official = getattr(pytest.importorskip("openai"), name)
    ours = getattr(oxide, name)
    own: dict[str, Any] = {"api_key": "k"}
    own |= {"azure_endpoint": "https://x", "api_version": "v"} if "Azure" in name else {}
    known = ours(**own)._known() | ACCEPTED | OPTIONS.keys()
    assert parameters(official.__init__) <= known
    assert parameters(official.copy) - {"_extra_kwargs"} <= known


def test_every_official_name_is_here_or_explained() -> None:
    official = pytest.importorskip("openai")
    missing = {name for name in official.__all__ if not hasattr(oxide, name)}
    assert missing <= ABSENT.keys(), "give them a meaning, or tell in _official.ABSENT and docs/migrating.md what to do instead"


def test_what_is_absent_is_absent_and_told() -> None:
    assert not [name for name in ABSENT if hasattr(oxide, name)]
    assert not [name for name in ABSENT if f"`{name}`" not in MIGRATING], "docs/migrating.md has a table of them"
    for name, why in ABSENT.items():
        with pytest.raises(AttributeError, match=re.escape(why)):
            getattr(oxide, name)


def test_every_other_attribute_of_the_official_package_is_here_or_explained() -> None:
    official = pytest.importorskip("openai")
    names = {name for name in dir(official) if name[0] != "_" and not inspect.ismodule(getattr(official, name))}
    missing = {name for name in names if not hasattr(oxide, name)} - ABSENT.keys()
    assert not [name for name in missing if f"`openai.{name}`" not in MIGRATING and name not in NOT_PUBLIC], sorted(missing)


def test_every_official_type_is_found_where_it_was_but_for_those_of_helpers() -> None:
    official = pytest.importorskip("openai").types
    packages = [module.name for module in pkgutil.walk_packages(official.__path__, "openai.types.") if module.ispkg]
    missing: list[str] = []
    for module in map(importlib.import_module, ("openai.types", *packages)):
        names = {name for name in vars(module) if name[0] != "_" and not inspect.ismodule(getattr(module, name))} - {"annotations"}
        ours = importlib.import_module(module.__name__.replace("openai", "oxide", 1)) if names else None
        missing += [name for name in names if not hasattr(ours, name)]
    assert [name for name in missing if not re.match("Parsed|Reconnecting|(Sync)?Web[Ss]ocketConnectionOptions", name)] == []


def test_namespaces_of_the_clients_and_of_the_package_are_the_official_ones() -> None:
    official = pytest.importorskip("openai")
    names = {name for name in dir(official.OpenAI) if name[0] != "_" and not hasattr(oxide.OpenAI, name)}
    assert names == {"auth_headers", "custom_auth", "get_api_list", "platform_headers", "qs", "user_agent"}
    for name in official._module_client.__dict__:
        if not isinstance(getattr(official._module_client, name), type) and name in dir(official.OpenAI):
            assert type(getattr(oxide, name)) is type(getattr(oxide.OpenAI(api_key="k"), name)), name
