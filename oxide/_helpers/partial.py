"""JSON while it grows: what a text means so far, for live display; each piece costs what it adds, however long the text has become.

States, and what is expected in each:

    value       a value                             string      the rest of a string, or of a key
    first_item  a value, or the end of a list       number      the rest of a number, or of true, false, null
    first_key   a key, or the end of an object      comma       a comma, or the end of what is open
    key         a key                               colon       a colon
                                                    end         nothing but white space
"""

from __future__ import annotations

import json
import re

from .._typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

__all__ = ["PartialJson", "partial_json"]

_SPACE = re.compile(r"[ \t\r\n]*")
_PLAIN = re.compile(r'[^"\\]*')
_BARE = re.compile(r"[-+.\w]*")
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_HEX = re.compile(r"[0-9a-fA-F]{4}")
_HIGH = re.compile("[\ud800-\udbff]")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_OPENING = {"{": "first_key", "[": "first_item"}


class PartialJson:
    """A JSON text that comes in pieces.

    Strings are shown as far as they have come; numbers, true, false and null when they are complete; a key when its value begins.
    Lists and objects grow in place: what `feed` returned before is not a copy.

    Args:
        limit: most characters in all.
        depth: most levels of lists and objects.
    """

    __slots__ = ("_depth", "_escape", "_half", "_key", "_left", "_open", "_root", "_state", "_string", "_taken")

    def __init__(self, limit: int = 64 << 20, depth: int = 200) -> None:
        self._left = limit
        self._depth = depth
        self._root: Any = None
        self._open: list[Any] = []  # the lists and objects that are not at their end, outermost first
        self._key: str | None = None  # of the value that is expected or being read, where it is in an object
        self._state = "value"
        self._string = ""  # of a key, a number or a word: what has come of it
        self._escape = ""  # an escape sequence that is cut
        self._half = ""  # the first half of a character that is written as two
        self._taken = True  # whether the string that is being read is a value, and not a key

    @property
    def value(self) -> Any:
        """What the text means so far, None where nothing has come."""
        return self._root

    @property
    def complete(self) -> bool:
        """Whether the text is a whole JSON document."""
        return self._state == "end"

    def feed(self, piece: str) -> Any:
        """Take the next piece of the text, and return what all of it means so far.

        Raises:
            ValueError: this is no JSON, or over the limits.
        """
        self._left -= len(piece)
        if self._left < 0:
            raise ValueError("the JSON text is longer than allowed")
        place, end = 0, len(piece)
        while place < end:
            if self._state == "string":
                place = self._read_string(piece, place)
            elif self._state == "number":
                place = self._read_bare(piece, place)
            else:
                place = _SPACE.match(piece, place).end()  # type: ignore[union-attr]  # it matches anywhere
                if place < end:
                    place = self._read_sign(piece[place], place)
        return self._root

    # --------------------------------------------------------------------------------------------------------- signs
    def _read_sign(self, sign: str, place: int) -> int:
        state = self._state
        if state == "comma":
            if sign == ",":
                self._state = "key" if self._open[-1].__class__ is dict else "value"
            else:
                self._close(sign)
        elif state == "colon" and sign == ":":
            self._state = "value"
        elif state in ("key", "first_key") and sign == '"':
            self._state, self._taken, self._string = "string", False, ""
        elif state in ("first_key", "first_item") and sign in "}]":
            self._close(sign)
        elif state in ("value", "first_item"):
            return self._begin(sign, place)
        else:
            raise self._unexpected(sign)
        return place + 1

    def _begin(self, sign: str, place: int) -> int:
        """Begin a value; return where to go on."""
        if sign == '"':
            self._put("")
            self._state, self._taken = "string", True
        elif sign in _OPENING:
            self._deepen({} if sign == "{" else [])
            self._state = _OPENING[sign]
        elif sign in "-0123456789tfn":
            self._state, self._string = "number", ""
            return place
        else:
            raise self._unexpected(sign)
        return place + 1

    def _deepen(self, container: dict[str, Any] | list[Any]) -> None:
        if len(self._open) >= self._depth:
            raise ValueError("the JSON text is nested too deeply")
        self._put(container)
        self._open.append(container)

    def _close(self, sign: str) -> None:
        if sign != ("}" if self._open and self._open[-1].__class__ is dict else "]"):
            raise self._unexpected(sign)
        self._open.pop()
        self._ended()

    def _ended(self) -> None:
        self._state = "comma" if self._open else "end"

    def _put(self, value: Any) -> None:
        """Put a new value where it belongs."""
        inside = self._open[-1] if self._open else None
        if inside is None:
            self._root = value
        elif inside.__class__ is dict:
            inside[self._key] = value
        else:
            inside.append(value)

    # ------------------------------------------------------------------------------------------------------- strings
    def _read_string(self, piece: str, place: int) -> int:
        """Read as much of a string as there is; return where to go on."""
        parts: list[str] = []
        end = len(piece)
        while place < end:
            if self._escape:
                self._escape += piece[place]
                place += 1
                parts.append(self._unescaped())
                continue
            after = _PLAIN.match(piece, place).end()  # type: ignore[union-attr]  # it matches anywhere
            parts.append(piece[place:after])
            place = after + 1
            if piece[after : after + 1] == '"':
                self._grow(self._joined("".join(parts), ended=True))
                self._end_string()
                return place
            self._escape = piece[after : after + 1]
        self._grow(self._joined("".join(parts), ended=False))
        return end

    def _unescaped(self) -> str:
        """Return what an escape sequence means, "" while it is not complete."""
        sequence = self._escape
        if sequence[1] == "u":
            if len(sequence) < 6:
                return ""
            if not _HEX.fullmatch(sequence, 2):
                raise self._unexpected(sequence)
            text = chr(int(sequence[2:], 16))
        elif sequence[1] in _ESCAPES:
            text = _ESCAPES[sequence[1]]
        else:
            raise self._unexpected(sequence)
        self._escape = ""
        return text

    def _joined(self, text: str, ended: bool) -> str:
        """Return a text, its halves of characters beyond U+FFFF joined; one that waits for its other half is held back."""
        text = self._half + text
        self._half = "" if ended or not _HIGH.fullmatch(text[-1:]) else text[-1:]
        text = text[: len(text) - len(self._half)]
        return _PAIR.sub(lambda pair: pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le"), text)

    def _grow(self, text: str) -> None:
        if not self._taken:
            self._string += text
        elif self._open:
            inside = self._open[-1]
            key: Any = self._key if inside.__class__ is dict else -1
            whole: str = inside[key]
            inside[key] = None  # now nobody else holds the string, and CPython lengthens it in its place
            whole += text
            inside[key] = whole
        else:
            whole, self._root = self._root, None
            whole += text
            self._root = whole

    def _end_string(self) -> None:
        if self._taken:
            self._ended()
        else:
            self._key, self._state = self._string, "colon"

    # ------------------------------------------------------------------------------------------------ numbers and words
    def _read_bare(self, piece: str, place: int) -> int:
        after = _BARE.match(piece, place).end()  # type: ignore[union-attr]  # it matches anywhere
        self._string += piece[place:after]
        if len(self._string) > 400:
            raise ValueError("a number in the JSON text is too long")
        if after < len(piece):
            self._end_bare()
        return after

    def _end_bare(self) -> None:
        try:
            self._put(json.loads(self._string))
        except ValueError:
            raise self._unexpected(self._string) from None
        self._ended()

    def _unexpected(self, sign: str) -> ValueError:
        return ValueError(f"the text is no JSON: {sign[:20]!r} came where a {self._state.replace('first_', '')} was expected")


def partial_json(text: str) -> Any:
    """Return what the beginning of a JSON text means: strings as far as they go, numbers and words only when they are complete.

    For a text that grows, `PartialJson` takes only what is new each time.

    Raises:
        ValueError: this is not the beginning of any JSON.
    """
    return PartialJson().feed(text)
