"""The words of `tools/sync/docs/`: nothing lacks them, nothing strange has them, and they read well."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tools.sync.docs import Docs
from tools.sync.facts import Facts
from tools.sync.layout import Layout
from tools.sync.methods import described

DOCS, FACTS, LAYOUT = Docs.read(), Facts.read(), Layout.read()
PARAMETERS = described(FACTS, LAYOUT)
OBJECTS = {call.rsplit(".", n)[0] for call in PARAMETERS for n in range(1, call.count(".") + 1)}
SENTENCES = {**DOCS.resources, **DOCS.methods}
LINES = {f"{place}({name})": words for place, some in DOCS.parameters.items() for name, words in some.items()}
DAILY = tuple(
    f"{path}."
    for path in (
        "audio", "batches", "chat.completions", "embeddings", "files", "fine_tuning.jobs.create", "images", "models", "moderations",
        "realtime.client_secrets", "responses", "uploads", "vector_stores", "videos",
    )
)  # fmt: skip

THING = '[resource]\n"things" = "Things."\n[method]\n"things.list".text = "List the things."\n'


def written(folder: Path, **files: str) -> Docs:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, "utf-8")
    return Docs.read(folder)


# ------------------------------------------------------------------------------------------------------- complete
def test_every_object_and_every_method_has_a_line() -> None:
    assert sorted(OBJECTS - DOCS.resources.keys()) == []
    assert sorted(PARAMETERS.keys() - DOCS.methods.keys()) == []


def test_every_parameter_that_people_use_daily_has_words() -> None:
    assert [f"{call}({name})" for call, name in without_words() if f"{call}.".startswith(DAILY)] == []


def test_hardly_any_other_parameter_lacks_words() -> None:
    assert len(without_words()) * 50 < sum(map(len, PARAMETERS.values()))


def without_words() -> list[tuple[str, str]]:
    return [(call, name) for call, names in PARAMETERS.items() for name in names if not DOCS.parameter(call, name)]


def test_nothing_is_described_that_does_not_exist() -> None:
    DOCS.check(PARAMETERS)


def test_no_words_are_covered_by_nearer_ones_everywhere() -> None:
    used = {words for call, names in PARAMETERS.items() for name in names if (words := DOCS.parameter(call, name))}
    assert {line: words for line, words in LINES.items() if words not in used} == {}


# ------------------------------------------------------------------------------------------------------- readable
def test_sentences_begin_large_and_end_with_a_full_stop() -> None:
    assert [name for name, text in SENTENCES.items() if not re.fullmatch(r"[A-Z].*[^.]\.", text)] == []
    assert [line for line, words in LINES.items() if not re.fullmatch(r".*[^. ]\.", words)] == []


@pytest.mark.parametrize("lines", [SENTENCES, LINES], ids=["sentences", "parameters"])
def test_lines_are_short_and_clean(lines: dict[str, str]) -> None:
    assert {name: len(text) for name, text in lines.items() if len(text) > 120} == {}
    assert [name for name, text in lines.items() if re.search(r"\s\s|^\s|\s$|\\|\"", text)] == []
    assert [name for name, text in lines.items() if re.search(r"\b(\w+) \1\b", text)] == []
    assert [name for name, text in lines.items() if text.count("`") % 2 or text.count("(") != text.count(")")] == []


def test_no_two_methods_and_no_two_objects_are_described_alike() -> None:
    for lines in (DOCS.methods, DOCS.resources):
        assert [text for text, times in Counter(lines.values()).items() if times > 1] == []


# ----------------------------------------------------------------------------------------------------- docstrings
def test_a_docstring_has_a_sentence_and_a_line_for_each_parameter() -> None:
    assert DOCS.method("files.delete", ["file_id", "unheard_of"]) == (
        f'        """{DOCS.methods["files.delete"]}\n\n        Args:\n            file_id: id of an uploaded file.\n        """\n'
    )
    assert DOCS.method("models.list", []) == f'        """{DOCS.methods["models.list"]}"""\n'


def test_the_nearest_words_about_a_parameter_are_taken(tmp_path: Path) -> None:
    docs = written(
        tmp_path,
        common='[parameter]\nid = "common."\nsize = "common."',
        a='[parameter]\nid = "a."\n[within."a.b"]\nid = "a.b."\n[method."a.b.c".parameter]\nid = "a.b.c."',
        z='[like]\n"z.z" = "a"\n[parameter]\nid = "z."\n[method."z.z.b.own".parameter]\nid = "own."',
    )
    calls = ["a.b.c", "a.b.x", "a.x", "b.x", "z.x", "z.z.b.c", "z.z.b.own"]
    assert [docs.parameter(call, "id") for call in calls] == ["a.b.c.", "a.b.", "a.", "common.", "z.", "a.b.c.", "own."]
    assert docs.parameter("a.b.c", "size") == "common."
    assert docs.parameter("a.b.c", "colour") == ""


# ---------------------------------------------------------------------------------------------------------- guard
def test_a_missing_line_is_asked_for_by_name(tmp_path: Path) -> None:
    docs = written(tmp_path, things=THING)
    with pytest.raises(LookupError, match=r"docs/things\.toml says nothing about the method things\.create"):
        docs.method("things.create", [])
    with pytest.raises(LookupError, match=r"docs/others\.toml says nothing about the object others"):
        docs.resource("others")


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ('"things.lost".text = "Lose a thing."', "docs/things.toml: method things.lost"),
        ('[method."things.list".parameter]\nlimits = "how many."', "docs/things.toml: parameter limits of things.list"),
        ('[parameter]\nlimits = "how many."', "docs/things.toml: parameter limits of things"),
        ('[within."things.parts"]\nlimit = "how many."', "docs/things.toml: parameter limit of things.parts"),
        ('[like]\n"things" = "nothings"', "docs/things.toml: things, that is said to be like nothings"),
    ],
)
def test_words_about_what_does_not_exist_are_an_error_that_names_them(tmp_path: Path, more: str, complaint: str) -> None:
    written(tmp_path, things=THING).check({"things.list": ["limit"]})
    with pytest.raises(LookupError, match=re.escape(complaint)):
        written(tmp_path, things=THING + more).check({"things.list": ["limit"]})


def test_an_object_that_does_not_exist_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match=r"docs/things\.toml: object things\b"):
        written(tmp_path, things='[resource]\n"things" = "Things."').check({})


def test_words_in_the_wrong_file_are_an_error_that_names_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"things is described in docs/others\.toml: its file is tools/sync/docs/things\.toml"):
        written(tmp_path, others=THING)
