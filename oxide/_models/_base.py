"""Records: dataclasses that wear the parsed JSON object as their instance dictionary; how they are decoded.

A body is parsed by `json.loads` into fresh dictionaries that nobody else holds.  Decoding does not copy them: each becomes
the `__dict__` of a record, and only values that are objects of the API themselves are visited.  It follows that a scalar
field costs nothing to decode; that keys this library has never heard of stay readable and survive a round trip; that
"absent" and "null" stay apart, though both read as None; that encoding a record is encoding its `__dict__`.

Decoding never raises, whatever the JSON: values of the wrong shape are left as they are, an object of an unknown kind
becomes an `Unknown`.  The one exception is RecursionError, for objects nested some hundred levels deep.
"""

from __future__ import annotations

from .._typing import TYPE_CHECKING
from ._shape import Kinds, Shape, Shaped, literals, mentions_types, read_kinds, shape, wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from typing_extensions import Self, dataclass_transform

    from .._info import HttpInfo

    Decoder = Callable[[Any], Any]
else:

    def dataclass_transform(**_options):
        """Stand in for `typing.dataclass_transform`, which only checkers heed."""
        return lambda cls: cls


__all__ = ["Record", "Unknown", "decoder", "decoder_of", "extra", "missing", "plain", "wire"]


class _DataclassFields:
    """`__dataclass_fields__`, made by the standard library itself the first time somebody asks."""

    def __get__(self, record: Record | None, owner: type[Record]) -> dict[str, Any]:
        if owner is Record:
            raise AttributeError("__dataclass_fields__")
        from dataclasses import dataclass

        dataclass(init=False, repr=False, eq=False, kw_only=True)(owner)
        if "__replace__" in owner.__dict__:  # since 3.13; it would lose the keys that the class does not declare
            del owner.__replace__
        fields: dict[str, Any] = owner.__dict__["__dataclass_fields__"]
        return fields


@dataclass_transform(kw_only_default=True, field_specifiers=(wire,))
class Record(Shaped):
    """An object of the API: its fields are attributes, its keys are those of the JSON object.

    A constructor argument of None for a field that may be left out counts as left out, as with any dataclass default;
    assign None afterwards to send a null.
    """

    __slots__ = ("_http",)
    __dataclass_fields__ = _DataclassFields()
    __hash__ = None  # type: ignore[assignment]  # mutable, and compared by value: as dataclasses have it

    if TYPE_CHECKING:
        _http: HttpInfo
    else:  # a checker would take __init__ and __getattr__ for "every name exists"

        def __init__(self, **values):
            about = shape(type(self))
            _check_names(type(self).__name__, about, values)
            own = self.__dict__
            own.update(about.constants)
            for name, value in values.items():
                if value is not None or name in about.required:
                    own[about.attributes[name]] = value

        def __getattr__(self, name):  # reached only where the server left out a required field
            if name in shape(type(self)).attributes:
                return
            if name in ("http", "_http"):
                raise AttributeError(f"this {type(self).__name__} is not the result of a call; only that has .http")
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.__dict__ == other.__dict__

    def __repr__(self) -> str:
        names = {key: name for name, key in shape(type(self)).attributes.items()}
        return f"{type(self).__name__}({', '.join([f'{names.get(k, k)}={v!r}' for k, v in self.__dict__.items()])})"

    def __getstate__(self) -> dict[str, Any] | tuple[dict[str, Any], dict[str, Any]]:
        info = _call_of(self)
        return self.__dict__ if info is None else (self.__dict__, {"_http": info})

    def __replace__(self, /, **changes: Any) -> Self:
        about = shape(type(self))
        _check_names(type(self).__name__, about, changes, whole=False)
        record = object.__new__(type(self))
        record.__dict__ = {**self.__dict__, **{about.attributes[n]: v for n, v in changes.items()}}
        return record

    # Inside the library these are called on the class, as `Record.to_dict(record)`: a JSON key may hide a method.
    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Decode a JSON object; `data` is copied, not adopted."""
        from ._dump import copied

        record: Self = decoder_of(cls)(copied(dict(data)))
        return record

    def to_dict(
        self, *, use_api_names: bool = True, exclude_unset: bool = True, exclude_defaults: bool = False, exclude_none: bool = False
    ) -> dict[str, Any]:
        """Return plain dictionaries and lists, as they would be sent.

        Args:
            use_api_names: keys are those of the JSON, not the names of the attributes.
            exclude_unset: leave out what was not received or set; otherwise it is None.
            exclude_defaults: leave out what has the value that it has by default.
            exclude_none: leave out what is None.
        """
        from ._dump import dump

        return dump(self, use_api_names, exclude_unset, exclude_defaults, exclude_none)

    def to_json(
        self,
        *,
        indent: int | None = 2,
        use_api_names: bool = True,
        exclude_unset: bool = True,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
    ) -> str:
        """Return JSON text; `indent` is the number of spaces of a level, None puts all on one line. Otherwise as `to_dict`."""
        from ._dump import dump, text

        return text(dump(self, use_api_names, exclude_unset, exclude_defaults, exclude_none), indent, plain)

    def model_dump(
        self,
        *,
        mode: str = "python",
        include: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        by_alias: bool | None = None,
        exclude_unset: bool = False,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
    ) -> dict[str, Any]:
        """Return plain dictionaries and lists; the official spelling, with its defaults: what was not received is None.

        Args:
            mode: "python" or "json"; both give the same here.
            include: names of the only fields wanted, of this object itself.
            exclude: names of the fields not wanted, of this object itself.
            by_alias: keys are those of the JSON, not the names of the attributes.
            exclude_unset: leave out what was not received or set.
            exclude_defaults: leave out what has the value that it has by default.
            exclude_none: leave out what is None.
        """
        from ._dump import chosen, dump

        return chosen(dump(self, bool(by_alias), exclude_unset, exclude_defaults, exclude_none), include, exclude)

    def model_dump_json(
        self,
        *,
        indent: int | None = None,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        by_alias: bool | None = None,
        exclude_unset: bool = False,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
    ) -> str:
        """Return JSON text of what `model_dump` gives."""
        from ._dump import chosen, dump, text

        return text(chosen(dump(self, bool(by_alias), exclude_unset, exclude_defaults, exclude_none), include, exclude), indent, plain)

    @property
    def extra(self) -> dict[str, Any]:
        """The keys that the class does not declare, and their values."""
        return extra(self)

    @property
    def http(self) -> HttpInfo:
        """The HTTP side of the call whose result this is: status, headers, request id, attempts, timings.

        Raises:
            AttributeError: this object is no result of a call, but a part of one, or was made by hand.
        """
        return self._http

    @property
    def _request_id(self) -> str | None:
        """The id of the request that brought this object, by its official name."""
        info = _call_of(self)
        return None if info is None else info.request_id


class Unknown(Record):
    """An object of a kind that this version of the library does not know; its keys read as attributes."""


def _call_of(record: Record) -> HttpInfo | None:
    try:
        return record._http  # pyright: ignore[reportPrivateUsage]  # this module owns the class
    except AttributeError:
        return None


def _check_names(title: str, about: Shape, values: Mapping[str, Any], whole: bool = True) -> None:
    odd = sorted(values.keys() - about.attributes.keys())
    lack = [n for n in about.required if n not in values] if whole else []
    if odd or lack:
        faults = [text + ", ".join(names) for text, names in (("unknown: ", odd), ("missing: ", lack)) if names]
        raise TypeError(f"{title}(...): {'; '.join(faults)}")


def missing(record: Record) -> list[str]:
    """Return the required fields that the server did not send."""
    about = shape(type(record))
    return [n for n in about.required if about.attributes[n] not in record.__dict__]


def extra(record: Record) -> dict[str, Any]:
    """Return the keys that the record's class does not declare, and their values."""
    known = shape(type(record)).types
    return {k: v for k, v in record.__dict__.items() if k not in known}


def plain(value: object) -> Any:
    """Return what stands for a value in JSON, one level deep; the hook of an encoder that knows only plain types.

    Raises:
        TypeError: nothing can; the message names the type.
    """
    if isinstance(value, Record):
        return value.__dict__
    kind: Any = type(value)
    if hasattr(kind, "model_dump"):
        return kind.model_dump(value, mode="json", by_alias=True, exclude_unset=True)
    if hasattr(kind, "__dataclass_fields__"):
        return {name: getattr(value, name) for name in kind.__dataclass_fields__}
    if hasattr(kind, "keys"):
        return dict(value)  # type: ignore[call-overload]  # a mapping, as far as can be told
    if hasattr(kind, "__iter__") and not isinstance(value, (bytes, bytearray, memoryview)):
        return list(value)  # type: ignore[call-overload]  # an iterable, by the line above
    raise TypeError(f"cannot send {kind.__name__} as JSON")


# --------------------------------------------------------------------------------------------------------- decoding
_decoders: dict[str, Decoder] = {}
_records: dict[type[Shaped], Decoder] = {}
_TAGS = ("type", "role", "object", "event", "action")


def decoder(expression: str) -> Decoder:
    """Return the function that decodes values of a type, written as `responses.Response` or `list[chat.ChatCompletion]`.

    The function takes parsed JSON that nobody else holds, and adopts it.
    """
    found = _decoders.get(expression)
    if found is None:
        found = _decoders[expression] = _build(read_kinds(expression, __name__)) or _same
    return found


def _same(value: Any) -> Any:
    return value


def _build(kinds: Kinds) -> Decoder | None:
    """Return the decode function of what an expression allows, None where there is nothing to decode."""
    single = _objects(kinds)
    item = _build(kinds.items) if kinds.items else None
    if item is None:
        return single
    if single is None:
        return lambda value: [item(v) for v in value] if value.__class__ is list else value
    return lambda value: [item(v) for v in value] if value.__class__ is list else single(value)


def _objects(kinds: Kinds) -> Decoder | None:
    if kinds.classes:
        return decoder_of(kinds.classes[0]) if len(kinds.classes) == 1 else _union(kinds.classes)
    inner = _build(kinds.values) if kinds.values else None
    if inner is None:
        return None
    return lambda value: {k: inner(v) for k, v in value.items()} if value.__class__ is dict else value


def decoder_of(cls: type[Shaped]) -> Decoder:
    """Return the function that decodes objects of one class, and adopts them. Its fields are looked at when the first one comes."""
    found = _records.get(cls)
    if found is not None:
        return found
    new = object.__new__
    nested: list[tuple[str, Decoder]] | None = None

    def settle(key: str, built: Decoder | None) -> None:
        nonlocal nested
        nested = [(k, built if built and k == key else d) for k, d in nested or () if k != key or built]

    def decode(value: Any) -> Any:
        nonlocal nested
        if value.__class__ is not dict:
            return value
        if nested is None:
            nested = [(k, _late(k, text, module, settle)) for k, (text, module) in shape(cls).types.items() if mentions_types(text)]
        for key, decode_field in nested:
            inner = value.get(key)
            if inner or inner.__class__ is dict:  # None and empty lists stay, an empty object becomes a record
                value[key] = decode_field(inner)
        record = new(cls)
        record.__dict__ = value
        return record

    _records[cls] = decode
    return decode


def _late(key: str, text: str, module: str, settle: Callable[[str, Decoder | None], None]) -> Decoder:
    """Return a decode function that is made when the field first has a value; modules of records load no sooner."""

    def decode(value: Any) -> Any:
        built = _build(read_kinds(text, module))
        settle(key, built)
        return built(value) if built else value

    return decode


# ----------------------------------------------------------------------------------------------------------- unions
def _union(classes: list[type[Shaped]], tried: tuple[str, ...] = ()) -> Decoder:
    """Return the decode function of a union of records: one look at the tag, one call."""
    tag, members = _best_tag(classes, tried)
    if len(members) < 2:
        return lambda value: decoder_of(_closest(classes, value))(value) if value.__class__ is dict else value
    table = _Table(members, (*tried, tag), decoder_of(_open_member(classes, tag)))

    def decode(value: Any) -> Any:
        if value.__class__ is not dict:
            return value
        kind = value.get(tag)
        if kind.__class__ is str:
            return table[kind](value)
        return decoder_of(_closest(classes, value))(value)

    return decode


class _Table(dict[str, "Decoder"]):
    """Tag -> decode function, made when the tag is first met. Unknown tags leave no trace, so it cannot grow."""

    __slots__ = ("members", "other", "tried")

    def __init__(self, members: dict[str, list[type[Shaped]]], tried: tuple[str, ...], other: Decoder) -> None:
        super().__init__()
        self.members = members
        self.tried = tried
        self.other = other

    def __missing__(self, kind: str) -> Decoder:
        classes = self.members.get(kind)
        if classes is None:
            return self.other
        self[kind] = found = decoder_of(classes[0]) if len(classes) == 1 else _union(classes, self.tried)
        return found


def _best_tag(classes: list[type[Shaped]], tried: tuple[str, ...]) -> tuple[str, dict[str, list[type[Shaped]]]]:
    """Return the key that tells most classes apart, and which classes each of its values means."""
    best, found, most = "", dict[str, list[type[Shaped]]](), 0
    for key in _TAGS:
        members: dict[str, list[type[Shaped]]] = {}
        told = [c for c in classes if key not in tried and _enter(c, key, members)]
        if len(told) > most:
            best, found, most = key, members, len(told)
    return best, found


def _enter(cls: type[Shaped], key: str, members: dict[str, list[type[Shaped]]]) -> bool:
    text, module = shape(cls).types.get(key, ("", ""))
    values = literals(text, module) or ()
    for value in values:
        members.setdefault(value, []).append(cls)
    return bool(values)


def _open_member(classes: list[type[Shaped]], tag: str) -> type[Shaped]:
    """Return the class for tags that no class names: the only one whose tag may be any string, or `Unknown`."""
    declared = [(c, shape(c).types[tag]) for c in classes if tag in shape(c).types]
    free = [c for c, (text, module) in declared if (values := literals(text, module)) is None or "str" in text.split(" | ") or not values]
    return free[0] if len(free) == 1 else Unknown


def _closest(classes: list[type[Shaped]], value: dict[str, Any]) -> type[Shaped]:
    """Return the class of an object without a tag: of those that miss no key the one that knows most of its keys,
    else the only one that knows so many of them, else `Unknown`."""
    known = {c: len(shape(c).types.keys() & value.keys()) for c in classes if not _contradicts(shape(c), value)}
    most = max(known.values(), default=0)
    fits = [c for c in known if known[c] and _complete(shape(c), value)]
    if fits:
        return max(fits, key=known.__getitem__)
    best = [c for c in known if known[c] == most]
    return best[0] if most and len(best) == 1 else Unknown


def _complete(about: Shape, value: dict[str, Any]) -> bool:
    return about.constants.keys() <= value.keys() and all(about.attributes[n] in value for n in about.required)


def _contradicts(about: Shape, value: dict[str, Any]) -> bool:
    return any(value.get(key, constant) != constant for key, constant in about.constants.items())
