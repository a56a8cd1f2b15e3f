"""The public names are told three times in oxide/__init__.py (to users, to the lazy import, to checkers): thrice the same."""

from __future__ import annotations

import ast

import oxide
from oxide import _version
from tests.house._tree import LIBRARY, tree_of


def names_for_checkers() -> set[str]:
    """Return the public names that the `if TYPE_CHECKING:` block of oxide/__init__.py imports."""
    blocks = [
        node for node in tree_of(LIBRARY / "__init__.py").body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    ]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom) and node.level]
    return {alias.asname or alias.name for node in imports for alias in node.names} - {"*"}  # the namespaces


def test_every_public_name_can_be_had() -> None:
    missing = [name for name in oxide.__all__ if not hasattr(oxide, name)]
    assert not missing, f"oxide.__all__ promises {missing}, but `oxide.<name>` fails"


def test_checkers_see_the_same_names_as_users() -> None:
    differing = (names_for_checkers() ^ set(oxide.__all__)) - {"__version__"}
    assert not differing, f"told once but not twice in oxide/__init__.py (`__all__`, the TYPE_CHECKING imports): {sorted(differing)}"


def test_dir_lists_the_public_names() -> None:
    missing = set(oxide.__all__) - set(dir(oxide))
    assert not missing, f"dir(oxide) lacks {sorted(missing)}: the lazy table and `__all__` differ"


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    assert not hasattr(oxide, "no_such_name")


def test_each_name_is_told_once() -> None:
    assert len(oxide.__all__) == len(set(oxide.__all__))


def test_the_version_is_that_of_the_package() -> None:
    assert oxide.__version__ == _version.__version__
