"""Where a document comes from: files, and addresses that may be slow, endless or gone; and what the command does about it."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.sync._documents import document, written
from tools.sync import __main__ as command
from tools.sync import spec, words
from tools.sync.docs import Docs
from tools.sync.facts import Facts
from tools.sync.readable import UnreadableError
from tools.sync.tree import MARK, ROOT, differences, write


class Answers(BaseHTTPRequestHandler):
    """Answers by path: a document, an error, too much, or drop by drop."""

    def do_GET(self) -> None:
        self.send_response(404 if self.path == "/gone" else 200)
        self.end_headers()
        if self.path == "/openapi.json":
            self.wfile.write(written(document()))
        elif self.path == "/endless":
            self._until_they_leave(b"x" * 65_536, 0)
        elif self.path == "/slow":
            self._until_they_leave(b"x", 0.02)

    def _until_they_leave(self, piece: bytes, delay: float) -> None:
        try:
            for _ in range(2_000):
                self.wfile.write(piece)
                self.wfile.flush()
                time.sleep(delay)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_a_document_is_fetched(address: str) -> None:
    assert json.loads(spec.read(f"{address}/openapi.json")) == document()


def test_a_document_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_bytes(b"{}")
    assert spec.read(str(tmp_path / "openapi.json")) == b"{}"


def test_an_error_of_the_server_is_told(address: str) -> None:
    with pytest.raises(spec.SpecError, match=r"cannot fetch .*/gone: .*Not Found.*make sync SPEC=openapi.json"):
        spec.read(f"{address}/gone")


def test_no_network_is_told() -> None:
    with pytest.raises(spec.SpecError, match=r"cannot fetch http://127\.0\.0\.1:9/: .*without a network, give a file"):
        spec.fetch("http://127.0.0.1:9/", seconds=5)


def test_too_much_is_refused(address: str) -> None:
    with pytest.raises(spec.SpecError, match="more than 200,000 bytes"):
        spec.fetch(f"{address}/endless", most=200_000)


def test_too_slow_is_refused(address: str) -> None:
    start = time.monotonic()
    with pytest.raises(spec.SpecError, match=r"took more than 0\.3 seconds"):
        spec.fetch(f"{address}/slow", seconds=0.3)
    assert time.monotonic() - start < 5


# ----------------------------------------------------------------------------------------------------- the command
def out_of_reach(_source: str) -> bytes:
    raise spec.SpecError("no network")


def test_without_a_network_the_published_document_is_done_without(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(spec, "read", out_of_reach)
    monkeypatch.setattr(command, "regenerate", lambda: 0)
    assert command.main(["--published"]) == 0
    assert "no network\nthe published description is out of reach" in capsys.readouterr().err


def test_without_a_network_a_document_that_was_asked_for_is_not_done_without(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(spec, "read", out_of_reach)
    assert command.main(["--spec", "https://example.invalid/openapi.json"]) == 1
    assert capsys.readouterr().err == "no network\nnothing was changed\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that has the committed facts, and whose generated files are the table of endpoints alone."""
    shutil.copytree(ROOT / "tools/sync/docs", tmp_path / "tools/sync/docs")
    for name in ("digest", "digest_extra", "names", "overlay"):
        shutil.copy(ROOT / f"tools/sync/{name}.json", tmp_path / "tools/sync")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n")
    monkeypatch.setattr(command, "generate", lambda facts, layout, docs: {"docs/count.txt": str(len(facts.operations))})
    return tmp_path


def files(project: Path) -> dict[str, bytes]:
    return {path.relative_to(project).as_posix(): path.read_bytes() for path in project.rglob("*") if path.is_file()}


def kitchen(project: Path) -> Path:
    path = project / "openapi.json"
    path.write_bytes(written(document()))
    return path


def test_a_document_brings_facts_words_a_stub_and_code(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(project)
    assert command.sync(str(kitchen(project)), False, project) == 0
    after = files(project)
    assert {path for path in after if after[path] != before.get(path)} >= {
        "CHANGELOG.md",
        "docs/count.txt",
        "tools/sync/digest.json",
        "tools/sync/docs/kettles.toml",
        "tools/sync/names.json",
        "tools/sync/overlay.json",
    }
    assert b'"kettles.boil".text = "Boil: a kettle."' in after["tools/sync/docs/kettles.toml"]
    assert b"- Removed: 288 operations" in after["CHANGELOG.md"]
    told = capsys.readouterr().out
    assert told.index("MAY BREAK PROGRAMS") < told.index("operations removed: 288") < told.index("NEW, OR HARMLESS")
    assert "    POST /kettles/{kettle_id}/boil -> kettles.boil\n" in told


def test_the_same_document_again_changes_nothing(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = kitchen(project)
    command.sync(str(path), False, project)
    once = files(project)
    command.sync(str(path), False, project)
    assert files(project) == once
    assert "nothing changed" in capsys.readouterr().out


def test_a_refused_document_changes_nothing(project: Path) -> None:
    path = kitchen(project)
    some = document()
    some["components"]["schemas"]["Done"]["if"] = {}
    path.write_bytes(written(some))
    before = files(project)
    with pytest.raises(UnreadableError, match="#/components/schemas/Done/if: keyword is not read here"):
        command.sync(str(path), False, project)
    assert files(project) == before


def test_a_mistake_while_code_is_made_changes_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = kitchen(project)
    before = files(project)

    def fail(*_: object) -> dict[str, str]:
        raise LookupError("no place for Kettle")

    monkeypatch.setattr(command, "generate", fail)
    with pytest.raises(LookupError, match="no place for Kettle"):
        command.sync(str(path), False, project)
    assert files(project) == before


# ----------------------------------------------------------------------------------------------- words and files
def test_new_methods_and_objects_get_words_to_begin_with(tmp_path: Path) -> None:
    operations = {f"GET /{n}": {"call": call} for n, call in enumerate(("lids.list", "lids.retrieve", "pots.eggs.boil"))}
    docs = Docs({"lids": {"resource": {"lids": "Lids."}, "method": {"lids.list": {"text": "All lids."}}}})
    (tmp_path / "lids.toml").write_text('[resource]\nlids = "Lids."\n\n[method]\n"lids.list".text = "All lids."\n\n[parameter]\nx = "y"\n')
    found = words.add(words.missing(Facts({"operations": operations, "types": {}}), docs), docs, tmp_path)
    assert found["lids.toml"] == (
        '[resource]\nlids = "Lids."\n\n[method]\n"lids.list".text = "All lids."\n'
        '"lids.retrieve".text = "Fetch a lid."\n\n[parameter]\nx = "y"\n'
    )
    assert '"pots.eggs" = "Eggs."' in found["pots.toml"]
    assert docs.method("pots.eggs.boil", []) == '        """Boil: an egg."""\n'


def test_files_are_brought_to_what_they_should_be(tmp_path: Path) -> None:
    (tmp_path / "oxide/types").mkdir(parents=True)
    (tmp_path / "oxide/types/stale.py").write_text(f'"""{MARK}"""')
    (tmp_path / "same.txt").write_text("same")
    assert write({"same.txt": "same", "new/one.txt": "new"}, tmp_path) == ["new/one.txt", "oxide/types/stale.py"]
    assert differences({"same.txt": "same", "new/one.txt": "new"}, tmp_path) == []
    assert not (tmp_path / "oxide/types/stale.py").exists()
