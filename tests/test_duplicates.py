"""Nothing is written twice: no ten lines of code in a row stand in two places, in the package or in its tests."""

import ast
from collections import defaultdict
from itertools import chain, pairwise
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("physics", "envs", "agents", "hardware_bridge", "scripts", "src", "tests")
WINDOW = 10
"""Lines in a row that are a copy; fewer are how one writes in this language, and would find every second test."""


def import_lines(tree: ast.Module) -> set[int]:
    """Numbers of the lines that only import."""
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))
    return set(chain.from_iterable(range(node.lineno, (node.end_lineno or node.lineno) + 1) for node in found))


def code_lines(text: str) -> list[tuple[int, str]]:
    """Lines that say something, with their numbers: none that is blank, a comment, an import or only brackets."""
    imports = import_lines(ast.parse(text))
    lines = ((number, line.strip()) for number, line in enumerate(text.splitlines(), start=1) if number not in imports)
    return [(n, line) for n, line in lines if any(c.isalnum() for c in line) and not line.startswith("#")]


def copies(texts: dict[str, str], window: int = WINDOW) -> list[str]:
    """Places whose lines stand in another place too, each run once: "a.py:10-24 = b.py:40-54"."""
    places: dict[tuple[str, ...], list[tuple[str, int, int]]] = defaultdict(list)
    for name, text in texts.items():
        lines = code_lines(text)
        for i in range(len(lines) - window + 1):
            part = lines[i : i + window]
            places[tuple(line for _, line in part)].append((name, part[0][0], part[-1][0]))
    twice = {pair for found in places.values() for pair in pairwise(found) if not overlap(*pair)}
    return [f"{a}:{b}-{c} = {d}:{e}-{f}" for (a, b, c), (d, e, f) in sorted(twice)]


def overlap(one: tuple[str, int, int], other: tuple[str, int, int]) -> bool:
    return one[0] == other[0] and one[2] >= other[1] and other[2] >= one[1]


def sources() -> dict[str, str]:
    files = chain.from_iterable(sorted((ROOT / folder).rglob("*.py")) for folder in FOLDERS)
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in files}


def test_no_ten_lines_stand_in_two_places():
    assert copies(sources()) == []


def test_a_copy_is_found_whatever_its_indent_and_what_stands_between():
    lines = [f"value_{i} = {i}" for i in range(WINDOW)]
    plain = "\n".join(lines)
    indented = "def f():\n" + "\n\n".join(f"    {line}" for line in lines) + "\n    # the end\n"
    assert copies({"a.py": plain, "b.py": indented}) == ["a.py:1-10 = b.py:2-20"]
    assert copies({"a.py": plain + "\n" + plain}) != []


def test_imports_brackets_and_nine_lines_are_no_copy():
    names = "".join(f"    name_{i},\n" for i in range(20))
    nine = "".join(f"value_{i} = {i}\n" for i in range(WINDOW - 1))
    text = f"from module import (\n{names})\n{nine}" + "[\n(\n" * 10 + ")\n]\n" * 10
    assert copies({"a.py": text, "b.py": text}) == []
