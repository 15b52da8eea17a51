"""Prints how the house stands: files per folder, arrows between rooms, arrows that run upward, circles.

    python .ci/house.py                  the tree in which this file lies
    python .ci/house.py --before REV     the same of a commit beside it

The graph is grimp's, imports under ``if TYPE_CHECKING`` and inside functions included.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
FLOORS = ("scripts", "agents", "hardware_bridge", "envs", "physics")
HALLS = (
    "physics",
    "physics.laue",
    "physics.arpes",
    "physics.bands",
    "physics.mosaic",
    "envs",
    "agents",
    "agents.baselines",
    "hardware_bridge",
    "scripts",
)
"""Folders that hold rooms: a module that lies in one of them is a room of its own."""

HEIGHT = {"scripts": 3, "agents": 2, "hardware_bridge": 2, "envs": 1, "physics": 0}


@dataclass(frozen=True)
class House:
    """What was counted of one tree; names are without the leading ``beamgym.``."""

    modules: frozenset[str]
    packages: frozenset[str]
    imports: Mapping[str, frozenset[str]]

    def files(self) -> Counter[str]:
        """Return the number of Python files of each folder."""
        return Counter(name if name in self.packages else name.rpartition(".")[0] for name in self.modules)

    def room(self, module: str) -> str:
        """Return the room of a module: its folder, or itself where it lies in a hall."""
        if module in self.packages:
            return module
        folder = module.rpartition(".")[0]
        return module if folder in HALLS else folder

    def arrows(self) -> dict[str, set[str]]:
        """Return which rooms each room imports from."""
        found: dict[str, set[str]] = defaultdict(set)
        for module, imported in self.imports.items():
            for other in imported:
                if self.room(module) != self.room(other):
                    found[self.room(module)].add(self.room(other))
        return dict(found)

    def upward(self) -> list[tuple[str, str]]:
        """Return the imports from a lower floor to a higher one, or between the two floors that stand side by side."""
        return [
            (module, other)
            for module, imported in self.imports.items()
            for other in imported
            if _floor(module) != _floor(other) and HEIGHT[_floor(other)] >= HEIGHT[_floor(module)]
        ]


def read_house(folder: Path) -> House:
    """Read the imports of the package ``beamgym`` that the tree at ``folder`` makes, without importing any of it."""
    with tempfile.TemporaryDirectory() as place:
        package = Path(place) / "beamgym"
        package.mkdir()
        (package / "__init__.py").touch()
        for floor in FLOORS:
            (package / floor).symlink_to(folder / floor)
        sys.path.insert(0, place)
        try:
            graph = grimp.build_graph("beamgym", cache_dir=None)
        finally:
            sys.path.remove(place)
        names = {name.removeprefix("beamgym."): name for name in graph.modules if name != "beamgym"}
        return House(
            modules=frozenset(names),
            packages=frozenset(name for name in names if (package / name.replace(".", os.sep)).is_dir()),
            imports={name: _inside(graph.find_modules_directly_imported_by(full)) for name, full in names.items()},
        )


def circles(arrows: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return the groups of two and more that can reach each other, sorted (Tarjan, SIAM J. Comput. 1 (1972) 146)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        number[node] = lowest[node] = len(number)
        stack.append(node)
        for other in arrows.get(node, ()):
            if other not in number:
                visit(other)
            if other in stack:
                lowest[node] = min(lowest[node], lowest[other])
        if lowest[node] == number[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(arrows):
        if node not in number:
            visit(node)
    return sorted(found)


def figures(house: House) -> dict[str, str]:
    """Return the rows of the table, as text."""
    files = house.files()
    largest, most = files.most_common(1)[0]
    arrows = house.arrows()
    module_circles = circles(house.imports)
    return {
        "Python files": str(len(house.modules)),
        "folders": str(len(files)),
        "files in the largest folder": f"{most} ({largest.replace('.', '/')})",
        "files per folder, median": f"{statistics.median(files.values()):g}",
        "arrows between rooms": str(sum(len(others) for others in arrows.values())),
        "imports that run upward": str(len(house.upward())),
        "circles of modules (modules in them)": f"{len(module_circles)} ({sum(map(len, module_circles))})",
        "circles of rooms": str(len(circles(arrows))),
    }


def of_commit(revision: str) -> House:
    """Read the house of a commit of this repository."""
    with tempfile.TemporaryDirectory() as place:
        archive = subprocess.run(["git", "archive", revision, *FLOORS], cwd=ROOT, check=True, capture_output=True)
        subprocess.run(["tar", "-x", "-C", place], input=archive.stdout, check=True)
        return read_house(Path(place))


def main() -> None:
    """Print the table, and below it what should be empty: circles and upward imports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", metavar="REV", help="a commit to show beside the tree")
    parser.add_argument("--rooms", action="store_true", help="print which rooms each room imports from")
    asked = parser.parse_args()
    houses = {asked.before: of_commit(asked.before)} if asked.before else {}
    houses["now"] = read_house(ROOT)
    table = {name: figures(house) for name, house in houses.items()}
    print("| | " + " | ".join(table) + " |\n|---|" + "---|" * len(table))
    for row in table["now"]:
        print(f"| {row} | " + " | ".join(column[row] for column in table.values()) + " |")
    for name, house in houses.items():
        for kind, arrows in (("modules", house.imports), ("rooms", house.arrows())):
            for group in circles(arrows):
                print(f"{name}: circle of {kind}: {', '.join(group)}")
        for module, other in house.upward():
            print(f"{name}: upward: {module} imports {other}")
    if asked.rooms:
        for room, others in sorted(houses["now"].arrows().items()):
            print(f"{room}: {', '.join(sorted(others))}")


def _floor(module: str) -> str:
    return module.partition(".")[0]


def _inside(modules: Iterable[str]) -> frozenset[str]:
    return frozenset(name.removeprefix("beamgym.") for name in modules if name.startswith("beamgym."))


if __name__ == "__main__":
    main()
