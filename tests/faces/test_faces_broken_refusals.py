"""A refusal whose body breaks off: proxies and front ends close while a request is on its way, and the system drops what they said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import oxide
from oxide.testing import Fault

if TYPE_CHECKING:
    from oxide.testing import Server
    from tests.faces._both import Face


@pytest.mark.parametrize("cut", ["reset", "close"])
def test_the_status_counts_although_its_body_breaks_off(face: Face, server: Server, cut: Any) -> None:
    server.fail_next(Fault(status=413, body="<html>too large, says the front end</html>", cut=cut, at="body", after=20))
    with pytest.raises(oxide.APIStatusError, match="Error code: 413") as caught:
        face.client(server).responses.create(model="echo", input="Hello")
    assert caught.value.status_code == 413
    assert len(caught.value.attempts) == 1


def test_an_error_that_may_pass_is_tried_again_although_its_body_breaks_off(face: Face, server: Server) -> None:
    server.fail_next(Fault(status=503, headers={"retry-after-ms": "1"}, cut="reset", at="body"))
    answer = face.client(server).responses.create(model="echo", input="Hello")
    assert [each.status for each in answer.http.attempts] == [503, 200]
