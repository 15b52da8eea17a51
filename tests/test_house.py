"""The house: rooms with doors, arrows that run one way, no circles."""

import ast
import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_FILES = 14
WITHOUT_DOOR = ("hardware_bridge.adapters.epics", "scripts")
"""Rooms whose modules are imported one by one: an adapter needs its own library, a verb imports when it is called."""


def load_house():
    """The module `.ci/house.py`, which is no part of the package."""
    spec = spec_from_file_location("house", ROOT / ".ci" / "house.py")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look their module up
    spec.loader.exec_module(module)
    return module


HOUSE = load_house()
TREE = HOUSE.read_house(ROOT)
ROOMS = sorted(name for name in TREE.packages if name not in HOUSE.HALLS)


def walls(path, folder):
    """Imports of a module of another room past its ``__init__``: (line, module) each, for a file of ``folder``."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("beamgym."):
            continue
        name = node.module.removeprefix("beamgym.")
        room = name.rpartition(".")[0]
        inside = name in TREE.modules - TREE.packages and room in ROOMS and room != folder
        if inside and not room.startswith(WITHOUT_DOOR):
            found.append((node.lineno, node.module))
    return found


def test_no_import_runs_upward():
    assert TREE.upward() == []


def test_no_modules_and_no_rooms_import_each_other_in_a_circle():
    assert HOUSE.circles(TREE.imports) == []
    assert HOUSE.circles(TREE.arrows()) == []


def test_a_circle_is_found():
    assert HOUSE.circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert HOUSE.circles({"a": {"b", "c"}, "b": {"c"}}) == []


def test_no_folder_holds_more_files_than_a_person_can_take_in():
    assert {name: number for name, number in TREE.files().items() if number > MOST_FILES} == {}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_is(room):
    tree = ast.parse((ROOT / room.replace(".", "/") / "__init__.py").read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{room}/__init__.py needs one sentence that says what the room is for"


@pytest.mark.parametrize("room", ROOMS)
def test_every_name_on_a_rooms_door_is_there(room):
    module = import_module(f"beamgym.{room}")
    assert [name for name in getattr(module, "__all__", []) if not hasattr(module, name)] == []


@pytest.mark.parametrize("floor", HOUSE.FLOORS)
def test_rooms_are_entered_by_their_doors(floor):
    found = {}
    for path in sorted((ROOT / floor).rglob("*.py")):
        inside = path.relative_to(ROOT)
        if past := walls(path, ".".join(inside.parts[:-1])):
            found[inside.as_posix()] = past
    assert found == {}, "import from the room's __init__, and put a name that is to be public into its __all__"


def test_a_way_through_a_wall_is_seen(tmp_path):
    path = tmp_path / "module.py"
    path.write_text(
        "from beamgym.physics.laue.pattern.spots import Spots\nfrom beamgym.physics.laue.pattern import Spots\n"
    )
    assert walls(path, "envs.loop") == [(1, "beamgym.physics.laue.pattern.spots")]
    assert walls(path, "physics.laue.pattern") == []
