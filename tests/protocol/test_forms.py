"""Parameters as a form: names, order, files; and, where the official library is installed, the same bytes as it sends."""

from __future__ import annotations

import dataclasses
import enum
import io
import re
from pathlib import Path
from typing import Any, cast

import pytest

import oxide
from oxide._files import guess_type, name_of
from oxide._forms import encode_form
from oxide._models._base import Record
from oxide._protocol.multipart import Multipart
from oxide._transport.base import run_now
from oxide._transport.feed import fed

HEAD = 'Content-Disposition: form-data; name="'


def whole(body: bytes | Multipart) -> bytes:
    """Return a body as it goes out."""
    if isinstance(body, bytes):
        return body

    async def gathered() -> bytes:
        return b"".join([piece async for piece in cast("Any", fed(body, None))])

    return run_now(gathered())


def fields(values: dict[str, Any], files: tuple[str, ...] = (), **options: Any) -> list[tuple[str, str]]:
    """Return what stands behind the name in each head, and each content."""
    body, kind = encode_form(dict(values), files, options.pop("parts", {}), **options)
    boundary = kind.partition("boundary=")[2]
    pieces = whole(body).decode().split(f"--{boundary}")
    assert (pieces[0], pieces[-1]) == ("", "--\r\n")
    return [
        (head.removeprefix("\r\n").removeprefix(HEAD), content.removesuffix("\r\n"))
        for head, _, content in (piece.partition("\r\n\r\n") for piece in pieces[1:-1])
    ]


class Point(Record):
    x: int
    tags: list[str]


@dataclasses.dataclass
class Plain:
    x: int


class Purpose(str, enum.Enum):
    BATCH = "batch"


TABLE: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    ("texts", {"a": "é\r\n", "b": ""}, [('a"', "é\r\n"), ('b"', "")]),
    ("numbers", {"a": 1, "b": 0.5, "c": 1e-7}, [('a"', "1"), ('b"', "0.5"), ('c"', "1e-07")]),
    ("booleans", {"a": True, "b": False}, [('a"', "true"), ('b"', "false")]),
    ("nothing", {"a": None, "b": oxide.omit, "c": [], "d": {}, "e": {"f": None}}, []),
    ("arrays", {"a": ["x", 1, True, None]}, [('a[]"', "x"), ('a[]"', "1"), ('a[]"', "true")]),
    ("objects", {"a": {"b": {"c": 1}, "d": [1, 2]}}, [('a[b][c]"', "1"), ('a[d][]"', "1"), ('a[d][]"', "2")]),
    ("objects in an array", {"a": [{"b": 1, "c": 2}, {"b": 3}]}, [('a[][b]"', "1"), ('a[][b]"', "3"), ('a[][c]"', "2")]),
    ("a record", {"a": Point(x=1, tags=["t"])}, [('a[x]"', "1"), ('a[tags][]"', "t")]),
    ("a dataclass", {"a": Plain(2)}, [('a[x]"', "2")]),
    ("members of an enum", {"a": Purpose.BATCH}, [('a"', "batch")]),
    ("a generator", {"a": (n for n in (1, 2))}, [('a[]"', "1"), ('a[]"', "2")]),
]


@pytest.mark.parametrize(("values", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_table(values: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert fields(values) == expected


FILE = 'file"; filename="upload"\r\nContent-Type: application/octet-stream'


def test_fields_go_first_and_files_in_the_order_of_the_operation() -> None:
    names = [head for head, _ in fields({"mask": b"m", "image": b"i", "prompt": "p"}, ("image", "mask"))]
    assert [name.partition('"')[0] for name in names] == ["prompt", "image", "mask"]


def test_several_files_have_brackets_and_one_has_none() -> None:
    assert [head.partition('"')[0] for head, _ in fields({"image": [b"a", ("b.png", b"b")]}, ("image",))] == ["image[]", "image[]"]
    assert [head.partition('"')[0] for head, _ in fields({"image": b"a"}, ("image",))] == ["image"]


def test_an_object_in_the_place_of_a_file_is_sent_by_its_fields() -> None:
    assert fields({"video": {"id": "v"}, "prompt": "p"}, ("video",)) == [('video[id]"', "v"), ('prompt"', "p")]


@pytest.mark.parametrize("nothing", [None, []], ids=repr)
def test_without_a_file_an_operation_that_takes_either_sends_json(nothing: object) -> None:
    assert encode_form({"file": nothing, "file_id": "f"}, ("file",), {}, optional=True) == (b'{"file_id": "f"}', "application/json")
    assert fields({"file": nothing, "file_id": "f"}, ("file",)) == [('file_id"', "f")]
    assert fields({"file": b"x"}, ("file",), optional=True) == [(FILE, "x")]


PARTS = {"sdp": "application/sdp", "session": "application/json"}


def test_a_text_that_is_alone_is_the_body() -> None:
    assert encode_form({"sdp": "v=0"}, (), PARTS) == (b"v=0", "application/sdp")
    assert fields({"sdp": "v=0", "more": 1}, parts=PARTS) == [('more"', "1"), ('sdp"\r\nContent-Type: application/sdp', "v=0")]


def test_json_in_a_part_is_one_part() -> None:
    found = fields({"session": {"a": [1, None]}, "sdp": "v=0"}, parts=PARTS)
    assert found == [('sdp"\r\nContent-Type: application/sdp', "v=0"), ('session"\r\nContent-Type: application/json', '{"a": [1, null]}')]


def test_a_form_in_which_all_is_at_hand_is_bytes() -> None:
    body, kind = encode_form({"file": b"x" * 1000}, ("file",), {})
    assert isinstance(body, bytes)
    assert re.fullmatch(r"multipart/form-data; boundary=[0-9a-f]{32}", kind)
    large, _ = encode_form({"file": b"x" * 100_000}, ("file",), {})
    assert isinstance(large, Multipart)
    assert (large.length, large.replayable) == (len(whole(large)), True)


# ------------------------------------------------------------------------------------------------------------------ files
def test_names_and_types_of_files() -> None:
    path = Path("/data/a.b.png")
    assert [name_of(each) for each in (path, Path("x/y/"), b"x", io.BytesIO())] == ["a.b.png", "y", "upload", "upload"]
    assert [guess_type(name) for name in ("a.png", "a.jsonl", "upload", "", None)] == [
        "image/png",
        "application/octet-stream",
        "application/octet-stream",
        None,
        None,
    ]


def test_a_file_may_say_its_name_and_type() -> None:
    file = oxide.File(b"x", name="a.txt", type="text/x", headers={"X-A": "1"})
    assert fields({"file": file}, ("file",)) == [('file"; filename="a.txt"\r\nX-A: 1\r\nContent-Type: text/x', "x")]
    assert repr(file) == "<File 'a.txt'>"


def test_a_path_may_be_given_as_text_where_it_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x")
    sent = fields({"file": oxide.file_from_path(str(tmp_path / "a.txt"))}, ("file",))
    assert sent == [('file"; filename="a.txt"\r\nContent-Type: text/plain', "x")]


class Waiting:
    async def read(self, size: int) -> bytes:
        return b""


MISTAKES: list[tuple[str, object, str]] = [
    ("a str", "x.txt", "pathlib.Path"),
    ("a text", io.StringIO("x"), "binary mode"),
    ("a number", 3, "of type int"),
    ("an asynchronous file", Waiting(), "upload.file"),
    ("a tuple of one", (b"x",), "a tuple is"),
    ("a tuple of five", ("n", b"x", None, None, 1), "a tuple is"),
    ("a tuple without a name", (b"x", b"y"), "a tuple is"),
    ("a number in a tuple", ("n", 3), "of type int"),
    ("a File in a tuple", ("n", oxide.File(b"x")), "pass it without"),
    ("a str in a list", ["x.txt"], "pathlib.Path"),
]


@pytest.mark.parametrize(("value", "told"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES])
def test_what_is_no_file_is_refused_with_advice(value: object, told: str) -> None:
    with pytest.raises(TypeError, match=told) as caught:
        encode_form({"file": value}, ("file",), {})
    assert "file" in str(caught.value)


def test_a_str_is_no_content_of_a_file_object() -> None:
    with pytest.raises(TypeError, match=r"pathlib\.Path"):
        oxide.File("x.txt")  # type: ignore[arg-type]  # the mistake


def test_what_cannot_be_sent_is_refused_before_anything_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        encode_form({"file": tmp_path / "none"}, ("file",), {})
    with pytest.raises(IsADirectoryError):
        encode_form({"file": tmp_path}, ("file",), {})
    with pytest.raises(TypeError, match="a: a bytes cannot be a field"):
        encode_form({"a": b"x"}, (), {})
    with pytest.raises(TypeError, match="sdp must be a str"):
        encode_form({"sdp": 1}, (), PARTS)
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(ValueError, match="contains itself"):
        encode_form({"a": loop}, (), {})


# ---------------------------------------------------------------------------------------------------- the official library
def official(call: Any) -> tuple[str, bytes]:
    """Return content type and body, with the boundary taken out, of a call of the official library."""
    openai = pytest.importorskip("openai")
    httpx2 = pytest.importorskip("httpx2")
    found: list[tuple[str, bytes]] = []

    def answer(request: Any) -> Any:
        found.append((request.headers["content-type"], request.read()))
        return httpx2.Response(200, json={})

    transport = httpx2.MockTransport(answer)
    with openai.OpenAI(api_key="k", base_url="http://x/v1", http_client=httpx2.Client(transport=transport)) as client:
        call(client)
    return unbounded(*found[0])


def ours(call: Any) -> tuple[str, bytes]:
    """The same of a call of this library."""
    found: list[Any] = []

    class Caller:
        def call(self, operation: Any, given: dict[str, Any]) -> None:
            found.append(operation.prepare(given, client._caller.exchange.settings))

        open = binary = call

    with oxide.Client(api_key="k", base_url="http://x/v1") as client:
        mirror: Any = client.with_options()
        mirror._caller = Caller()
        call(mirror)
    request = found[0]
    return unbounded(request.headers["content-type"], whole(request.body))


def unbounded(kind: str, body: bytes) -> tuple[str, bytes]:
    kind, _, boundary = kind.partition("; boundary=")
    return kind, body.replace(boundary.encode(), b"B") if boundary else body


def open_file() -> Any:
    file = io.BytesIO(b"abcdef")
    file.name = "x/ü.wav"  # as open files have one
    file.read(3)  # it is sent from its beginning nevertheless
    return file


CALLS: list[tuple[str, Any]] = [
    ("files", lambda c: c.files.create(purpose="batch", file=Path(__file__), expires_after={"anchor": "created_at", "seconds": 3600})),
    ("bytes", lambda c: c.files.create(file=b"abc", purpose="batch")),
    ("an open file", lambda c: c.files.create(file=open_file(), purpose="batch")),
    ("a name", lambda c: c.files.create(file=('é\\"\n\x07\x1b;.zzz', b"x"), purpose="batch")),
    ("no name", lambda c: c.files.create(file=(None, b"x"), purpose="batch")),
    ("an empty name", lambda c: c.files.create(file=("", b"x"), purpose="batch")),
    ("a text", lambda c: c.files.create(file=("a.txt", "é"), purpose="batch")),
    ("a path with a name", lambda c: c.files.create(file=("a.txt", Path(__file__)), purpose="batch")),
    ("a type", lambda c: c.files.create(file=("n.png", b"x", "text/plain"), purpose="batch")),
    ("a type without a name", lambda c: c.files.create(file=(None, b"x", "text/plain"), purpose="batch")),
    ("no type", lambda c: c.files.create(file=("n.png", b"x", None), purpose="batch")),
    ("headers", lambda c: c.files.create(file=("n.png", b"x", "text/plain", {"X-A": "1"}), purpose="batch")),
    ("a type in the headers", lambda c: c.files.create(file=("n.png", b"x", "a/b", {"content-type": "c/d", "X": "y"}), purpose="batch")),
    (
        "extra_body",
        lambda c: c.files.create(
            file=b"x", purpose="p", extra_body={"a": [1, True, None, {"b": [{"c": 1.5}]}], "purpose": "q", "e": {"f": False}}
        ),
    ),
    (
        "transcriptions",
        lambda c: c.audio.transcriptions.create(
            file=("a.wav", b"x"),
            model="m",
            include=["logprobs"],
            temperature=0.5,
            timestamp_granularities=["word", "segment"],
            chunking_strategy={"type": "server_vad", "threshold": 0.5},
            stream=False,
        ),
    ),
    ("translations", lambda c: c.audio.translations.create(file=b"x", model="w", temperature=1)),
    ("voice consents", lambda c: c.audio.voice_consents.create(language="de", name="n", recording=("r.mp3", b"x"))),
    ("container files", lambda c: c.containers.files.create("cid", file=b"x", file_id="fid")),
    ("provenance", lambda c: c.content_provenance_checks.create(file=b"x")),
    ("variations", lambda c: c.images.create_variation(image=("i.png", b"x"), n=2, size="256x256")),
    ("one image", lambda c: c.images.edit(image=b"x", prompt="p", mask=("m.png", b"z"), n=2)),
    ("images", lambda c: c.images.edit(image=[("i.png", b"x"), b"y"], prompt="p", mask=("m.png", b"z"), n=2)),
    ("skill", lambda c: c.skills.create(files=b"zip")),
    ("skill files", lambda c: c.skills.create(files=[("a/SKILL.md", b"x"), ("a/b.py", b"y")])),
    ("skill version", lambda c: c.skills.versions.create("s", files=[b"zip"], default=True)),
    ("parts", lambda c: c.uploads.parts.create("u", data=b"part")),
    ("video", lambda c: c.videos.create(prompt="p", input_reference=("a.png", b"x"), seconds="4")),
    ("character", lambda c: c.videos.create_character(name="n", video=b"x")),
    ("video edit", lambda c: c.videos.edit(prompt="n", video=b"x")),
    ("video extension", lambda c: c.videos.extend(prompt="n", video=b"x", seconds="4")),
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("call", [row[1] for row in CALLS], ids=[row[0] for row in CALLS])
def test_the_official_library_sends_the_same_bytes(call: Any) -> None:
    assert ours(call) == official(call)


def test_where_our_parameters_have_another_order_the_parts_are_the_same() -> None:
    def call(client: Any) -> Any:
        return client.audio.voices.create(audio_sample=("r.mp3", b"x"), consent="c", name="n", type="t")

    (kind, sent), (official_kind, official_sent) = ours(call), official(call)
    assert (kind, sorted(sent.split(b"--B"))) == (official_kind, sorted(official_sent.split(b"--B")))
