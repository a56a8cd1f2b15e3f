"""Records: dataclasses that wear the parsed JSON object as their instance dictionary.

A body is parsed by `json.loads` into fresh dictionaries that nobody else holds.  Decoding (`_decode`) does not copy them: each
becomes the `__dict__` of a record, and only values that are objects of the API themselves are visited.  It follows that a
scalar field costs nothing to decode; that keys this library has never heard of stay readable and survive a round trip; that
"absent" and "null" stay apart, though both read as None; that encoding a record is encoding its `__dict__`.
"""

from __future__ import annotations

from .._typing import TYPE_CHECKING
from ._shape import Shape, Shaped, shape, wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, ClassVar

    from typing_extensions import Self, dataclass_transform

    from .._info import HttpInfo
else:

    def dataclass_transform(**_options):
        """Stand in for `typing.dataclass_transform`, which only checkers heed."""
        return lambda cls: cls


__all__ = ["Record", "Unknown", "extra", "missing", "plain"]


class _DataclassFields:
    """`__dataclass_fields__`, made by the standard library itself the first time somebody asks."""

    def __get__(self, record: Record | None, owner: type[Record]) -> dict[str, Any]:
        if owner is Record:
            raise AttributeError("__dataclass_fields__")
        from dataclasses import dataclass

        for cls in reversed(owner.__mro__[: owner.__mro__.index(Record)]):  # a class would take the fields of a base for its own
            if issubclass(cls, Record) and "__dataclass_fields__" not in cls.__dict__:
                dataclass(init=False, repr=False, eq=False, kw_only=True)(cls)
                if "__replace__" in cls.__dict__:  # since 3.13; it would lose the keys that the class does not declare
                    del cls.__replace__
        fields: dict[str, Any] = owner.__dict__["__dataclass_fields__"]
        return fields


_NO_SLOTS: dict[str, Any] = {}


class _Firm:
    """A method that no JSON key can hide: a descriptor with a `__set__` goes before the instance's own dictionary.

    It is for what the standard library looks up on the instance; everybody else asks the class.
    """

    __slots__ = ("_function",)

    def __init__(self, function: Any) -> None:
        self._function = function

    def __get__(self, record: Record | None, owner: type[Record]) -> Any:
        return self._function if record is None else self._function.__get__(record, owner)

    def __set__(self, record: Record, value: object) -> None:
        raise AttributeError("this is a method of all records")


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
        _secrets: ClassVar[tuple[str, ...]]  # the JSON keys whose values no `repr` shows
    else:  # a checker would take __init__ and __getattr__ for "every name exists"
        _secrets = ()

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
        secrets = type(self)._secrets
        shown = [(names.get(k, k), "***" if k in secrets and v is not None else v) for k, v in self.__dict__.items()]
        return f"{type(self).__name__}({', '.join([f'{name}={value!r}' for name, value in shown])})"

    def __getstate__(self) -> dict[str, Any] | tuple[dict[str, Any], dict[str, Any]]:
        info = _call_of(self)
        return self.__dict__ if info is None else (self.__dict__, {"_http": info})

    def __deepcopy__(self, seen: dict[int, Any]) -> Self:
        from copy import deepcopy

        seen[id(self)] = record = object.__new__(type(self))
        state = deepcopy(type(self).__getstate__(self), seen)
        record.__dict__, slots = state if isinstance(state, tuple) else (state, _NO_SLOTS)
        for name, value in slots.items():
            setattr(record, name, value)
        return record

    def __reduce_ex__(self, _protocol: object) -> tuple[Any, ...]:
        import copyreg

        new: Any = vars(copyreg)["__newobj__"]  # which the stubs forget
        return new, (type(self),), type(self).__getstate__(self)  # the standard one would ask the instance for its state

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
        from ._decode import decoder_of
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


for _name in ("__deepcopy__", "__reduce_ex__"):
    setattr(Record, _name, _Firm(getattr(Record, _name)))


class Unknown(Record):
    """An object of a kind that this version of the library does not know; its keys read as attributes."""


Shaped.unknown = Unknown


def _call_of(record: Record) -> HttpInfo | None:
    try:
        return record._http  # pyright: ignore[reportPrivateUsage]  # this module owns the class
    except AttributeError:
        return None


def _check_names(title: str, about: Shape, values: Mapping[str, Any], whole: bool = True) -> None:
    odd = sorted(values.keys() - about.attributes.keys())
    lack = [n for n in about.required if n not in values and not _nullable(about, n)] if whole else []
    if odd or lack:
        faults = [text + ", ".join(names) for text, names in (("unknown: ", odd), ("missing: ", lack)) if names]
        raise TypeError(f"{title}(...): {'; '.join(faults)}")


def _nullable(about: Shape, name: str) -> bool:
    """Tell whether a field may be null: then it may be left out of a constructor, as in the official library."""
    return about.types[about.attributes[name]][0].endswith("| None")


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

    That is the object of a record, the dump of a pydantic model (what was set, by its aliases), the fields of a dataclass, the list of
    an iterable or an array, the text (ISO 8601) of a date or a time, the value of a member of an enum.

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
    odd: Any = value  # of a kind that is looked at by what it can do
    if hasattr(kind, "isoformat"):
        return odd.isoformat()
    if hasattr(kind, "tolist") and kind is not memoryview:
        return odd.tolist()
    if hasattr(kind, "__members__"):
        return odd.value
    if hasattr(kind, "keys"):
        return dict(odd)
    if hasattr(kind, "__iter__") and not hasattr(kind, "read") and not isinstance(value, (bytes, bytearray, memoryview)):
        return list(odd)
    raise TypeError(f"cannot send {kind.__name__} as JSON")
