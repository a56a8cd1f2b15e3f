"""Files, uploads, vector stores, videos, speech and signed webhooks of the embedded server, asked without the client."""

from __future__ import annotations

import hashlib
import json
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest
from openai import OpenAI
from openai.types.vector_stores import VectorStoreFile

from oxide.testing import webhook_headers
from oxide.testing._form import read_form

if TYPE_CHECKING:
    from oxide.testing import Server

FORM = "multipart/form-data; boundary=xx"


def ask(server: Server, method: str, path: str, body: Any = None, kind: str = "application/json") -> tuple[int, Any]:
    """Send a request; return status and body."""
    connection = HTTPConnection(server.host, server.port, timeout=10)
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    connection.request(method, f"/v1{path}", data, {"authorization": "Bearer k", "content-type": kind})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, json.loads(content) if "json" in (answer.headers["content-type"] or "") else content


def form(*parts: str) -> bytes:
    return "".join(f"--xx\r\ncontent-disposition: form-data; {part}\r\n" for part in parts).encode() + b"--xx--\r\n"


def sent(server: Server, content: str = "text") -> str:
    body = form(f'name="file"; filename="a.txt"\r\n\r\n{content}', 'name="purpose"\r\n\r\nbatch')
    status, file = ask(server, "POST", "/files", body, FORM)
    assert (status, file["bytes"], file["filename"], file["status"]) == (200, len(content), "a.txt", "uploaded")
    name: str = file["id"]
    return name


def test_a_file_is_kept_listed_and_deleted(server: Server) -> None:
    names = [sent(server, f"text {number}") for number in range(3)]
    assert ask(server, "GET", f"/files/{names[1]}/content") == (200, b"text 1")
    assert [one["id"] for one in ask(server, "GET", "/files?limit=2")[1]["data"]] == names[:0:-1]
    assert [one["id"] for one in ask(server, "GET", f"/files?order=asc&after={names[0]}&purpose=batch")[1]["data"]] == names[1:]
    assert ask(server, "GET", "/files?purpose=vision")[1]["data"] == []
    assert ask(server, "DELETE", f"/files/{names[1]}")[1]["deleted"] is True
    assert ask(server, "GET", f"/files/{names[1]}")[0] == 404
    assert ask(server, "GET", "/files?limit=10001")[0] == 400


def test_an_upload_must_be_whole(server: Server) -> None:
    given = {"bytes": 4, "filename": "a", "mime_type": "text/plain", "purpose": "batch"}
    _, upload = ask(server, "POST", "/uploads", given)
    parts = [
        ask(server, "POST", f"/uploads/{upload['id']}/parts", form(f'name="data"; filename="a"\r\n\r\n{text}'), FORM)[1]["id"]
        for text in ("ab", "cd")
    ]
    place = f"/uploads/{upload['id']}/complete"
    assert ask(server, "POST", place, {"part_ids": parts[:1]})[1]["error"]["code"] == "invalid_size"
    assert ask(server, "POST", place, {"part_ids": parts, "md5": "0"})[1]["error"]["code"] == "invalid_checksum"
    assert ask(server, "POST", place, {"part_ids": ["part_x", "part_y"]})[0] == 404
    _, other = ask(server, "POST", "/uploads", given)
    assert ask(server, "POST", f"/uploads/{other['id']}/complete", {"part_ids": parts})[0] == 400
    md5 = hashlib.md5(b"cdab", usedforsecurity=False).hexdigest()
    status, done = ask(server, "POST", place, {"part_ids": parts[::-1], "md5": md5})
    assert (status, done["status"]) == (200, "completed")
    assert ask(server, "GET", f"/files/{done['file']['id']}/content") == (200, b"cdab")
    assert ask(server, "POST", f"/uploads/{upload['id']}/cancel")[1]["error"]["code"] == "invalid_upload_state"
    assert ask(server, "POST", f"/uploads/{other['id']}/cancel")[1]["status"] == "cancelled"


def test_a_vector_store_has_files(server: Server) -> None:
    good, empty = sent(server), sent(server, "")
    _, store = ask(server, "POST", "/vector_stores", {"name": "mine", "file_ids": [good]})
    assert store["file_counts"]["total"] == 1
    ask(server, "POST", f"/vector_stores/{store['id']}/file_batches", {"files": [{"file_id": empty, "attributes": {"a": 1}}]})
    assert ask(server, "GET", f"/vector_stores/{store['id']}")[1]["file_counts"]["failed"] == 1
    listed = ask(server, "GET", f"/vector_stores/{store['id']}/files?order=asc")[1]["data"]
    assert [(one["id"], one["status"]) for one in listed] == [(good, "completed"), (empty, "failed")]
    assert ask(server, "POST", f"/vector_stores/{store['id']}/files", {"file_id": "file_x"})[0] == 404
    assert ask(server, "DELETE", f"/vector_stores/{store['id']}")[1]["deleted"] is True
    assert ask(server, "GET", f"/vector_stores/{store['id']}")[0] == 404


def test_speech_is_a_sound(server: Server) -> None:
    status, sound = ask(server, "POST", "/audio/speech", {"model": "m", "voice": "v", "input": "Hi"})
    assert (status, sound[:4], sound[8:12], len(sound)) == (200, b"RIFF", b"WAVE", 44 + 2 * 2400)


def test_the_official_client_waits_for_what_takes_a_while(server: Server) -> None:
    official = OpenAI(api_key="k", base_url=server.url, max_retries=0)
    store = official.vector_stores.create(name="mine")
    file = official.vector_stores.files.upload_and_poll(vector_store_id=store.id, file=("a.txt", b"text"))
    assert isinstance(file, VectorStoreFile)
    assert file.status == "completed"
    upload = official.uploads.upload_file_chunked(
        file=b"x" * 1000, filename="a", bytes=1000, mime_type="text/plain", purpose="batch", part_size=300
    )
    assert upload.file is not None
    assert official.files.content(upload.file.id).content == b"x" * 1000
    assert official.files.wait_for_processing(upload.file.id, poll_interval=0.01).status == "processed"


@pytest.mark.parametrize("body", [b"", b"--xx", b"--xx--", b"--yy\r\n\r\n--yy--\r\n", form("no name\r\n\r\n1"), form('name="a"')])
def test_what_is_no_form_is_refused(server: Server, body: bytes) -> None:
    status, answer = ask(server, "POST", "/files", body, FORM)
    assert status == 400, answer


def test_a_form_has_objects_and_lists() -> None:
    body = form(
        'name="a[b]"\r\n\r\n1', 'name="c[]"\r\n\r\n2', 'name="c[]"\r\n\r\n3', 'name="d"; filename="e"\r\nContent-Type: f/g\r\n\r\n4'
    )
    assert read_form(FORM, body) == {"a": {"b": "1"}, "c": ["2", "3"], "d": {"filename": "e", "type": "f/g", "content": b"4"}}
    with pytest.raises(ValueError, match="no form"):
        read_form("text/plain", body)


@pytest.mark.parametrize("secret", ["plain", "whsec_c2VjcmV0"])
def test_the_official_library_takes_a_webhook_signed_here(secret: str) -> None:
    body = '{"type": "batch.completed", "id": "evt_1", "data": {"id": "batch_1"}}'
    official = OpenAI(api_key="k", webhook_secret=secret)
    assert official.webhooks.unwrap(body, webhook_headers(body, secret)).type == "batch.completed"
    official.webhooks.verify_signature(body.encode(), webhook_headers(body.encode(), secret, name="wh_2"))
    with pytest.raises(ValueError, match="old"):
        official.webhooks.verify_signature(body, webhook_headers(body, secret, at=1.0))
