"""Where the tokens come from that say which workload this is: a file, or a service of the machine."""

from __future__ import annotations

from .._errors import APIError, APIStatusError, SubjectTokenProviderError
from .._json import as_object, decode
from .._settings import Secret
from .._typing import TYPE_CHECKING
from .._url import encode_query
from .requests import TIMEOUT, ask_near

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from os import PathLike
    from typing import Literal, TypedDict

    from .._transport.base import Backend
    from .._transport.dial import Security

    class SubjectTokenProvider(TypedDict):
        """Says which workload this is.

        token_type: "jwt" or "id"; get_token: a function that returns the token.
        """

        token_type: Literal["jwt", "id"]
        get_token: Callable[[], str] | Callable[[], Awaitable[str]]

else:
    SubjectTokenProvider = dict

__all__ = [
    "Metadata",
    "SubjectTokenProvider",
    "azure_managed_identity_token_provider",
    "gcp_id_token_provider",
    "k8s_service_account_token_provider",
]

K8S_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/token"
AZURE_URL = "http://169.254.169.254/metadata/identity/oauth2/token"
GCP_URL = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/identity"


class TokenFile:
    """A token in a file, which whoever mounted it keeps fresh."""

    __slots__ = ("_path",)

    def __init__(self, path: str | PathLike[str]) -> None:
        self._path = path

    def __call__(self) -> str:
        try:
            with open(self._path, encoding="utf-8") as file:
                token = Secret(file.read().strip())
        except (OSError, ValueError) as error:
            raise SubjectTokenProviderError(f"The token file {self._path} cannot be read: {error}") from error
        if not token:
            raise SubjectTokenProviderError(f"The token file {self._path} is empty.")
        return token


class Metadata:
    """A token that a service of the machine gives out: `fetch` is its story, calling it fetches here and now.

    Args:
        name: of the service, for messages.
        url: what is asked, with its query.
        field: the header field without which it does not answer.
        member: where in the JSON of the answer the token is; "" where it is the whole answer.
        timeout: seconds.
    """

    __slots__ = ("_field", "_member", "_name", "_timeout", "_url")

    def __init__(self, name: str, url: str, field: tuple[str, str], member: str, timeout: float) -> None:
        self._name = name
        self._url = url
        self._field = field
        self._member = member
        self._timeout = timeout

    async def fetch(self, backend: Backend, security: Security, timeout: float) -> str:
        """Fetch the token. Raises SubjectTokenProviderError."""
        try:
            found = await ask_near(backend, security, self._url, dict([self._field]), min(timeout, self._timeout))
            token = Secret(found.decode().strip() if not self._member else (as_object(decode(found)) or {}).get(self._member) or "")
        except APIStatusError as error:
            raise SubjectTokenProviderError(f"{self._name} gave no token: {error}", response=error.response) from error
        except (APIError, ValueError) as error:
            raise SubjectTokenProviderError(f"{self._name} gave no token: {error}") from error
        if not token:
            raise SubjectTokenProviderError(f"{self._name} gave an empty token.")
        return token

    def __call__(self) -> str:
        from .._transport.base import run_now
        from .._transport.blocking import BlockingBackend
        from .._transport.dial import Security

        return run_now(self.fetch(BlockingBackend(), Security("certifi", None), self._timeout))


def k8s_service_account_token_provider(token_file_path: str | PathLike[str] = K8S_FILE) -> SubjectTokenProvider:
    """Return the provider of a Kubernetes pod: the token of its service account, from the file where it is mounted."""
    return {"token_type": "jwt", "get_token": TokenFile(token_file_path)}


def azure_managed_identity_token_provider(
    resource: str = "https://management.azure.com/",
    *,
    object_id: str | None = None,
    client_id: str | None = None,
    msi_res_id: str | None = None,
    api_version: str = "2018-02-01",
    timeout: float = TIMEOUT,
) -> SubjectTokenProvider:
    """Return the provider of a machine in Azure: the token of its managed identity.

    Args:
        resource: for whom the token is.
        object_id, client_id, msi_res_id: which identity, where the machine has several.
        api_version: of Azure's instance metadata service.
        timeout: seconds.
    """
    query = {"api-version": api_version, "resource": resource, "object_id": object_id, "client_id": client_id, "msi_res_id": msi_res_id}
    url = f"{AZURE_URL}?{encode_query(query.items())}"
    return {"token_type": "jwt", "get_token": Metadata("Azure's metadata service", url, ("Metadata", "true"), "access_token", timeout)}


def gcp_id_token_provider(audience: str = "https://api.openai.com/v1", *, timeout: float = TIMEOUT) -> SubjectTokenProvider:
    """Return the provider of a machine in Google's cloud: a token of its service account.

    Args:
        audience: for whom the token is.
        timeout: seconds.
    """
    url = f"{GCP_URL}?{encode_query([('audience', audience)])}"
    return {"token_type": "id", "get_token": Metadata("Google's metadata service", url, ("Metadata-Flavor", "Google"), "", timeout)}
