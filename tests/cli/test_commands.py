"""The commands as a shell sees them: what they print where, and their exit codes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from oxide._cli import main
from oxide.testing import Fault, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with Server() as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-never-shown")
        yield running


def shell(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    command = [sys.executable, "-W", "error", "-m", "oxide", *words]
    return subprocess.run(
        command, cwd=ROOT, env=clean | environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=50, check=False
    )


@contextmanager
def started(*words: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command beside the test; it is gone when the test ends, whatever happened."""
    command = [sys.executable, "-W", "error", "-m", "oxide", *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_help_comes_without_asking_and_costs_no_argparse(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    assert "python -m oxide COMMAND" in capsys.readouterr().out
    code = f"import sys; from oxide._cli import main; main({words}); assert 'argparse' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False).returncode == 0


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("oxide ")


@pytest.mark.parametrize("words", [["nothing"], ["serve", "--port", "x"], ["ask", "--nope"]])
def test_wrong_usage_ends_with_2(words: list[str]) -> None:
    done = shell(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["demo", "ask", "stream", "models", "serve", "doctor"])
def test_every_command_tells_its_options(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"python -m oxide {command}" in capsys.readouterr().out


def test_ask_prints_the_answer(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "--model", "m", "Hello", "there"]) == 0
    assert capsys.readouterr().out == "You said: Hello there\n"
    assert server.requests[0].json["model"] == "m"


def test_stream_prints_the_answer(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stream", "--instructions", "be kind", "Hello"]) == 0
    assert capsys.readouterr().out == "You said: Hello\n"
    assert server.requests[0].json["stream"] is True
    assert server.requests[0].json["instructions"] == "be kind"


def test_models_lists_them_in_order(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    assert capsys.readouterr().out.splitlines() == ["echo-1", "gpt-4o", "gpt-4o-mini", "gpt-5", "gpt-5-mini"]


def test_an_error_of_the_api_is_one_line_and_ends_with_1(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.fail_next(Fault(status=400, body={"error": {"message": "no such model", "type": "invalid_request_error"}}))
    assert main(["ask", "Hello"]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "no such model" in shown.err
    assert shown.err.count("\n") == 1


def test_without_a_key_the_variable_is_named() -> None:
    done = shell("ask", "Hello")
    assert done.returncode == 1
    assert "OPENAI_API_KEY" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_has_seen_enough_causes_no_traceback(server: Server) -> None:
    command = f"{sys.executable} -m oxide models | head -c 1"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=50, check=False)
    assert done.stdout == "e"
    assert done.stderr == ""


def test_an_interrupted_command_ends_with_130(server: Server) -> None:
    server.fail_next(Fault(cut="stall"))
    with started("ask", "Hello") as process:
        deadline = time.monotonic() + 30
        while not server.stalled:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        while process.poll() is None:  # CPython overlooks a signal that comes in the moment before a call begins to wait
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
        errors = process.communicate(timeout=10)[1]
    assert process.returncode == 130
    assert "Traceback" not in errors


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_serve_serves_until_it_is_interrupted(how: signal.Signals) -> None:
    with started("serve", "--port", "0") as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        assert url.endswith("/v1")
        host, port = url.removeprefix("http://").removesuffix("/v1").split(":")
        example = process.stdout.readline()
        process.stdout.readline()
        with socket.create_connection((host, int(port)), timeout=20) as peer:
            peer.sendall(b"GET /v1/models HTTP/1.1\r\nauthorization: Bearer k\r\n\r\n")
            assert peer.recv(100).startswith(b"HTTP/1.1 200")
            process.send_signal(how)
            output, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
    assert output.endswith("stopped\n")
    assert f"OPENAI_BASE_URL={url}" in example


def test_doctor_finds_nothing_wrong_and_never_shows_the_key(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert "problem" not in shown
    assert "200 from /models" in shown
    assert "sk-never-shown" not in shown


def test_doctor_says_what_to_do(server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    monkeypatch.setenv("HTTP_PROXY", "http://name:secret@127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server.fail_next(Fault(status=401))
    assert main(["doctor"]) == 1
    shown = capsys.readouterr().out
    assert "OPENAI_API_KEY is not set" in shown
    assert "/nowhere.pem is not there" in shown
    assert "401: the key was refused" in shown
    assert "secret" not in shown


def test_doctor_names_the_phase_in_which_the_connection_failed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    assert main(["doctor", "--base-url", f"http://127.0.0.1:{port}/v1"]) == 1
    assert "nobody answers there" in capsys.readouterr().out


def test_the_demo_walks_through_all_stops_quickly() -> None:
    begun = time.monotonic()
    done = shell("demo")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert time.monotonic() - begun < 15  # it is made for less than 8 seconds; a busy machine may take longer
    assert "\033[" not in done.stdout
    for words in ("client.responses.create(", "Air scatters blue light", "A crab found a socket", "get_weather", "sunny in Ljubljana"):
        assert words in done.stdout
    assert "1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10" in done.stdout
    assert "429" in done.stdout
    assert "BadRequestError" in done.stdout


def test_the_demo_goes_live_only_with_a_key() -> None:
    done = shell("demo", "--live")
    assert done.returncode == 2
    assert "OPENAI_API_KEY" in done.stderr


def test_the_demo_can_be_pointed_at_any_model_of_any_server(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--live", "--model", "their-model"]) == 0
    assert "their-model" in capsys.readouterr().out
    assert {json.loads(received.body)["model"] for received in server.requests} == {"their-model"}
