"""From parsed JSON to records: each object is adopted by a record of its class, and only what may hold records is visited.

Decoding never raises, whatever the JSON: values of the wrong shape are left as they are, an object of an unknown kind
becomes an `Unknown`.  The one exception is RecursionError, for objects nested some hundred levels deep.

What is done here is all that a call costs beside parsing: the loops are written for few steps of the interpreter.
"""

from __future__ import annotations

from .._typing import TYPE_CHECKING
from ._shape import Shaped, literals, mentions_types, read_kinds, shape

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._shape import Kinds, Shape

    Decoder = Callable[[Any], Any]
    Pair = tuple[Decoder | None, Decoder | None]

__all__ = ["Learned", "adopters", "decoder", "decoder_of"]

_TAGS = ("type", "role", "object", "event", "action")
_NOTHING = (None, None)
_WRONG = (TypeError, KeyError, AttributeError)
"""What the loops over lists raise for an item that is no object, or has no tag; such lists are gone through again, with care."""

_new = object.__new__
_plans: dict[type[Shaped], _Plan] = {}


def decoder(expression: str) -> Decoder:
    """Return the function that decodes values of a type, written as `responses.Response` or `list[chat.ChatCompletion]`.

    The function takes parsed JSON that nobody else holds, and adopts it.
    """
    return _decoders[expression]


class Learned(dict[str, "Decoder"]):
    """Type expression -> what `learn` returns for it, which is asked when the expression is first met."""

    __slots__ = ("_learn",)

    def __init__(self, learn: Callable[[str], Decoder]) -> None:
        super().__init__()
        self._learn = learn

    def __missing__(self, expression: str) -> Decoder:
        found = self[expression] = self._learn(expression)
        return found


_decoders = Learned(lambda expression: _either(_pair(read_kinds(expression, __name__))))
adopters = Learned(lambda expression: _pair(read_kinds(expression, __name__))[0] or _same)
"""Type expression -> the function that decodes an object of that type; it is spared the question whether it got one."""


def decoder_of(cls: type[Shaped]) -> Decoder:
    """Return the function that decodes objects of one class, and adopts them."""
    return _either((_plan(cls).adopt, None))


def _same(value: Any) -> Any:
    return value


# ---------------------------------------------------------------------------------------------------- expressions
def _pair(kinds: Kinds) -> Pair:
    """Return what is done to an object, and to a list, where an expression allows `kinds`; None is nothing."""
    on_object: Decoder | None = None
    if kinds.classes:
        on_object = _plan(kinds.classes[0]).adopt if len(kinds.classes) == 1 else _Union(kinds.classes).adopt
    elif kinds.values:
        on_object = _map(_pair(kinds.values))
    return on_object, _list(kinds.items, _pair(kinds.items)) if kinds.items else None


def _either(pair: Pair) -> Decoder:
    """Return the function for a value that may be anything."""
    if pair == _NOTHING:
        return _same
    on_object, on_list = pair[0] or _same, pair[1] or _same

    def decode(value: Any) -> Any:
        if value.__class__ is dict:
            return on_object(value)
        return on_list(value) if value.__class__ is list else value

    return decode


def _map(values: Pair) -> Decoder | None:
    if values == _NOTHING:
        return None
    decode = _either(values)
    return lambda value: {k: decode(v) for k, v in value.items()}


def _list(items: Kinds, pair: Pair) -> Decoder | None:
    if pair == _NOTHING:
        return None
    decode = _either(pair)
    if not items.classes or pair[1]:
        return lambda values: [decode(v) for v in values]
    return _plan(items.classes[0]).adopt_all if len(items.classes) == 1 else _Union(items.classes).adopt_all


def _each(values: list[Any], adopt: Decoder) -> list[Any]:
    """Return a list with oddities in it, its objects adopted; those that have been adopted before are left as they are."""
    return [adopt(v) if v.__class__ is dict else v for v in values]


# ------------------------------------------------------------------------------------------------------ one class
class _Plan:
    """How the objects of one class are adopted.

    Attributes:
        cls: the class.
        nested: the keys that may hold records, with what is done to an object and to a list there.
    """

    __slots__ = ("cls", "nested")

    def __init__(self, cls: type[Shaped]) -> None:
        self.cls = cls
        self.nested: list[tuple[str, Decoder, Decoder]] = []
        for key, (text, module) in shape(cls).types.items():
            if mentions_types(text):
                late = self._late(key, text, module)
                self.nested.append((key, late, late))

    def adopt(self, value: Any) -> Any:
        """Return a record that wears the dictionary `value`."""
        for key, on_object, on_list in self.nested:
            inner = value.get(key)
            if inner is None:
                continue
            if inner.__class__ is dict:
                value[key] = on_object(inner)
            elif inner.__class__ is list and inner:
                value[key] = on_list(inner)
        record: Any = _new(self.cls)
        record.__dict__ = value
        return record

    def adopt_all(self, values: Any) -> list[Any]:
        """Return a list with its objects adopted."""
        cls, adopt = self.cls, self.adopt
        try:
            if self.nested:
                return list(map(adopt, values))
            records: list[Any] = []
            for value in values:
                record: Any = _new(cls)
                record.__dict__ = value
                records.append(record)
            return records
        except _WRONG:
            return _each(values, adopt)

    def _late(self, key: str, text: str, module: str) -> Decoder:
        """Return a function that reads the annotation when the field first has a value; modules of records load no sooner."""

        def decode(value: Any) -> Any:
            pair = _pair(read_kinds(text, module))
            settled = [] if pair == _NOTHING else [(key, pair[0] or _same, pair[1] or _same)]
            self.nested = [new for entry in self.nested for new in (settled if entry[0] == key else [entry])]
            return _either(pair)(value)

        return decode


class _RevivingPlan(_Plan):
    """The plan of a class whose records have something to do with what came: a method `_revive`."""

    __slots__ = ()

    def __init__(self, cls: type[Shaped]) -> None:
        super().__init__(cls)
        self.nested.append(("", _same, _same))  # no field, but then `adopt` is asked for each object

    def adopt(self, value: Any) -> Any:
        record = super().adopt(value)
        cls: Any = self.cls
        cls._revive(record)  # of the class: a JSON key may hide it
        return record


def _plan(cls: type[Shaped]) -> _Plan:
    found = _plans.get(cls)
    if found is None:
        found = _plans[cls] = _RevivingPlan(cls) if hasattr(cls, "_revive") else _Plan(cls)
    return found


# --------------------------------------------------------------------------------------------------------- unions
class _Union:
    """How the objects of a union are adopted: one look at the tag tells the class."""

    __slots__ = ("_classes", "_table", "_tag")

    def __init__(self, classes: list[type[Shaped]], tried: tuple[str, ...] = ()) -> None:
        tag, members = _best_tag(classes, tried)
        self._classes = classes
        self._tag = tag
        untagged = _Fork(self._untagged)
        if len(members) > 1:
            self._table = _Table(members, (*tried, tag), _plan(_open_member(classes, tag)), untagged)
        else:
            self._table = _Table({}, (), untagged, untagged)

    def adopt(self, value: Any) -> Any:
        """Return a record that wears the dictionary `value`."""
        kind = value.get(self._tag)
        plan = self._table[kind if kind.__class__ is str else None]
        if plan.nested:
            return plan.adopt(value)
        record: Any = _new(plan.cls)
        record.__dict__ = value
        return record

    def adopt_all(self, values: Any) -> list[Any]:
        """Return a list with its objects adopted."""
        table, tag = self._table, self._tag
        records: list[Any] = []
        try:
            for value in values:
                plan = table[value[tag]]
                if plan.nested:
                    records.append(plan.adopt(value))
                else:
                    record: Any = _new(plan.cls)
                    record.__dict__ = value
                    records.append(record)
            return records
        except _WRONG:
            return _each(values, self.adopt)

    def _untagged(self, value: Any) -> Any:
        return _plan(_closest(self._classes, value)).adopt(value)


class _Fork:
    """Stands for a plan where more than the tag is needed to tell the class."""

    __slots__ = ("adopt",)

    cls = Shaped
    nested = True  # so that `adopt` is asked

    def __init__(self, adopt: Decoder) -> None:
        self.adopt = adopt


class _Table(dict["str | None", "_Plan | _Fork"]):
    """Tag -> plan, made when the tag is first met. Unknown tags leave no trace, so it cannot grow."""

    __slots__ = ("members", "other", "tried", "untagged")

    def __init__(self, members: dict[str, list[type[Shaped]]], tried: tuple[str, ...], other: _Plan | _Fork, untagged: _Fork) -> None:
        super().__init__()
        self.members = members
        self.tried = tried
        self.other = other
        self.untagged = untagged

    def __missing__(self, kind: str | None) -> _Plan | _Fork:
        if not isinstance(kind, str):
            return self.untagged
        classes = self.members.get(kind)
        if classes is None:
            return self.other
        self[kind] = found = _plan(classes[0]) if len(classes) == 1 else _Fork(_Union(classes, self.tried).adopt)
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
    return free[0] if len(free) == 1 else Shaped.unknown


def _closest(classes: list[type[Shaped]], value: dict[str, Any]) -> type[Shaped]:
    """Return the class of an object without a tag: of those that miss no key the one that knows most of its keys,
    else the only one that knows so many of them, else `Unknown`."""
    known = {c: len(shape(c).types.keys() & value.keys()) for c in classes if not _contradicts(shape(c), value)}
    most = max(known.values(), default=0)
    fits = [c for c in known if known[c] and _complete(shape(c), value)]
    if len(fits) > 1:
        fits = [c for c in fits if all(_agrees(shape(c), *item) for item in value.items())] or fits
    if fits:
        return max(fits, key=known.__getitem__)
    best = [c for c in known if known[c] == most]
    return best[0] if most and len(best) == 1 else Shaped.unknown


def _complete(about: Shape, value: dict[str, Any]) -> bool:
    return about.constants.keys() <= value.keys() and all(about.attributes[n] in value for n in about.required)


def _agrees(about: Shape, key: str, value: Any) -> bool:
    """Tell whether a field may hold a null, an object or a list, if that is what it holds."""
    text, module = about.types.get(key, ("Any", ""))
    if text == "Any":
        return True
    if value is None:
        return "None" in text
    if value.__class__ is not dict and value.__class__ is not list:
        return True
    kinds = read_kinds(text, module)
    return kinds.items is not None if value.__class__ is list else bool(kinds.classes) or kinds.values is not None


def _contradicts(about: Shape, value: dict[str, Any]) -> bool:
    return any(value.get(key, constant) != constant for key, constant in about.constants.items())
