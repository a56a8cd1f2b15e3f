"""What `make sync` tells people: each kind of change, breaking ones first; the lines for the changelog; the table of endpoints."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.sync._documents import EMPTY, document, written
from tools.sync import endpoints, report
from tools.sync.changes import BREAKING, HARMLESS, Change, compare
from tools.sync.facts import Facts
from tools.sync.layout import Layout
from tools.sync.update import update

DIGEST: dict[str, Any] = {
    "source": {"title": "Kettles", "version": "1", "sha256": "0123456789abcdef"},
    "operations": {
        "GET /kettles": {"call": "kettles.list", "query": {"limit?": "int"}, "default": {"limit": 20}},
        "POST /kettles": {"call": "kettles.create", "body": {"json": "Request"}, "bodyopt": True, "returns": "Kettle"},
    },
    "webhooks": {"hot": "Kettle"},
    "types": {
        "Kettle": {"fields": {"id": "str", "state": "Literal['cold', 'hot']", "age?": "int | None"}, "use": "o"},
        "Request": {"fields": {"litres": "float", "lid?": "str | None"}, "use": "i"},
        "Event": {"is": "Kettle | Request | str", "use": "io"},
    },
}


def operation(key: str, **facts: Any) -> Callable[[Any], None]:
    return lambda digest: digest["operations"][key].update(facts)


def field(name: str, **fields: str) -> Callable[[Any], None]:
    """Change fields of a type; a name that ends in an underscore may be left out, a text of "" takes one away."""

    def change(digest: Any) -> None:
        known = digest["types"][name]["fields"]
        for key, text in fields.items():
            known.pop(key.rstrip("_"), None)
            known.pop(key.rstrip("_") + "?", None)
            if text:
                known[key.replace("_", "?")] = text

    return change


def entry(name: str, **facts: Any) -> Callable[[Any], None]:
    return lambda digest: digest["types"].setdefault(name, {}).update(facts)


LIST, CREATE = "GET /kettles", "POST /kettles"
CASES: list[tuple[str, Callable[[Any], None], list[tuple[str, str, str]]]] = [
    ("an operation gone", lambda d: d["operations"].pop(LIST), [("-operation", LIST, "kettles.list")]),
    ("an operation more", lambda d: d["operations"].update({"GET /lids": {"call": "lids.list"}}),
     [("+operation", "GET /lids", "lids.list")]),
    ("another answer", operation(CREATE, returns="str"), [("~operation", "kettles.create: returns", "Kettle -> str")]),
    ("another body", operation(CREATE, body={"json": "Kettle"}), [("~operation", "kettles.create: json body", "Request -> Kettle")]),
    ("a body more", operation(CREATE, body={"json": "Request", "form": "Request"}), [("~detail", "kettles.create: form body", "Request")]),
    ("a body that must be sent", lambda d: d["operations"][CREATE].pop("bodyopt"),
     [("+required", "kettles.create: body", ""), ("~detail", "kettles.create: bodyopt", "True -> nothing")]),
    ("a parameter more", operation(LIST, query={"limit?": "int", "after?": "str"}), [("+parameter", "kettles.list after", "str")]),
    ("a parameter that must be given", operation(LIST, query={"limit": "int"}), [("+required", "kettles.list limit", "int")]),
    ("a parameter gone", operation(LIST, query={}), [("-parameter", "kettles.list limit", "int")]),
    ("a default", operation(LIST, default={"limit": 50}), [("~default", "kettles.list.limit", "20 -> 50")]),
    ("an operation deprecated", operation(LIST, deprecated=True), [("+deprecated", "kettles.list (all of it)", "")]),
    ("a parameter deprecated", operation(LIST, deprecated_params=["limit"]), [("+deprecated", "kettles.list limit", "")]),
    ("another id", operation(LIST, id="all"), []),
    ("a type more", entry("Lid", fields={}), [("+type", "Lid", "")]),
    ("a type gone", lambda d: d["types"].pop("Event"), [("-type", "Event", "")]),
    ("a type of another kind", lambda d: d["types"].update(Event={"fields": {}, "use": "io"}), [("~kind", "Event", "")]),
    ("a field more", field("Kettle", lid="str"), [("+field", "Kettle.lid", "str")]),
    ("a field to be sent", field("Request", lid="str"), [("+required", "Request.lid", "str"), ("-null", "Request.lid", "")]),
    ("a new field to be sent", field("Request", colour="str"), [("+required", "Request.colour", "str")]),
    ("a field gone", field("Kettle", id=""), [("-field", "Kettle.id", "str")]),
    ("a field of another type", field("Kettle", id="int"), [("~type", "Kettle.id", "str -> int")]),
    ("a field that may be null", field("Kettle", id="str | None"), [("+null", "Kettle.id", "may be null")]),
    ("a field that may be left out", field("Kettle", id_="str"), [("+null", "Kettle.id", "may be left out")]),
    ("a field that need not be sent", field("Request", litres_="float | None"),
     [("+optional", "Request.litres", "may be left out"), ("+optional", "Request.litres", "may be null")]),
    ("a field that always comes", field("Kettle", age="int"), [("+certain", "Kettle.age", ""), ("+certain", "Kettle.age", "int")]),
    ("a value more", field("Kettle", state="Literal['cold', 'hot', 'tepid']"), [("+value", "Kettle.state", "'tepid'")]),
    ("a value less", field("Kettle", state="Literal['cold']"), [("-value", "Kettle.state", "'hot'")]),
    ("a member more", entry("Event", **{"is": "Kettle | Request | str | int"}), [("+member", "Event", "int")]),
    ("a member less", entry("Event", **{"is": "Kettle | str"}), [("-member", "Event", "Request")]),
    ("the order of members", entry("Event", **{"is": "str | Request | Kettle"}), []),
    ("other keys", entry("Kettle", rest="str"), [("~type", "Kettle: other keys", "nothing -> str")]),
    ("a format", entry("Kettle", format={"age": "unixtime"}), [("~format", "Kettle.age", "nothing -> unixtime")]),
    ("a field deprecated", entry("Kettle", deprecated=["id"]), [("+deprecated", "Kettle.id", "")]),
    ("a webhook more", lambda d: d["webhooks"].update(cold="Kettle"), [("+webhook", "cold", "Kettle")]),
    ("a webhook gone", lambda d: d["webhooks"].pop("hot"), [("-webhook", "hot", "Kettle")]),
]  # fmt: skip


@pytest.mark.parametrize(("title", "change", "expected"), CASES, ids=[row[0] for row in CASES])
def test_each_change_is_told(title: str, change: Callable[[Any], None], expected: list[tuple[str, str, str]]) -> None:
    after = copy.deepcopy(DIGEST)
    change(after)
    assert [(c.kind, c.where, c.what) for c in compare(DIGEST, after)] == expected


def test_every_kind_of_change_has_a_case() -> None:
    told = {kind for _, _, changes in CASES for kind, _, _ in changes}
    assert told == {*BREAKING, *HARMLESS} - {"-deprecated"}
    after = copy.deepcopy(DIGEST)
    after["types"]["Kettle"]["deprecated"] = ["id"]
    assert [c.kind for c in compare(after, DIGEST)] == ["-deprecated"]


def told_of(*changes: Callable[[Any], None], whole: bool = False) -> str:
    after = copy.deepcopy(DIGEST)
    after["source"] = {"title": "Kettles", "version": "2", "sha256": "fedcba9876543210"}
    for change in changes:
        change(after)
    return report.report(compare(DIGEST, after), DIGEST["source"], after["source"], whole)


def test_breaking_changes_stand_first() -> None:
    text = told_of(field("Kettle", lid="str"), lambda d: d["operations"].pop(LIST), field("Kettle", state="Literal['cold']"))
    assert text == (
        "Kettles 1 (01234567) -> Kettles 2 (fedcba98)\n\n"
        "MAY BREAK PROGRAMS (2)\n"
        "  operations removed: 1\n    GET /kettles  kettles.list\n"
        "  enum values removed: 1\n    Kettle.state  'hot'\n\n"
        "NEW, OR HARMLESS (1)\n"
        "  fields: 1\n    Kettle.lid  str\n"
    )


def many(digest: Any) -> None:
    digest["types"]["Kettle"]["fields"] |= {f"field_{n}": f"list[{'str' if n % 2 else 'int'}] | Literal['{n}']" for n in range(40)}
    digest["types"] |= {f"pans.Pan{n}": {"fields": {}} for n in range(30)}


def test_long_lists_are_cut() -> None:
    text = told_of(many)
    assert "    and 28 more\n" in text
    assert "    pans: 30  Pan0, Pan1, Pan10, Pan11, and 26 more\n" in text
    assert len(text.splitlines()) < 25
    assert max(map(len, text.splitlines())) < 230


def test_nothing_is_cut_if_all_is_asked_for() -> None:
    text = told_of(many, whole=True)
    assert len(text.splitlines()) == 3 + 2 + 70
    assert "more" not in text


def test_the_same_change_in_many_places_is_one_line() -> None:
    text = told_of(field("Kettle", lid="Lid", cap="Lid", top="Lid"))
    assert "  fields: 3\n    Kettle.cap (and 2 more)  Lid\n" in text


def test_no_change_is_told_in_a_line() -> None:
    assert report.report([], DIGEST["source"], DIGEST["source"]) == "Kettles 1 (01234567): nothing changed\n"


# ------------------------------------------------------------------------------------------------------- changelog
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Tea.\n\n## 0.1\n\n- Water.\n"
CHANGES = [
    Change("+operation", "a"),
    Change("+type", "b"),
    Change("+type", "c"),
    Change("-field", "d"),
    Change("~type", "e"),
    Change("+deprecated", "f"),
]
LINES = [
    "- Added: 1 operation, 2 types.",
    "- Removed: 1 field.",
    "- Changed in a way that may break programs: 1 fact.",
    "- Deprecated: 1 fact.",
]


def test_the_stub_counts() -> None:
    assert report.stub(CHANGES) == LINES
    assert report.stub([]) == []


def test_the_stub_stands_under_unreleased_in_a_section_of_its_own() -> None:
    text = report.with_stub(CHANGELOG, LINES)
    section = f"### The API\n\n{report.MARK}\n" + "".join([f"{line}\n" for line in LINES])
    assert text == CHANGELOG.replace("- Tea.\n", f"- Tea.\n\n{section}")


def test_no_line_is_entered_twice_and_new_ones_join_the_section() -> None:
    once = report.with_stub(CHANGELOG, LINES)
    assert report.with_stub(once, LINES) == once
    more = report.with_stub(once, ["- Added: 3 fields."])
    assert more.count(report.MARK) == 1
    assert set(more.splitlines()) - set(once.splitlines()) == {"- Added: 3 fields."}


def test_a_changelog_that_has_only_unreleased_will_do() -> None:
    assert report.with_stub("## [Unreleased]\n", ["- X."]) == f"## [Unreleased]\n\n### The API\n\n{report.MARK}\n- X.\n"


def test_a_changelog_without_unreleased_is_an_error() -> None:
    with pytest.raises(ValueError, match="Unreleased"):
        report.with_stub("# Changelog\n", ["- X."])


# ------------------------------------------------------------------------------------------------------- endpoints
def test_the_table_of_endpoints_has_a_line_for_each_method() -> None:
    digest = update(written(document()), EMPTY).tables.digest
    text = endpoints.write(Facts(digest), Layout({"resource_modules": [], "family": [], "alias": {"pots": "kettles"}}))
    rows = [line for line in text.splitlines() if line.startswith("| `client.kettles")]
    assert rows == [
        "| `client.kettles.boil` | POST | `/kettles/{kettle_id}/boil` | stream |",
        "| `client.kettles.create` | POST | `/kettles` |  |",
        "| `client.kettles.delete` | DELETE | `/kettles/{kettle_id}` | admin |",
        "| `client.kettles.list` | GET | `/kettles` | page |",
        "| `client.kettles.retrieve` | GET | `/kettles/{kettle_id}` |  |",
    ]
    assert "5 methods" in text
    assert "| `client.pots` | `client.kettles` |" in text
