"""What modules of records, and the rest of the library, take from here: records, and the functions that make and read them."""

from __future__ import annotations

from ._decode import Learned, adopters, decoder, decoder_of
from ._record import Record, Unknown, extra, missing, plain
from ._shape import wire

__all__ = ["Learned", "Record", "Unknown", "adopters", "decoder", "decoder_of", "extra", "missing", "plain", "wire"]
