"""The bridge is headless: nothing in it prints or knows a terminal library, and nobody imports the command line."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = ("physics", "envs", "agents", "hardware_bridge")
TERMINAL_LIBRARIES = {"typer", "rich", "click", "tqdm"}


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path):
    """Names of the modules that a file imports."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def prints(path):
    """Lines of a file that print, or hand ``print`` or an output stream on, where it is not itself the program."""
    found = tree(path)
    found.body = [node for node in found.body if not (isinstance(node, ast.If) and "__main__" in ast.dump(node.test))]
    for node in ast.walk(found):
        name = isinstance(node, ast.Name) and node.id == "print"
        stream = isinstance(node, ast.Attribute) and node.attr in ("stdout", "stderr", "__stdout__", "__stderr__")
        if name or (stream and isinstance(node.value, ast.Name) and node.value.id == "sys"):
            yield node.lineno


@pytest.mark.parametrize("floor", FLOORS)
def test_nobody_imports_the_command_line(floor):
    found = {
        path.relative_to(ROOT).as_posix(): name
        for path in sorted((ROOT / floor).rglob("*.py"))
        for name in imported(path)
        if name.startswith("beamgym.scripts")
    }
    assert found == {}, "what is worth importing belongs below scripts"


# A plan in somebody else's RunEngine has no other screen than that program's terminal.
OWN_TERMINAL = "hardware_bridge/plans/"


def test_nothing_in_the_bridge_prints():
    found = {
        path.relative_to(ROOT).as_posix(): lines
        for path in sorted((ROOT / "hardware_bridge").rglob("*.py"))
        if not path.relative_to(ROOT).as_posix().startswith(OWN_TERMINAL) and (lines := list(prints(path)))
    }
    assert found == {}, "report an event, or take what shows a text as a parameter"


def test_the_bridge_knows_no_terminal_library():
    found = {
        path.relative_to(ROOT).as_posix(): name
        for path in sorted((ROOT / "hardware_bridge").rglob("*.py"))
        for name in imported(path)
        if name.split(".")[0] in TERMINAL_LIBRARIES
    }
    assert found == {}


def test_what_prints_is_found(tmp_path):
    path = tmp_path / "module.py"
    path.write_text("import sys\nprint('one')\ntell = print\nsys.stdout.write('two')\n")
    with path.open("a") as file:
        file.write("if __name__ == '__main__':\n    print('a program of its own')\n")
    assert sorted(prints(path)) == [2, 3, 4]
