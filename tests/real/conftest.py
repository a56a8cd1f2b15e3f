"""What the tests with real servers share: certificates, folders, the embedded server, and the two faces."""

from __future__ import annotations

import shutil
import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from oxide.testing import Server
from tests.faces._both import AsyncioFace, Face
from tests.real._fronts import FRONTS, Front
from tests.real._programs import PACKAGES, find, version

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGE = 5_000_000


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Tell what is there, and how to get the rest."""
    lines = [f"{name}: {version(name)}" for name in PACKAGES]
    missing = [package for name, package in PACKAGES.items() if find(name) is None]
    if missing:
        lines.append(f"tests of what is missing are skipped; to have them: apt-get install {' '.join(missing)}")
    return lines


@pytest.fixture(params=[Face, AsyncioFace], ids=lambda kind: kind.name)
def face(request: pytest.FixtureRequest) -> Iterator[Face]:
    """One of the two worlds; see `tests/faces/_both.py`."""
    world: Face = request.param()
    yield world
    world.close()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def trust(authority: trustme.CA) -> ssl.SSLContext:
    """A client's context that trusts our authority alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    authority.configure_trust(context)
    return context


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that servers which give up their rights can read: those of pytest are its user's alone."""
    path = Path(tempfile.mkdtemp(prefix="oxide-real-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def pem(authority: trustme.CA, folder: Path) -> Path:
    """A certificate for 127.0.0.1, and its key, in one file."""
    path = folder / "certificate.pem"
    authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(str(path))
    path.chmod(0o644)
    return path


def answer(asked: str) -> str:
    """What the model says: much where much is asked for, and little about what is large."""
    if asked == "Speak at length":
        return "word " * (LARGE // 5)
    return f"That were {len(asked)} characters." if len(asked) > 1000 else f"You said: {asked}"


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with Server(answer=answer) as server:
        yield server


@pytest.fixture
def upstream(running: Server) -> Server:
    """The embedded server behind the front ends, without a memory of the tests before."""
    running.clear()
    running.fault = None
    return running


@pytest.fixture(scope="module", params=FRONTS)
def front(request: pytest.FixtureRequest, folder: Path, pem: Path, running: Server) -> Iterator[Front]:
    """Each front end in turn."""
    own = folder / request.param
    own.mkdir()
    started = FRONTS[request.param](own, pem, running.port)
    yield started
    started.program.stop()


@pytest.fixture
def options(trust: ssl.SSLContext) -> dict[str, Any]:
    """Options of every client here."""
    return {"ssl_context": trust, "proxy": None, "timeout": 20.0}
