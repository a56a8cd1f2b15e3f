"""What checkers should understand of jobs, uploads, webhooks and rate limits. Never run; mypy and pyright read it, both strictly."""

from __future__ import annotations

from pathlib import Path

from typing_extensions import assert_type

from oxide import AsyncClient, Client, RateLimiter, UploadState
from oxide.types import FileObject, Upload
from oxide.types.vector_stores import VectorStoreFile, VectorStoreFileBatch
from oxide.types.webhooks import ResponseCompletedWebhookEvent, UnwrapWebhookEvent


def seen(file: FileObject) -> None:
    print(file.status)


async def look(file: VectorStoreFile) -> None:
    print(file.status)


def progress(sent: int, total: int) -> None:
    print(sent, total)


def blocking(client: Client, path: Path) -> None:
    assert_type(client.files.wait_for_processing("file_1", progress=seen), FileObject)
    assert_type(client.vector_stores.files.poll("file_1", vector_store_id="vs_1", max_wait_seconds=5), VectorStoreFile)
    assert_type(client.vector_stores.files.create_and_poll("file_1", vector_store_id="vs_1"), VectorStoreFile)
    assert_type(client.vector_stores.file_batches.upload_and_poll("vs_1", files=[path, b"text"]), VectorStoreFileBatch)
    upload = client.uploads.upload_file_chunked(file=path, mime_type="text/plain", purpose="batch", progress=progress, resume=UploadState())
    assert_type(upload, Upload)


async def waiting(client: AsyncClient, path: Path) -> None:
    assert_type(await client.files.wait_for_processing("file_1"), FileObject)
    assert_type(await client.vector_stores.files.upload_and_poll(vector_store_id="vs_1", file=path, progress=look), VectorStoreFile)
    assert_type(await client.vector_stores.file_batches.poll("vsfb_1", vector_store_id="vs_1"), VectorStoreFileBatch)
    assert_type(
        await client.uploads.upload_file_chunked(file=b"text", filename="a", mime_type="text/plain", purpose="batch", progress=True), Upload
    )


def webhooks(client: Client, other: AsyncClient, body: bytes, headers: dict[str, str], pairs: list[tuple[bytes, bytes]]) -> None:
    event = client.webhooks.unwrap(body, headers)
    assert_type(event, UnwrapWebhookEvent)
    if event.type == "response.completed":
        assert_type(event, ResponseCompletedWebhookEvent)
    assert_type(other.webhooks.unwrap(body.decode(), pairs, secret="whsec_"), UnwrapWebhookEvent)


def limited() -> None:
    limiter = RateLimiter(requests_per_minute=500, on_wait=print)
    Client(rate_limiter=limiter).with_options(rate_limiter=RateLimiter(5, 5.0, learn=False))
    AsyncClient(rate_limiter=limiter)
