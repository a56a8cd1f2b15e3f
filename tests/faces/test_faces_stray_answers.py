"""A server that answers twice, the second time in a packet of its own: the stray answer is nobody's, however soon the next call comes."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faces._both import Face

CALLS = 30


def answer(text: str) -> bytes:
    body = f'{{"id": "{text}", "object": "list", "data": []}}'
    return f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()


def serve(listener: socket.socket, sent: threading.Semaphore) -> None:
    """Answer each request with its own path, and then once more with nonsense."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=talk, args=(connection, sent), daemon=True).start()


def talk(connection: socket.socket, sent: threading.Semaphore) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, suppress(OSError):
        while head := connection.recv(65536):
            connection.sendall(answer(head.split(b" ")[1].decode()))
            connection.sendall(answer("stray"))
            sent.release()


def test_a_second_answer_in_a_packet_of_its_own_answers_nobody(face: Face) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sent = threading.Semaphore(0)
        threading.Thread(target=serve, args=(listener, sent), daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        with face.client(base_url=url, api_key="test") as client:
            for number in range(CALLS):
                found = client.get(f"/{number}")
                assert found["id"] == f"/v1/{number}"
                assert sent.acquire(timeout=10)  # sooner nobody could know of it
