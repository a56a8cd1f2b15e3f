"""Writes `oxide.types`: the public names of the models, each loaded when first touched."""

from __future__ import annotations

from . import source
from .layout import input_name, short
from .models import Models

FACE = """
{imports}

# Lists of names, many to a line.
# fmt: off
# isort: off
{checked}
_PLACES = {{
{rows}
}}

__getattr__, __dir__ = open_face(__name__, _PLACES)
__all__ = [
{names}
]  # pyright: ignore[reportUnsupportedDunderAll]  # the names are those of the imports above
"""


def write(models: Models) -> dict[str, str]:
    """Return file name -> source of all faces; one with others inside it is a package."""
    faces: dict[str, dict[str, list[str]]] = {"": {}}
    for name, (module, held) in sorted(shown(models).items()):
        word = short(name) if short(name) == held else f"{short(name)}={held}"
        faces.setdefault(models.layout.face(name), {}).setdefault(module, []).append(word)
    for face in [*faces]:
        for length in range(face.count(".")):
            faces.setdefault(".".join(face.split(".")[: length + 1]), {})
    return dict(_file(face, faces) for face in sorted(faces))


def shown(models: Models) -> dict[str, tuple[str, str]]:
    """Return the public name of everything -> the module that holds it, and its name there.

    Where a record and an input type have one name, it is that of the input type (official: `XParam` is what is passed in), unless
    the facts have a second name for that: `XParamParam`. Then the record has the first, as in the official library.
    """
    found = {name: (models.layout.module(name), short(name)) for name in models.records}
    for name in models.inputs:
        face = models.layout.face(name)
        public = f"{face}.{input_name(name)}".lstrip(".")
        if public == name in models.records and models.facts.aliases.get(f"{public}Param") == public:
            public += "Param"
        found[public] = models.layout.module(name) + "_params", input_name(name)
    found.update({name: (module, short(name)) for module, names in models.layout.by_hand.items() for name in names})
    return {alias: found[name] for alias, name in models.facts.aliases.items() if name in found} | found


def _file(face: str, faces: dict[str, dict[str, list[str]]]) -> tuple[str, str]:
    inside = sorted(short(other) for other in faces if other and other.rpartition(".")[0] == face)
    path = face.replace(".", "/")
    package = bool(inside) or not face
    name = f"{path}/__init__.py".lstrip("/") if package else f"{path}.py"
    return name, _face(face, faces[face], inside, 1 + face.count(".") + bool(face) + package)


def _face(face: str, places: dict[str, list[str]], inside: list[str], depth: int) -> str:
    """Return the source of one face; `depth` is how many dots lead from it to `oxide.types`, itself counted."""
    title = f"Types of `{face}`, by their official names." if face else "Types of the API, by their official names, a namespace at a time."
    root = "." * depth
    checked = [_imports(f"{root}_models.{module}", names) for module, names in sorted(places.items())]
    checked += [_imports(".", inside)] if inside else []
    if inside:
        places = {**places, "": inside}
    rows = "\n".join([_row(module, names) for module, names in sorted(places.items())])
    names = sorted({n.partition("=")[0] for some in places.values() for n in some})
    imports = f"from {root}_typing import TYPE_CHECKING\nfrom {root[1:]}_lazy import open_face\n"
    everything = source.indented(", ".join([f'"{n}"' for n in names]) + ",", 4)
    lists = "if TYPE_CHECKING:\n" + "".join(checked) if checked else ""
    return source.header(title) + FACE.format(imports=imports, checked=lists, rows=rows, names=everything)


def _row(module: str, words: list[str]) -> str:
    return f'    "{module}": """\n{source.indented(" ".join(words), 8)}\n    """,'


def _imports(module: str, words: list[str]) -> str:
    """Return the import of what one module holds; "Name=Other" is `Other as Name`."""
    plain = [word for word in words if "=" not in word]
    rows = [source.indented(", ".join(plain) + ",", 8)] if plain else []
    rows += [f"        {held} as {name}," for name, held in [word.split("=") for word in words if "=" in word]]
    return f"    from {module} import (\n" + "\n".join(rows) + "\n    )\n"
