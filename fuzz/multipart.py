"""A form of any names, contents and pieces refuses a part with `ValueError`, or goes out with its true length; another parser reads it."""

from __future__ import annotations

import sys
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from random import Random

sys.path.append(str(Path(__file__).parent))  # for `python -m fuzz.multipart`

from _harness import command, pieces, run

from oxide._files import part_of
from oxide._protocol.multipart import Multipart, Part
from oxide._transport.base import run_now
from oxide._transport.feed import fed

BOUNDARY = "d41d8cd98f00b204e9800998ecf8427e"
TEXTS = ["a", '"', "\r", "\n", "\r\n", ";", "\\", "é", "😀", "\udc80", "\0", "%22", "\x7f", "\u2028", "\t", " ", "--", ":", "=", "?="]
Case = list[tuple[str, "str | None", "str | None", list[tuple[str, str]], list[bytes], bool]]


def text(random: Random) -> str:
    return "".join(random.choice(TEXTS) for _ in range(random.randrange(6)))


def make(random: Random) -> Case:
    parts: Case = []
    for _ in range(random.randrange(5)):
        content = b"".join(random.choice([b"\r\n", b"--", b"\n", b"a", b"\0", b"\xff", b"x" * 40_000]) for _ in range(random.randrange(8)))
        headers = [(random.choice(["X-A", "x", text(random)]), text(random)) for _ in range(random.randrange(2))]
        filename, kind = (text(random) if random.random() < 0.5 else None for _ in range(2))
        parts.append((text(random), filename, kind, headers, pieces(random, content), random.random() < 0.5))
    return parts


def part(
    name: str, filename: str | None, kind: str | None, headers: list[tuple[str, str]], content: list[bytes], opened: bool
) -> Part | None:
    try:
        if opened:
            sent = part_of(name, ("", content))  # pieces, for the sake of how they are joined
            return Part(name, sent.content, filename=filename, content_type=kind, headers=headers)
        return Part(name, b"".join(content), filename=filename, content_type=kind, headers=headers)
    except ValueError:
        return None


def sent(form: Multipart) -> bytes:
    async def gathered() -> bytes:
        return b"".join([piece async for piece in fed(form, None)])  # type: ignore[union-attr]  # a form is fed asynchronously

    return run_now(gathered())


def check(case: Case) -> None:
    made = [(fields, part(*fields)) for fields in case]
    form = Multipart([one for _, one in made if one], BOUNDARY)
    data = sent(form)
    assert form.length in (len(data), None)
    assert data == sent(form)
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {form.content_type}\r\n\r\n".encode() + data)
    kept = [fields for fields, one in made if one]
    read = list(message.iter_parts())
    assert [one.get_payload(decode=True) for one in read] == [b"".join(content) for *_, content, _ in kept]
    for one, (_, _, kind, headers, *_) in zip(read, kept, strict=True):
        assert len(one.keys()) == 1 + (kind is not None) + len(headers)


def main(seconds: float, seed: str, only: str | None = None) -> int:
    return run(make, check, seconds, seed, only=only)


if __name__ == "__main__":
    command(main, __doc__)
