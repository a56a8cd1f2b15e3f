"""Reads the operations of a document: what a method takes and where it travels, what comes back, and whether in pages or as a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .document import Document
from .kinds import FILE, Kind, ListOf, Object, Values

BODIES = {"application/json": "json", "multipart/form-data": "form"}
PAGE_FIELDS = frozenset(("object", "data", "has_more", "first_id", "last_id", "next", "next_page", "total"))
PAGE_KINDS = (("next_page", "token"), ("next", "next"), ("last_id", "last_id"), ("has_more", "cursor"))


class Operations:
    """Writes the entry of an operation.

    Attributes:
        pages: places of the objects that are pages; no type is made of them.
    """

    def __init__(self, document: Document, write: Callable[[Kind, str], str], overlay: Mapping[str, Mapping[str, Any]]) -> None:
        self.document = document
        self.write = write
        self.overlay = overlay
        self.pages: set[str] = set()

    def facts(self, verb: str, path: str, operation: Mapping[str, Any]) -> dict[str, Any]:
        """Return the entry of an operation; what the overlay says goes over what the document says, null takes away."""
        name: str = operation["operationId"]
        found: dict[str, Any] = {"id": name, **self._parameters(operation, name)}
        found |= self._body(operation, name)
        found |= self._answer(operation, name)
        if any("AdminApiKeyAuth" in choice for choice in operation.get("security") or ()):
            found["auth"] = "admin"
        if operation.get("deprecated"):
            found["deprecated"] = True
        found |= self.overlay.get(f"{verb} {path}", {})
        return {key: value for key, value in found.items() if value is not None}

    def _parameters(self, operation: Mapping[str, Any], name: str) -> dict[str, Any]:
        parameters = operation.get("parameters", ())
        found: dict[str, Any] = {}
        for place in ("path", "query", "header"):
            found[place] = {
                p["name"] + "?" * (not p.get("required")): self._schema(p["schema"], f"{name}.{p['name']}")
                for p in parameters
                if p["in"] == place
            }
        schemas = {p["name"]: p["schema"] for p in parameters if isinstance(p["schema"], dict)}
        found["default"] = {key: schema["default"] for key, schema in schemas.items() if schema.get("default") is not None}
        found["deprecated_params"] = [p["name"] for p in parameters if p.get("deprecated")]
        return {key: value for key, value in found.items() if value}

    def _schema(self, schema: Any, place: str) -> str:
        return self.write(self.document.read(schema, place), place)

    # --------------------------------------------------------------------------------------------------- requests
    def _body(self, operation: Mapping[str, Any], name: str) -> dict[str, Any]:
        request = operation.get("requestBody")
        if not request:
            return {}
        found: dict[str, Any] = {}
        body: dict[str, str] = {}
        media: str
        for media, content in request["content"].items():
            kind = self.document.read(content["schema"], f"{name}.body")
            body[BODIES.get(media, media)] = self.write(kind, f"{name}.body")
            if BODIES.get(media) == "form" and (files := sorted(self._files(kind))):
                found["file"] = files
        found["body"] = body
        return found if request.get("required") else {**found, "bodyopt": True}

    def _files(self, kind: Kind, prefix: str = "") -> Iterator[str]:
        """Yield the fields that carry files, dotted, with "[]" for a list."""
        for leaf in self.document.leaves(kind):
            if leaf == FILE:
                yield prefix
            elif isinstance(leaf, ListOf):
                yield from self._files(leaf.item, prefix + "[]")
            elif isinstance(leaf, Object):
                for name, field in self.document.shapes[leaf.place].fields.items():
                    yield from self._files(field.kind, f"{prefix}.{name}" if prefix else name)

    # ---------------------------------------------------------------------------------------------------- answers
    def _answer(self, operation: Mapping[str, Any], name: str) -> dict[str, Any]:
        code = next(code for code in operation["responses"] if code.startswith("2"))
        found: dict[str, Any] = {} if code == "200" else {"status": int(code)}
        for media, content in operation["responses"][code].get("content", {}).items():
            kind = self.document.read(content.get("schema", {}), f"{name}.returns")
            if media == "text/event-stream":
                found["stream"] = {"event": self.write(kind, f"{name}.event"), "when": "body"}
            elif media == "application/sdp" or FILE in self.document.leaves(kind):
                found["returns"] = "str" if media == "application/sdp" else "bytes"
                found.setdefault("accept", []).append(media)
            elif "returns" not in found:
                page = self._page(kind)
                found |= {"page": page} if page else {"returns": self.write(kind, f"{name}.returns")}
        return found

    def _page(self, kind: Kind) -> dict[str, str] | None:
        """Tell whether an answer is a page of a list and nothing more, and how the next one is asked for."""
        leaves = list(self.document.leaves(kind))
        if len(leaves) != 1 or not isinstance(leaves[0], Object):
            return None
        place = leaves[0].place
        fields = self.document.shapes[place].fields
        data = fields["data"].kind if "data" in fields else None
        if not isinstance(data, ListOf) or not PAGE_FIELDS.issuperset(fields):
            return None
        if not ("has_more" in fields or self._says_list(place)):
            return None
        self.pages.add(place)
        how = next((how for field, how in PAGE_KINDS if field in fields), "single")
        return {"kind": how, "item": self.write(data.item, f"{place}.data[]")}

    def _says_list(self, place: str) -> bool:
        known = self.document.shapes[place].fields.get("object")
        leaves = self.document.leaves(known.kind) if known else ()
        return any(isinstance(leaf, Values) and {"list", "page"}.issuperset(leaf.values) for leaf in leaves)
