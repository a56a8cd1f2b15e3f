"""The generator: what it writes is in the tree, twice gives the same, and a change of the facts changes the code."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tools.sync import source
from tools.sync.__main__ import MARK, ROOT, differences, generate, stale
from tools.sync.expressions import Expressions, members, optional, unique
from tools.sync.facts import HEADERS, Facts, references, with_literals
from tools.sync.layout import Layout, attribute, class_names, input_name


# ------------------------------------------------------------------------------------------------------- the tree
def test_the_tree_is_what_the_facts_give() -> None:
    assert differences(generate(Facts.read(), Layout.read())) == []


def test_every_kind_of_difference_is_seen(tmp_path: Path) -> None:
    for folder in ("_models", "types", "resources"):
        (tmp_path / "oxide" / folder).mkdir(parents=True)
    (tmp_path / "oxide/_models/same.py").write_text("same")
    (tmp_path / "oxide/_models/other.py").write_text("edited")
    (tmp_path / "oxide/types/stale.py").write_text(f'"""{MARK}"""')
    (tmp_path / "oxide/types/by_hand.py").write_text("by hand")
    wanted = {"oxide/_models/same.py": "same", "oxide/_models/other.py": "other", "oxide/_models/missing.py": "missing"}
    assert differences(wanted, tmp_path) == ["oxide/_models/missing.py", "oxide/_models/other.py", "oxide/types/stale.py"]


def test_the_order_of_the_facts_does_not_matter() -> None:
    from tools.sync import faces, resources
    from tools.sync.models import Models

    facts, layout = Facts.read(), Layout.read()
    turned = copy.copy(facts)
    turned.types = dict(reversed(facts.types.items()))
    turned.operations = dict(reversed(facts.operations.items()))

    def written(some: Facts) -> list[dict[str, str]]:
        models = Models(some, layout)
        return [models.write(), faces.write(models), resources.write(some, layout, models)]

    assert written(facts) == written(turned)


def test_a_new_field_a_new_type_and_a_new_method_come_out() -> None:
    from tools.sync import resources
    from tools.sync.models import Models

    facts, layout = Facts.read(), Layout.read()
    facts.types["responses.Novelty"] = {"fields": {"class?": "str", "http": "int"}}
    facts.types["responses.Response"]["fields"]["novelty?"] = "responses.Novelty"
    facts.operations["POST /responses/{response_id}/cancel"]["query"] = {"soon?": "bool"}
    models = Models(facts, layout)
    text = models.write()["responses.py"]
    assert 'class Novelty(Record):\n    class_: str | None = wire("class", default=None)\n    http_: int = wire("http")\n' in text
    assert "    novelty: Novelty | None = None\n" in text
    written = resources.write(facts, layout, models)["responses.py"]
    assert 'Operation("POST"' in source.formatted({"oxide/resources/x.py": written})["oxide/resources/x.py"]
    assert "soon: bool | Omit = omit," in written
    assert "query=('soon',)" in written


def test_a_type_that_no_family_names_has_a_place() -> None:
    assert Layout.read().module("Homeless") == "common"
    assert Layout.read().module("kitchen.pans.Pan") == "kitchen_pans"


def test_no_generated_module_is_long() -> None:
    paths = [path for path in stale({}) if path.endswith(".py")]
    assert len(paths) > 200
    assert {path: n for path in paths if (n := len((ROOT / path).read_text("utf-8").splitlines())) > 1_500} == {}


# ------------------------------------------------------------------------------------------------------ the facts
def test_the_extra_digest_adds_fields_values_and_members() -> None:
    digest: dict[str, Any] = {
        "operations": {},
        "types": {
            "a.Thing": {"fields": {"kind": "Literal['x']", "size?": "Literal['s'] | None"}},
            "a.Kind": {"is": "Literal['x'] | str"},
            "a.Any": {"is": "a.Thing"},
        },
    }
    extra: dict[str, Any] = {
        "types": {"a.Other": {"fields": {}}},
        "more_fields": {"a.Thing": {"name?": "str"}},
        "more_literals": {"a.Thing.kind": ["y", "x"], "a.Thing.size": ["m"], "a.Kind": ["z"]},
        "more_members": {"a.Any": ["a.Other"]},
    }
    before = copy.deepcopy(digest)
    facts = Facts(digest, extra)
    assert facts.types["a.Thing"]["fields"] == {"kind": "Literal['x', 'y']", "size?": "Literal['s', 'm'] | None", "name?": "str"}
    assert facts.types["a.Kind"]["is"] == "Literal['x', 'z'] | str"
    assert facts.types["a.Any"]["is"] == "a.Thing | a.Other"
    assert digest == before


NAMED: dict[str, Any] = {
    "operations": {
        "GET /a/{a_id}/things/{thing_id}": {
            "call": "a.things.list",
            "path": {"a_id": "str", "thing_id": "str"},
            "query": {"limit?": "int", "order[]": "list[str]"},
            "header": {"openai-beta?": "list[str]"},
        },
        "POST /a/{a_id}/things/{thing_id}": {
            "call": "a.things.update",
            "path": {"a_id": "str", "thing_id": "str"},
            "query": {"dry?": "bool"},
            "body": {"json": "a.ThingUpdateParams"},
        },
    },
    "types": {
        "a.Thing": {"fields": {"id": "str", "inner": "a.Inner"}, "use": "o"},
        "a.Inner": {"fields": {}},
        "a.ItemParam": {"fields": {"id": "str"}, "use": "i"},
        "a.ThingUpdateParams": {"fields": {"name": "str"}},
    },
}


def test_the_extra_digest_names_dictionaries_of_parameters() -> None:
    facts = Facts(NAMED, {"params": {"a.ThingListParams": "a.things.list", "a.GoneParams": "a.things.gone"}})
    wanted = {"a_id": "str", "order": "list[str]", "betas?": "list[str]", "limit?": "int"}  # the last part of a path stands alone
    assert facts.types["a.ThingListParams"] == {"fields": wanted, "use": "i"}
    assert "a.GoneParams" not in facts.types
    assert set(HEADERS.items()) <= set(Layout.read().arguments.items())


def test_the_dictionary_for_a_body_has_all_that_the_method_takes_by_name() -> None:
    facts = Facts(NAMED)
    assert facts.given_fields("a.ThingUpdateParams") == {"name": "str", "a_id": "str", "dry?": "bool"}
    assert [p.key for p in facts.parameters(facts.calls()["a.things.update"][1])] == ["a_id", "thing_id", "name", "dry"]


def test_a_type_that_is_used_both_ways_is_a_record_and_a_dictionary() -> None:
    from tools.sync.models import Models

    models = Models(Facts(NAMED, {"uses": {"a.Thing": "io", "a.Gone": "io"}}), Layout.read())
    assert {"a.Thing", "a.Inner"} <= models.inputs & models.records
    assert "a.Thing" not in Models(Facts(NAMED), Layout.read()).inputs


def test_second_names_are_shown_where_what_they_name_is_there() -> None:
    from tools.sync import faces
    from tools.sync.models import Models

    aliases = {"b.Other": "a.Thing", "b.Gone": "a.Gone", "a.ItemParamParam": "a.ItemParam"}
    models = Models(Facts(NAMED, {"aliases": aliases}), Layout.read())
    shown = faces.shown(models)
    assert shown["b.Other"] == shown["a.Thing"] == ("a", "Thing")
    assert shown["a.ItemParamParam"] == shown["a.ItemParam"] == ("a_params", "ItemParam")  # it is only passed in
    assert "b.Gone" not in shown
    written = faces.write(models)
    assert "from .._models.a import (\n        Thing as Other,\n    )" in written["b.py"]
    assert "Other=Thing" in written["b.py"]

    both = Models(Facts(NAMED, {"aliases": aliases, "uses": {"a.ItemParam": "io"}}), Layout.read())
    assert faces.shown(both)["a.ItemParam"] == ("a", "ItemParam")
    assert faces.shown(both)["a.ItemParamParam"] == ("a_params", "ItemParam")


def test_fields_that_are_secrets_are_written_with_their_record() -> None:
    from tools.sync.models import Models

    layout = Layout.read()
    layout.secrets = {"a.Thing": ["id"]}
    assert "class Thing(Record):\n    _secrets = ('id',)\n\n    id: str\n" in Models(Facts(NAMED), layout).write()["a.py"]


def test_a_body_that_is_a_union_has_the_fields_of_all_its_members() -> None:
    members_of = {"a.One": {"fields": {"x": "str", "y": "int"}}, "a.Two": {"fields": {"x": "int", "z?": "str"}}}
    facts = Facts({"operations": {}, "types": {**members_of, "a.Body": {"is": "a.One | a.Two"}}})
    found = facts.parameters({"body": {"json": "a.Body"}})
    assert [(p.key, p.type, p.required) for p in found] == [("x", "str | int", True), ("y", "int", False), ("z", "str", False)]


def test_every_name_in_the_facts_means_something() -> None:
    facts = Facts.read()
    texts = [t for e in facts.types.values() for t in (e.get("is", ""), *e.get("fields", {}).values())]
    texts += [t for o in facts.operations.values() for t in (*facts.inputs(o), *facts.outputs(o)) if t != "bytes"]
    assert sorted({name for text in texts for name in references(text)} - facts.types.keys()) == []


def test_no_literal_needs_other_quotes_or_escapes() -> None:
    for name, entry in Facts.read().types.items():
        for text in (entry.get("is", ""), *entry.get("fields", {}).values()):
            assert not {'"', "\\"} & set(text), name


def test_an_expression_without_a_literal_cannot_be_extended() -> None:
    with pytest.raises(ValueError, match="no literal"):
        with_literals("str", ["x"])


# -------------------------------------------------------------------------------------------------- names and text
@pytest.mark.parametrize(("key", "name"), [("model", "model"), ("async", "async_"), ("a/b-c", "a_b_c"), ("2d", "2d_"), ("http", "http_")])
def test_attributes(key: str, name: str) -> None:
    assert attribute(key) == name


def test_names_of_classes() -> None:
    assert class_names(["responses", "responses.input_items"]) == {"responses": "Responses", "responses.input_items": "InputItems"}
    assert input_name("responses.Tool") == "ToolParam"
    assert input_name("responses.ResponseCreateParams") == "ResponseCreateParams"


def test_unions_are_cut_at_their_own_bars_only() -> None:
    assert members("list[A | B] | Literal['[c|d]'] | None") == ["list[A | B]", "Literal['[c|d]']", "None"]
    assert unique("A | B | A") == "A | B"
    assert (optional("A"), optional("A | None"), optional("Any"), optional("list[A | None]")) == (
        "A | None",
        "A | None",
        "Any",
        "list[A | None] | None",
    )


def test_inputs_take_dictionaries_records_and_any_iterable() -> None:
    facts = Facts.read()
    expressions = Expressions(facts, Layout.read(), {"responses.FunctionTool", "shared.ChatModel"})
    assert (
        expressions.input("list[responses.FunctionTool]")
        == "Iterable[responses_tools_params.FunctionToolParam | responses_tools.FunctionTool]"
    )
    assert expressions.input("list[str] | dict[str, str]") == "Sequence[str] | Mapping[str, str]"
    assert expressions.input("shared.ChatModel") == "shared.ChatModel"
    assert expressions.used == {"responses_tools", "responses_tools_params", "shared"}


def test_long_aliases_are_cut_at_blanks() -> None:
    text = " | ".join(f"Name{n}" for n in range(60))
    written = source.alias("Long", text)
    assert written.startswith('Long: TypeAlias = """\n    Name0 | ')
    assert max(map(len, written.splitlines())) <= 140
    assert " ".join(written.split('"""')[1].split()) == text
