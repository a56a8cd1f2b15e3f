"""A front end that says goodbye after each request: calls that it has not looked at go elsewhere, and none is lost."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
import trustme

from oxide.testing import Server

if TYPE_CHECKING:
    from tests.faces._both import Face

AUTHORITY = trustme.CA()


@pytest.mark.parametrize("requests", [1, 3])
def test_sixty_calls_survive_connections_of_a_few_requests(face: Face, requests: int) -> None:
    context, trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    AUTHORITY.configure_trust(trust)
    with Server(tls=context, max_requests=requests) as server:
        client = face.client(server, ssl_context=trust, http2=True, max_retries=0)
        calls = [lambda it, n=n: it.responses.create(model="echo", input=f"{n}") for n in range(60)]
        answers = face.together(client, calls)
        client.close()
        assert [getattr(each, "output_text", each) for each in answers] == [f"You said: {n}" for n in range(60)]
        assert len(server.requests) == 60
