"""Files, uploads in parts, vector stores, videos, speech: what is sent is kept, and what takes the service a while takes a few looks.

It knows no connection: a `Call` goes in, a `Told` comes out.
"""

from __future__ import annotations

import hashlib
import struct
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from ._judge import ApiError, Call
from ._model import is_object, objects

__all__ = ["ENDPOINTS", "Jobs", "Told", "page"]

JSON = dict[str, Any]
Endpoint = Callable[["Jobs", Call], "Told"]

LOOKS = 2
"""How often a job is seen under way before it is done."""

HINT = ("openai-poll-after-ms", "10")
"""What the service says about the next look, while a job is under way."""

KEPT = 268_435_456
"""Bytes of contents that are kept in all; what is oldest goes first."""


class Told:
    """What an endpoint says: an object or a file, and header fields beside the usual ones."""

    __slots__ = ("content", "fields")

    def __init__(self, content: JSON | bytes, *fields: tuple[str, str]) -> None:
        self.content = content
        self.fields = fields


class Jobs:
    """The endpoints and their memory.

    Args:
        new_id: makes names from their beginnings.
        memory: how many things of each kind are remembered.
    """

    def __init__(self, new_id: Callable[[str], str], memory: int) -> None:
        self._new_id = new_id
        self._memory = memory
        self._things: dict[str, OrderedDict[str, JSON]] = {}  # kind -> id -> object
        self._contents: OrderedDict[str, bytes] = OrderedDict()  # of files and parts
        self._kept = 0
        self._looks: dict[str, int] = {}  # id -> how often it is still seen under way
        self._joined: dict[str, list[str]] = {}  # id of an upload -> the parts that it was made of

    # ---------------------------------------------------------------------------------------------------------- memory
    def _keep(self, kind: str, thing: JSON, looks: int = 0) -> JSON:
        things = self._things.setdefault(kind, OrderedDict())
        things[thing["id"]] = thing
        if looks:
            self._looks[thing["id"]] = looks
        while len(things) > self._memory:
            gone, _ = things.popitem(last=False)
            self._looks.pop(gone, None)
            self._joined.pop(gone, None)
        return thing

    def _keep_content(self, name: str, content: bytes) -> None:
        self._contents[name] = content
        self._kept += len(content)
        while self._kept > KEPT:
            _, dropped = self._contents.popitem(last=False)
            self._kept -= len(dropped)

    def _drop_content(self, name: str) -> None:
        self._kept -= len(self._contents.pop(name, b""))

    def _found(self, kind: str, name: str) -> JSON:
        thing = self._all(kind).get(name)
        if thing is None:
            raise ApiError(404, f"There is no {kind} with the id {name!r}.", code="not_found")
        return thing

    def _all(self, kind: str) -> OrderedDict[str, JSON]:
        return self._things.get(kind) or OrderedDict()

    def _seen(self, thing: JSON, **under_way: Any) -> Told:
        """Show a job: under way the first times, and as it is then."""
        left = self._looks.get(thing["id"], 0)
        if not left:
            return Told(thing)
        self._looks[thing["id"]] = left - 1
        return Told({**thing, **under_way}, HINT)

    # ----------------------------------------------------------------------------------------------------------- files
    def create_file(self, call: Call) -> Told:
        name, content = _file(call.body["file"], "file")
        thing = self._new_file(name, content, call.body["purpose"])
        return self._seen(thing, status="uploaded")

    def _new_file(self, name: str, content: bytes, purpose: str) -> JSON:
        thing: JSON = {
            "id": self._new_id("file"),
            "object": "file",
            "bytes": len(content),
            "created_at": int(time.time()),
            "expires_at": None,
            "filename": name,
            "purpose": purpose,
            "status": "processed",
            "status_details": None,
        }
        self._keep_content(thing["id"], content)
        return self._keep("file", thing, LOOKS)

    def retrieve_file(self, call: Call) -> Told:
        return self._seen(self._found("file", call.path[0]), status="uploaded")

    def list_files(self, call: Call) -> Told:
        purpose = call.text("purpose")
        files = [thing for thing in self._all("file").values() if not purpose or thing["purpose"] == purpose]
        return Told(page(files, call, "desc", 10_000))

    def delete_file(self, call: Call) -> Told:
        self._found("file", call.path[0])
        del self._things["file"][call.path[0]]
        self._drop_content(call.path[0])
        return Told({"id": call.path[0], "object": "file", "deleted": True})

    def file_content(self, call: Call) -> Told:
        self._found("file", call.path[0])
        return Told(self._contents.get(call.path[0], b""))

    # --------------------------------------------------------------------------------------------------------- uploads
    def create_upload(self, call: Call) -> Told:
        body, now = call.body, int(time.time())
        thing: JSON = {
            "id": self._new_id("upload"),
            "object": "upload",
            "bytes": body["bytes"],
            "created_at": now,
            "expires_at": now + 3600,
            "filename": body["filename"],
            "purpose": body["purpose"],
            "status": "pending",
            "file": None,
        }
        return Told(self._keep("upload", thing))

    def _pending(self, call: Call) -> JSON:
        thing = self._found("upload", call.path[0])
        if thing["status"] != "pending":
            raise ApiError(400, f"The upload is {thing['status']}.", code="invalid_upload_state")
        return thing

    def add_part(self, call: Call) -> Told:
        upload = self._pending(call)
        _, content = _file(call.body["data"], "data")
        thing: JSON = {"id": self._new_id("part"), "object": "upload.part", "created_at": int(time.time()), "upload_id": upload["id"]}
        self._keep_content(thing["id"], content)
        return Told(self._keep("part", thing))

    def complete_upload(self, call: Call) -> Told:
        parts: list[str] = call.body["part_ids"]
        done = self._found("upload", call.path[0])
        if self._joined.get(done["id"]) == parts:  # asked again by one who has not heard the answer
            return Told(done)
        upload = self._pending(call)
        if any(self._found("part", name)["upload_id"] != upload["id"] for name in parts):
            raise ApiError(400, "A part belongs to another upload.", param="part_ids")
        content = b"".join([self._contents.get(name, b"") for name in parts])
        if len(content) != upload["bytes"]:
            raise ApiError(400, f"The parts have {len(content)} bytes, not {upload['bytes']}.", param="part_ids", code="invalid_size")
        wanted = call.body.get("md5")
        if wanted and hashlib.md5(content, usedforsecurity=False).hexdigest() != wanted:
            raise ApiError(400, "The MD5 of the parts is another.", param="md5", code="invalid_checksum")
        for name in parts:
            self._drop_content(name)
        self._joined[upload["id"]] = parts
        upload.update(status="completed", file=self._new_file(upload["filename"], content, upload["purpose"]))
        return Told(upload)

    def cancel_upload(self, call: Call) -> Told:
        upload = self._pending(call)
        upload["status"] = "cancelled"
        return Told(upload)

    # --------------------------------------------------------------------------------------------------- vector stores
    def create_store(self, call: Call) -> Told:
        now = int(time.time())
        thing: JSON = {
            "id": self._new_id("vs"),
            "object": "vector_store",
            "created_at": now,
            "name": call.body.get("name") or "",
            "usage_bytes": 0,
            "file_counts": _counts(0),
            "status": "completed",
            "expires_after": call.body.get("expires_after"),
            "expires_at": None,
            "last_active_at": now,
            "metadata": call.body.get("metadata") or {},
        }
        self._keep("vector store", thing)
        for name in _names(call.body):
            self._add(thing, name, {})
        return Told(thing)

    def retrieve_store(self, call: Call) -> Told:
        return Told(self._found("vector store", call.path[0]))

    def delete_store(self, call: Call) -> Told:
        self._found("vector store", call.path[0])
        del self._things["vector store"][call.path[0]]
        return Told({"id": call.path[0], "object": "vector_store.deleted", "deleted": True})

    def _add(self, store: JSON, name: str, body: JSON) -> JSON:
        """Add a file to a store. One that is empty cannot be read."""
        file = self._found("file", name)
        broken = {"code": "invalid_file", "message": "The file is empty."} if not file["bytes"] else None
        thing: JSON = {
            "id": name,
            "object": "vector_store.file",
            "created_at": int(time.time()),
            "usage_bytes": file["bytes"],
            "vector_store_id": store["id"],
            "status": "failed" if broken else "completed",
            "last_error": broken,
            "chunking_strategy": {"type": "static", "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}},
            "attributes": body.get("attributes") or {},
        }
        store["usage_bytes"] += file["bytes"]
        counts = store["file_counts"]
        counts["total"] += 1
        counts[thing["status"]] += 1
        self._keep(f"file of {store['id']}", thing)
        self._looks[f"{store['id']} {name}"] = LOOKS
        return thing

    def add_store_file(self, call: Call) -> Told:
        store = self._found("vector store", call.path[0])
        return self._seen_in_store(store["id"], self._add(store, call.body["file_id"], call.body))

    def retrieve_store_file(self, call: Call) -> Told:
        return self._seen_in_store(call.path[0], self._found(f"file of {call.path[0]}", call.path[1]))

    def _seen_in_store(self, store: str, thing: JSON) -> Told:
        key = f"{store} {thing['id']}"
        left = self._looks.pop(key, 0)
        if not left:
            return Told(thing)
        self._looks[key] = left - 1
        return Told({**thing, "status": "in_progress", "usage_bytes": 0, "last_error": None}, HINT)

    def list_store_files(self, call: Call) -> Told:
        return Told(page([*self._all(f"file of {call.path[0]}").values()], call, "desc"))

    def create_batch(self, call: Call) -> Told:
        store = self._found("vector store", call.path[0])
        body = call.body
        rows = objects(body.get("files")) or [{**body, "file_id": name} for name in _names(body)]
        added = [self._add(store, row["file_id"], row) for row in rows]
        failed = sum(one["status"] == "failed" for one in added)
        thing: JSON = {
            "id": self._new_id("vsfb"),
            "object": "vector_store.files_batch",
            "created_at": int(time.time()),
            "vector_store_id": store["id"],
            "status": "completed",
            "file_counts": {**_counts(len(added)), "completed": len(added) - failed, "failed": failed},
        }
        return self._batch_seen(self._keep("batch", thing, LOOKS))

    def retrieve_batch(self, call: Call) -> Told:
        return self._batch_seen(self._found("batch", call.path[1]))

    def _batch_seen(self, thing: JSON) -> Told:
        total = thing["file_counts"]["total"]
        return self._seen(thing, status="in_progress", file_counts={**_counts(total), "in_progress": total})

    # ---------------------------------------------------------------------------------------------------------- videos
    def create_video(self, call: Call) -> Told:
        body = call.body
        thing: JSON = {
            "id": self._new_id("video"),
            "object": "video",
            "model": body.get("model") or "sora-2",
            "status": "completed",
            "progress": 100,
            "created_at": int(time.time()),
            "completed_at": int(time.time()),
            "expires_at": None,
            "prompt": body["prompt"],
            "size": body.get("size") or "720x1280",
            "seconds": str(body.get("seconds") or 4),
            "remixed_from_video_id": None,
            "error": None,
        }
        return self._video_seen(self._keep("video", thing, LOOKS))

    def retrieve_video(self, call: Call) -> Told:
        return self._video_seen(self._found("video", call.path[0]))

    def _video_seen(self, thing: JSON) -> Told:
        left = self._looks.get(thing["id"], 0)
        status = "queued" if left == LOOKS else "in_progress"
        return self._seen(thing, status=status, progress=100 * (LOOKS - left) // LOOKS, completed_at=None)

    def video_content(self, call: Call) -> Told:
        return Told(f"A film about {self._found('video', call.path[0])['prompt']}".encode())

    # ----------------------------------------------------------------------------------------------------------- speech
    def speak(self, call: Call) -> Told:
        """Answer with silence (WAV, 16 bits, 24 kHz), as long as it takes to say the text."""
        sound = bytes(2 * 1200 * len(call.body["input"]))
        form = struct.pack("<IHHIIHH", 16, 1, 1, 24_000, 48_000, 2, 16)
        return Told(b"RIFF" + struct.pack("<I", 36 + len(sound)) + b"WAVEfmt " + form + b"data" + struct.pack("<I", len(sound)) + sound)


def _counts(total: int) -> JSON:
    return {"in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": total}


def _names(body: JSON) -> list[str]:
    names: list[str] = body.get("file_ids") or []
    return names


def _file(value: Any, name: str) -> tuple[str, bytes]:
    """Return name and content of a part of a form that is a file."""
    if not (is_object(value) and isinstance(value.get("content"), bytes)):
        raise ApiError(400, f"{name!r} is no file.", param=name, code="invalid_type")
    return value["filename"], value["content"]


def page(items: list[JSON], call: Call, usual_order: str, most: int = 100) -> JSON:
    """Return one page of a list: `limit` items, of `most` that may be wanted, behind the one named by `after`."""
    ordered = items[::-1] if call.text("order", usual_order) == "desc" else items
    limit = int(call.text("limit", "20")) if call.text("limit", "20").isdigit() else 0
    if not 1 <= limit <= most:
        raise ApiError(400, f"The limit must be a number from 1 to {most}.", param="limit", code="invalid_value")
    after = call.text("after")
    if after:
        names = [item["id"] for item in ordered]
        if after not in names:
            raise ApiError(400, f"There is no item {after!r} to go on after.", param="after", code="invalid_value")
        ordered = ordered[names.index(after) + 1 :]
    kept = ordered[:limit]
    first, last = (kept[0]["id"], kept[-1]["id"]) if kept else (None, None)
    return {"object": "list", "data": kept, "first_id": first, "last_id": last, "has_more": len(ordered) > limit}


ENDPOINTS: dict[str, Endpoint] = {
    "POST /files": Jobs.create_file,
    "GET /files": Jobs.list_files,
    "GET /files/{file_id}": Jobs.retrieve_file,
    "DELETE /files/{file_id}": Jobs.delete_file,
    "GET /files/{file_id}/content": Jobs.file_content,
    "POST /uploads": Jobs.create_upload,
    "POST /uploads/{upload_id}/parts": Jobs.add_part,
    "POST /uploads/{upload_id}/complete": Jobs.complete_upload,
    "POST /uploads/{upload_id}/cancel": Jobs.cancel_upload,
    "POST /vector_stores": Jobs.create_store,
    "GET /vector_stores/{vector_store_id}": Jobs.retrieve_store,
    "DELETE /vector_stores/{vector_store_id}": Jobs.delete_store,
    "POST /vector_stores/{vector_store_id}/files": Jobs.add_store_file,
    "GET /vector_stores/{vector_store_id}/files": Jobs.list_store_files,
    "GET /vector_stores/{vector_store_id}/files/{file_id}": Jobs.retrieve_store_file,
    "POST /vector_stores/{vector_store_id}/file_batches": Jobs.create_batch,
    "GET /vector_stores/{vector_store_id}/file_batches/{batch_id}": Jobs.retrieve_batch,
    "POST /videos": Jobs.create_video,
    "GET /videos/{video_id}": Jobs.retrieve_video,
    "GET /videos/{video_id}/content": Jobs.video_content,
    "POST /audio/speech": Jobs.speak,
}
