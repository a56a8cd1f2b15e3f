"""Programs of others: found, started on a free port, waited for, and ended with the test."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PACKAGES = {
    "nginx": "nginx-light",
    "haproxy": "haproxy",
    "nghttpx": "nghttp2-proxy",
    "caddy": "caddy",
    "apache2": "apache2-bin",
    "stunnel4": "stunnel4",
    "node": "nodejs",
    "tinyproxy": "tinyproxy",
    "squid": "squid",
    "microsocks": "microsocks",
    "danted": "dante-server",
}
"""What the tests run, and the Debian package that has it."""

VERSION = {
    "nginx": "-v",
    "haproxy": "-v",
    "nghttpx": "-v",
    "caddy": "version",
    "apache2": "-v",
    "stunnel4": "-version",
    "node": "-v",
    "tinyproxy": "-v",
    "squid": "-v",
    "danted": "-v",
}

START = 10.0
"""Seconds that a program may take until it accepts connections."""


def find(name: str) -> str | None:
    """Return the path of a program; servers are often outside of the PATH of people who are not root."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))


def needed(name: str) -> str:
    """Return the path of a program, or skip the test."""
    path = find(name)
    if path is None:
        pytest.skip(f"{name} is not installed: apt-get install {PACKAGES[name]}")
    return path


def version(name: str) -> str:
    """Return what a program says of its version."""
    path = find(name)
    if path is None or name not in VERSION:
        return "installed" if path else "missing"
    told = subprocess.run([path, VERSION[name]], capture_output=True, text=True, timeout=10, check=False)
    lines = [line for line in (told.stdout + told.stderr).splitlines() if any(map(str.isdigit, line))]
    return lines[0].strip()[:70] if lines else "installed"


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Program:
    """A running program.

    Args:
        command: the program and its arguments; it must stay in the foreground.
        port: where it listens when it is ready.
        folder: where it may write; its output goes there.
        environment: variables on top of ours.
    """

    def __init__(self, command: Sequence[str], port: int, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.port = port
        self.log = folder / "output.txt"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,  # it may have workers, which end with their group
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _wait(self) -> None:
        deadline = time.monotonic() + START
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.process.args} has ended with {self.process.returncode}: {self.said()}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.02)
        raise RuntimeError(f"{self.process.args} does not listen: {self.said()}")

    def said(self) -> str:
        """Return the end of what it has written."""
        return self.log.read_text(errors="replace")[-2000:]

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def stop(self) -> None:
        """End it, and all that it has started."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(3)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(3)
