"""Small OpenAPI documents of our own, for the tests of `make sync`."""

from __future__ import annotations

import copy
import json
from typing import Any

from tools.sync.update import Tables

SCHEMAS: dict[str, Any] = {
    "Kettle": {
        "type": "object",
        "required": ["id", "state"],
        "properties": {
            "id": {"type": "string"},
            "state": {"enum": ["cold", "hot"]},
            "litres": {"type": "number", "default": 1.5, "nullable": True},
            "filled_at": {"type": "integer", "format": "unixtime"},
            "lid": {"type": "object", "properties": {"open": {"type": "boolean"}}, "required": ["open"]},
            "old_name": {"type": "string", "deprecated": True},
        },
    },
    "KettleRequest": {
        "type": "object",
        "required": ["litres"],
        "properties": {"litres": {"type": "number"}, "colour": {"anyOf": [{"type": "string"}, {"enum": ["red", "blue"]}]}},
    },
    "KettleList": {
        "type": "object",
        "properties": {
            "object": {"const": "list"},
            "data": {"type": "array", "items": {"$ref": "#/components/schemas/Kettle"}},
            "has_more": {"type": "boolean"},
            "last_id": {"type": "string"},
        },
    },
    "Event": {"oneOf": [{"$ref": "#/components/schemas/Boiling"}, {"$ref": "#/components/schemas/Done"}]},
    "Boiling": {"type": "object", "required": ["type"], "properties": {"type": {"const": "boiling"}, "degrees": {"type": "integer"}}},
    "Done": {"type": "object", "required": ["type"], "properties": {"type": {"const": "done"}}},
}
KETTLE = {"$ref": "#/components/schemas/Kettle"}


def answer(schema: Any, media: str = "application/json") -> dict[str, Any]:
    return {"200": {"description": "well", "content": {media: {"schema": schema}}}}


DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Kettles", "version": "1.0"},
    "paths": {
        "/kettles": {
            "get": {
                "operationId": "listKettles",
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "default": 20}},
                    {"name": "order", "in": "query", "schema": {"enum": ["asc", "desc"]}},
                ],
                "responses": answer({"$ref": "#/components/schemas/KettleList"}),
            },
            "post": {
                "operationId": "createKettle",
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/KettleRequest"}}},
                },
                "responses": answer(KETTLE),
            },
        },
        "/kettles/{kettle_id}": {
            "get": {
                "operationId": "getKettle",
                "parameters": [{"name": "kettle_id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": answer(KETTLE),
            },
            "delete": {
                "operationId": "deleteKettle",
                "parameters": [{"name": "kettle_id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "security": [{"AdminApiKeyAuth": []}],
                "responses": {"204": {"description": "gone"}},
            },
        },
        "/kettles/{kettle_id}/boil": {
            "post": {
                "operationId": "boilKettle",
                "parameters": [{"name": "kettle_id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {
                    "200": {
                        "description": "well",
                        "content": {
                            "application/json": {"schema": KETTLE},
                            "text/event-stream": {"schema": {"$ref": "#/components/schemas/Event"}},
                        },
                    }
                },
            },
        },
    },
    "webhooks": {"kettle_hot": {"post": {"requestBody": {"content": {"application/json": {"schema": KETTLE}}}}}},
    "components": {"schemas": SCHEMAS},
}
EMPTY = Tables(
    {"source": {"title": "", "version": "", "sha256": ""}, "operations": {}, "webhooks": {}, "types": {}}, {"source": {}}, {}, {}
)


def document() -> dict[str, Any]:
    """Return a document that may be changed."""
    return copy.deepcopy(DOCUMENT)


def written(some: Any) -> bytes:
    """Return a document as it comes from a file."""
    return json.dumps(some).encode()
