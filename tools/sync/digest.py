"""Makes the digest of a document: names, types, flags and values, and no sentence of it. Its shape is told in `README.md`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from .document import TAGS, Document
from .facts import references
from .forms import step
from .kinds import Kind, ListOf, MapOf, Object, Reference, Scalar, Shape, Union, Values, without_none
from .naming import Names, mentioned
from .operations import Operations
from .readable import UnreadableError


class Digest:
    """What a document says, under the names that it has here.

    Attributes:
        types, operations, webhooks: the sections of the digest.
        place_of: name of a type -> its place in the document.
        notes: what is odd, though it could be read.
    """

    def __init__(self, document: Document, names: Names, overlay: Mapping[str, Mapping[str, Any]]) -> None:
        self.document = document
        self.names = names
        self.types: dict[str, dict[str, Any]] = {}
        self.place_of: dict[str, str] = {}
        self.notes = list(document.notes)
        reader = Operations(document, self.expression, overlay)
        operations = {f"{verb} {path}": reader.facts(verb, path, operation) for verb, path, operation in document.operations()}
        self.operations = dict(sorted(operations.items(), key=lambda each: (each[0].split(" ", 1)[1], each[0])))
        self.webhooks = {name: self._webhook(name, item) for name, item in document.document.get("webhooks", {}).items()}
        for name in document.named:  # events of sockets hang on no operation; they have a name in the table
            if name in names and name not in reader.pages and not self._plain(name):
                self._declare(name)
        self._mark_uses()

    def whole(self, sha256: str) -> dict[str, Any]:
        """Return the digest; `sha256` is that of the document."""
        info = self.document.document["info"]
        return {
            "source": {"title": info["title"], "version": info["version"], "sha256": sha256},
            "operations": self.operations,
            "webhooks": self.webhooks,
            "types": dict(sorted(self.types.items())),
        }

    def _webhook(self, name: str, item: Mapping[str, Any]) -> str:
        place = f"webhook.{name}"
        return self.expression(self.document.read(item["post"]["requestBody"]["content"]["application/json"]["schema"], place), place)

    # ------------------------------------------------------------------------------------------------ expressions
    def expression(self, kind: Kind, place: str) -> str:
        """Return the type expression of a kind; types that it names are entered."""
        if isinstance(kind, Scalar):
            return kind.name
        if isinstance(kind, Values):
            return f"Literal[{', '.join([repr(value) for value in kind.values])}]"
        if isinstance(kind, ListOf):
            return f"list[{self.expression(kind.item, place + '[]')}]"
        if isinstance(kind, MapOf):
            return f"dict[str, {self.expression(kind.value, place + '{}')}]"
        if isinstance(kind, Union):
            return self._named_union(kind, place) or self._members(kind.members, place, True)
        if isinstance(kind, Object):
            return self._declare(kind.place)
        if self._plain(kind.schema):
            return self.expression(self.document.named[kind.schema], place)
        name = self._declare(kind.schema)
        return f"{name} | None" if self.document.nullable(kind.schema) else name  # a type never allows None; who refers to it says so

    def _members(self, members: Iterable[Kind], place: str, first_here: bool = False) -> str:
        texts = [self.expression(m, place if first_here and not number else f"{place}|{number}") for number, m in enumerate(members)]
        return " | ".join(texts)

    def _named_union(self, kind: Union, place: str) -> str:
        """Give a nameless union of several objects a name; return "" for what needs none."""
        objects = tuple(member for member in kind.members if isinstance(member, (Object, Reference)))
        if len(objects) < 2 or place in self.document.named:
            return ""
        name = self.names.of(place + "|" if place + "|" in self.names else place)
        if self.place_of.get(name, place) != place:
            return ""
        self.place_of[name] = place
        self.types.setdefault(name, {}).update(self._union_entry(Union(objects, kind.tag), place))
        rest = [member for member in kind.members if member not in objects]
        return " | ".join([name, *([self._members(rest, place)] if rest else [])])

    def _plain(self, schema: str) -> bool:
        """Tell whether a schema says nothing of its own: a scalar, a list, a map, or another's name. It is written out where it is used."""
        kind = self.document.named[schema]
        parts = kind.members if isinstance(kind, Union) else (kind,)
        plain = (Scalar, ListOf, MapOf) if isinstance(kind, Union) else (Scalar, ListOf, MapOf, Reference)
        return all(isinstance(part, plain) for part in parts)

    # ---------------------------------------------------------------------------------------------------- entries
    def _declare(self, place: str) -> str:
        """Enter the type of a place and return its name. Places of one name and one shape share an entry."""
        choices = self.names.choices(place)
        for number, name in enumerate(choices):
            other = self.place_of.get(name)
            if other == place or (other is not None and self._content(place) == self._content(other)):
                return name
            if other is None:
                if number:
                    self.notes.append(f"{choices[0]} is the name of {self.place_of[choices[0]]} and of {place}; the latter becomes {name}")
                self.place_of[name] = place
                self.types[name] = {}  # recursion comes back here
                self.types[name] = self._entry(place)
                return name
        owners = " and ".join([self.place_of[name] for name in choices])
        raise UnreadableError([(self.pointer(place), f"is another type by the name {choices[0]}, which belongs to {owners}")])

    def pointer(self, place: str) -> str:
        """Return where in the document a place is, down to the schema or the operation."""
        head = place.partition("|")[0].partition("[")[0].partition("{")[0]
        if head.partition(".")[0] == "webhook":
            return step("#/webhooks", head.partition(".")[2])
        for verb, path, operation in self.document.operations():
            if operation["operationId"] == head.rpartition(".")[0]:
                return step("#/paths", path, verb.lower())
        schema = max((name for name in self.document.named if f"{head}.".startswith(f"{name}.")), key=len, default=head)
        return step("#/components/schemas", schema, *[key for name in head[len(schema) :].split(".")[1:] for key in ("properties", name)])

    def _content(self, place: str) -> Any:
        """Return what makes two types the same: names and types of fields, and which of them are required."""
        shape = self.document.shapes.get(place)
        if shape is None:
            return self.document.named.get(place)
        return {name: (self._resolved(each.kind), each.required) for name, each in shape.fields.items()}

    def _resolved(self, kind: Kind) -> Any:
        if isinstance(kind, Object):
            return Object(self.names.of(kind.place))
        if isinstance(kind, Union):
            return tuple([self._resolved(member) for member in kind.members])
        if isinstance(kind, ListOf):
            return (ListOf, self._resolved(kind.item))
        return (MapOf, self._resolved(kind.value)) if isinstance(kind, MapOf) else kind

    def _entry(self, place: str) -> dict[str, Any]:
        shape = self.document.shapes.get(place)
        entry = self._object_entry(shape, place) if shape else self._alias_entry(without_none(self.document.named[place]), place)
        if place != self.names.of(place).rpartition(".")[2]:
            entry["schema"] = place
        return entry

    def _alias_entry(self, kind: Kind, place: str) -> dict[str, Any]:
        return self._union_entry(kind, place) if isinstance(kind, Union) else {"is": self.expression(kind, place)}

    def _object_entry(self, shape: Shape, place: str) -> dict[str, Any]:
        fields = shape.fields
        entry: dict[str, Any] = {
            "fields": {n + "?" * (not f.required): self.expression(f.kind, f"{place}.{n}") for n, f in fields.items()},
            "rest": self.expression(shape.rest, "") if shape.rest else None,
            "default": {name: each.default for name, each in fields.items() if each.default is not None},
            "deprecated": [name for name, each in fields.items() if each.deprecated],
            "format": {name: each.format for name, each in fields.items() if each.format},
        }
        return {key: value for key, value in entry.items() if value or key == "fields"}

    def _union_entry(self, kind: Union, place: str) -> dict[str, Any]:
        entry: dict[str, Any] = {"is": self._members(kind.members, place)}
        objects = [leaf.place for leaf in self.document.leaves(kind) if isinstance(leaf, Object)]
        tag, values = self._tag(objects, kind.tag)
        shared = {value: names for value, names in values.items() if len(names) > 1}
        return {**entry, **({"tag": tag} if tag else {}), **({"tags": shared} if shared else {})}

    def _tag(self, objects: list[str], told: str | None) -> tuple[str, dict[Any, list[str]]]:
        """Return the property that tells most of some objects apart, and its values with the types that have them."""
        best: tuple[int, str, dict[Any, list[str]]] = (1, "", {})
        tags: list[str] = [*([told] if told else []), *TAGS, "action"]
        for tag in dict.fromkeys(tags) if len(objects) > 1 else ():
            values: dict[Any, list[str]] = {}
            for place in objects:
                known = self.document.shapes[place].fields.get(tag)
                leaves = list(self.document.leaves(known.kind)) if known else []
                for value in next((leaf.values for leaf in leaves if isinstance(leaf, Values)), ()):
                    values.setdefault(value, []).append(self.names.of(place))
            values = {value: list(dict.fromkeys(names)) for value, names in values.items()}
            told_apart = len({name for names in values.values() for name in names})
            if told_apart > best[0]:
                best = (told_apart, tag, values)
        return best[1], best[2]

    # ----------------------------------------------------------------------------------------------------- usage
    def _mark_uses(self) -> None:
        """Write into each type whether it is sent ("i"), received ("o"), or both."""
        uses: dict[str, set[str]] = {}

        def mark(texts: Iterable[str], use: str) -> None:
            todo = [name for text in texts for name in references(text)]
            while todo:
                name = todo.pop()
                if name in self.types and use not in uses.setdefault(name, set()):
                    uses[name].add(use)
                    todo += mentioned(self.types[name])

        for operation in self.operations.values():
            mark([text for place in ("path", "query", "header", "body") for text in operation.get(place, {}).values()], "i")
            mark(
                [operation.get("returns", ""), operation.get("stream", {}).get("event", ""), operation.get("page", {}).get("item", "")], "o"
            )
        mark(self.webhooks.values(), "o")
        for name, entry in self.types.items():
            if name not in uses and "tag" in entry and "is" in entry:  # nobody reaches it: the events of a socket
                mark([name], "i" if "Client" in name else "o")
        for name, entry in self.types.items():
            if uses.get(name):
                entry["use"] = "".join(sorted(uses[name]))


def dump(digest: Mapping[str, Any]) -> str:
    """Return the text of a digest: a line for each operation and type, so that a diff of it can be read."""
    parts = [f' "source": {json.dumps(digest["source"])}']
    for section in [name for name in digest if name != "source"]:
        lines = ",\n".join([f"  {json.dumps(key)}: {json.dumps(entry)}" for key, entry in digest[section].items()])
        parts.append(f' "{section}": {{\n{lines}\n }}' if lines else f' "{section}": {{\n }}')
    return "{\n" + ",\n".join(parts) + "\n}\n"
