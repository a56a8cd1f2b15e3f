"""Texts that grow piece by piece, joined when somebody asks: a stream costs time in proportion to its length, however long it gets."""

from __future__ import annotations

__all__ = ["Excerpt", "Growing"]


class Growing:
    """A text in pieces."""

    __slots__ = ("_pieces", "length")

    def __init__(self, text: str = "") -> None:
        self._pieces = [text]
        self.length = len(text)

    def add(self, piece: str) -> None:
        """Put a piece behind what is there."""
        self._pieces.append(piece)
        self.length += len(piece)

    def settle(self, text: str) -> None:
        """Take a text in place of what is there."""
        self._pieces = [text]
        self.length = len(text)

    def text(self) -> str:
        """Return what is there."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0]

    def excerpt(self) -> Excerpt:
        """Return what is there now, to be joined when it is asked for."""
        return Excerpt(self, self.length)


class Excerpt:
    """The beginning of a growing text."""

    __slots__ = ("_growing", "_length")

    def __init__(self, growing: Growing, length: int) -> None:
        self._growing = growing
        self._length = length

    def text(self) -> str:
        """Return the text as it was when this was made."""
        return self._growing.text()[: self._length]

    def __reduce__(self) -> tuple[type[Excerpt], tuple[Growing, int]]:
        return Excerpt, (Growing(self.text()), self._length)
