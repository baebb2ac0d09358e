"""The order of the package's rooms: imports lead down only, and never in a circle."""

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "sphynx_trainer"

ROOMS = ("data", "networks", "training", "reduction", "search", "export", "cli")
"""A room imports from itself and from those before it."""

FAMILIES = ("base", "activations", "sphynx", "staged", "plain")
"""The rooms within networks, in the same order; the files beside them may import from all."""


def module_of(file: Path) -> tuple[str, ...]:
    """The name of a file's module below the package."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


MODULES = {module_of(file): file for file in sorted(PACKAGE.rglob("*.py"))}


def imports_of(name: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The modules of this package that one of them imports, within functions too."""
    file = MODULES[name]
    package = name if file.stem == "__init__" else name[:-1]
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            target = (*base, *(node.module.split(".") if node.module else ()))
            for alias in node.names:
                inner = (*target, alias.name)
                yield inner if inner in MODULES else target


def room_of(name: tuple[str, ...], order: tuple[str, ...]) -> int:
    """The index of a module's room, or one past the last for those outside all rooms."""
    return order.index(name[0]) if name and name[0] in order else len(order)


def test_the_rooms_are_the_folders() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert folders == set(ROOMS)
    assert {path.parent.name for path in PACKAGE.glob("networks/*/__init__.py")} == set(FAMILIES)


def test_no_room_has_a_single_module() -> None:
    for room in PACKAGE.rglob("__init__.py"):
        inside = [path for path in room.parent.iterdir() if not path.name.startswith("__")]
        assert len(inside) > 1, room.parent


@pytest.mark.parametrize("name", MODULES, ids=".".join)
def test_a_module_imports_from_its_own_room_and_lower_ones_only(name: tuple[str, ...]) -> None:
    for target in imports_of(name):
        if target:
            assert room_of(target, ROOMS) <= room_of(name, ROOMS), ".".join(target)
        if name[:1] == target[:1] == ("networks",):
            low, high = room_of(target[1:], FAMILIES), room_of(name[1:], FAMILIES)
            assert low <= high, ".".join(target)


def test_the_readme_names_rooms_and_files_that_exist() -> None:
    text = (PACKAGE.parent / "README.md").read_text()
    table = text.partition("## Finding your way")[2]
    rooms = re.findall(r"^\| `([\w/]+)/` ", table, re.M)
    assert {name.partition("/")[0] for name in rooms} == set(ROOMS)
    named = re.findall(r"`((?:\w+/)+\w+\.py|(?:\w+/)+)`", text)
    for name in [*rooms, *(name for name in named if name.partition("/")[0] in ROOMS)]:
        assert (PACKAGE / name).exists(), name


def test_no_module_imports_itself_through_others() -> None:
    TopologicalSorter({name: set(imports_of(name)) for name in MODULES}).prepare()
