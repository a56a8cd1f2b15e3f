"""Header fields: an ordered, immutable list of name and value, looked up without regard to case (RFC 9110, 5)."""

from __future__ import annotations

from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["SECRET", "Headers"]

SECRET = frozenset(("authorization", "proxy-authorization", "api-key", "x-api-key", "cookie", "set-cookie"))
"""Lower-case names of fields whose values are never shown."""


class Headers:
    """The fields of one message, as they were received.

    It is a mapping whose keys are names in any case; `headers["x-request-id"]` raises `KeyError` where the field is absent.
    Fields that came several times are joined with ", " (RFC 9110, 5.3), except through `get_list`.
    """

    __slots__ = ("_index", "_raw", "_text")

    def __init__(self, raw: Iterable[tuple[str, str]] = ()) -> None:
        self._raw: tuple[tuple[str, str], ...] | None = tuple(raw)
        self._text = ""
        self._index: dict[str, str] | None = None

    @classmethod
    def received(cls, text: str) -> Headers:
        """Return the fields of a section whose grammar was checked: lines that end with CR LF, the first of which is no field.

        It is taken apart when somebody looks: few answers are looked at.
        """
        headers = cls.__new__(cls)
        headers._raw = None
        headers._text = text
        headers._index = None
        return headers

    @property
    def raw(self) -> tuple[tuple[str, str], ...]:
        """Name and value of each field, as received."""
        if self._raw is None:
            fields = [line.partition(":") for line in self._text.split("\r\n")[1:-1]]
            self._raw = tuple([(name, value.strip(" \t")) for name, _, value in fields])
            self._text = ""
        return self._raw

    def _fields(self) -> dict[str, str]:
        index = self._index
        if index is None:
            index = {name.lower(): value for name, value in self.raw}
            if len(index) < len(self.raw):
                index.clear()
                for name, value in self.raw:
                    key = name.lower()
                    index[key] = f"{index[key]}, {value}" if key in index else value
            self._index = index
        return index

    def __getitem__(self, name: str) -> str:
        return self._fields()[name.lower()]

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the value of the field, or `default` where it is absent."""
        return (self._index or self._fields()).get(name.lower(), default)

    def get_list(self, name: str) -> list[str]:
        """Return each value of the field, in the order received."""
        key = name.lower()
        return [value for other, value in self.raw if other.lower() == key]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._fields()

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields())

    def __len__(self) -> int:
        return len(self._fields())

    def keys(self) -> list[str]:
        """Return the names, in lower case, each once."""
        return list(self._fields())

    def values(self) -> list[str]:
        """Return the values, in the order of `keys`."""
        return list(self._fields().values())

    def items(self) -> list[tuple[str, str]]:
        """Return name (in lower case) and value of each field."""
        return list(self._fields().items())

    def __eq__(self, other: object) -> bool:
        return self._fields() == other._fields() if isinstance(other, Headers) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equality is by value

    def __repr__(self) -> str:
        shown = {name: "[secret]" if name in SECRET else value for name, value in self._fields().items()}
        return f"Headers({shown!r})"

    def __reduce__(self) -> tuple[type[Headers], tuple[tuple[tuple[str, str], ...]]]:
        return Headers, (self.raw,)
