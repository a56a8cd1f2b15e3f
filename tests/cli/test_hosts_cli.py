"""The commands, at other hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from oxide._cli import main

if TYPE_CHECKING:
    from oxide.testing import Server


@pytest.fixture
def bedrock(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setenv("AWS_BEDROCK_BASE_URL", server.url)
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bk-never-shown")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return server


def test_doctor_names_the_host_and_needs_no_key_of_another(bedrock: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--provider", "bedrock"]) == 0
    shown = capsys.readouterr().out
    assert "ok       provider  bedrock" in shown
    assert bedrock.url in shown
    assert "OPENAI_API_KEY" not in shown
    assert "never-shown" not in shown


def test_a_question_to_another_host(bedrock: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "--provider", "bedrock", "Hello"]) == 0
    assert "Hello" in capsys.readouterr().out
    assert bedrock.requests[-1].headers["authorization"] == "Bearer bk-never-shown"


def test_what_a_host_lacks_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENROUTER_API_KEY", raising=False)
    assert main(["doctor", "--provider", "openrouter"]) == 1
    assert "OPENROUTER_API_KEY" in capsys.readouterr().out
    assert main(["ask", "--provider", "openrouter", "Hello"]) == 1
    assert "OPENROUTER_API_KEY" in capsys.readouterr().err
