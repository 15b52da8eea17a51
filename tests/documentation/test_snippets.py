"""Python on the pages runs as it is printed; what is a fragment by intention at least names what there is."""

import ast
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
ELSEWHERE = {
    "add_a_kind.md": "tests/conftest.py",
    "add_a_policy.md": "tests/scripts/test_benchmark.py",
    "add_an_adapter.md": "tests/hardware_bridge/guard/test_documented_adapter.py",
    "bands.md": "tests/physics/bands/test_page.py",
    "behaviour_cloning.md": "tests/scripts/test_behaviour_cloning.py",
    "bluesky.md": "tests/hardware_bridge/plans/test_documented_sessions.py",
    "deploying.md": "tests/hardware_bridge/test_documented_program.py",
    "libraries.md": "tests/test_libraries.py",
    "training.md": "tests/agents/training/test_sb3_vec.py",
    "tutorials/score_a_spectrum.md": "tests/documentation/test_tutorials.py",
    "tutorials/train.md": "tests/documentation/test_tutorials.py",
    "tutorials/turned_head.md": "tests/documentation/test_tutorials.py",
}
"""Pages whose programs another test runs, which names the page."""
FRAGMENTS = ("indexing.md", "bundles.md", "crystals.md", "ladder.md", "practice_instrument.md")
"""Pages with parts of programs, which need a file or a model of the reader's; their first program runs where it can."""


def programs(page):
    return re.findall(
        r"^```python\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )


PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
WITH_PROGRAMS = [page for page in PAGES if programs(page)]


@pytest.mark.parametrize("page", WITH_PROGRAMS)
def test_a_program_names_what_there_is(page):
    for program in programs(page):
        for node in ast.walk(ast.parse(program)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("beamgym"):
                module = import_module(node.module)
                missing = [alias.name for alias in node.names if not hasattr(module, alias.name)]
                assert not missing or any(_is_module(node.module, name) for name in missing), (
                    f"{page}: {node.module} has no {missing}"
                )


def _is_module(package, name):
    try:
        import_module(f"{package}.{name}")
    except ModuleNotFoundError:
        return False
    return True


@pytest.mark.parametrize(("page", "test"), ELSEWHERE.items())
def test_a_page_that_is_left_out_here_is_run_there(page, test):
    assert Path(page).name in (ROOT / test).read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in WITH_PROGRAMS if page not in ELSEWHERE and page not in FRAGMENTS])
def test_programs_of_a_page_run_one_after_the_other(page, tmp_path):
    (tmp_path / "page.py").write_text("\n".join(programs(page)), encoding="utf-8")
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "page.py"], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr[-3000:]
