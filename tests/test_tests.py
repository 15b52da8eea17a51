"""The tests themselves: each can fail, and hypothesis draws the same examples every time unless it is asked not to."""

import ast
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent
PUBLIC_CHECKS = {"check_task", "check_world", "check_policy", "check_instrument"}
WAYS_TO_FAIL = {".raises", ".warns", ".deprecated_call", ".fail"} | PUBLIC_CHECKS
"""Of pytest and of the project; and whatever begins with ``assert``, as numpy's and the mocks' do."""

DRAWN = """
from hypothesis import given, strategies as st

@given(st.floats())
def test_prints(number):
    print("drawn", number)
"""


def functions(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def methods(tree):
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    return {part for node in classes for part in functions(node)}


@cache
def called(node):
    """What is called within a node: ``name`` for a function, ``.name`` for a method or a function of a module."""
    found = [call.func for call in ast.walk(node) if isinstance(call, ast.Call)]
    return {f".{part.attr}" if isinstance(part, ast.Attribute) else getattr(part, "id", "") for part in found}


def says_something(statement):
    """An assertion of a constant, or of a tuple that is never empty, holds whatever happens."""
    return isinstance(statement, ast.Assert) and not isinstance(statement.test, ast.Constant | ast.Tuple)


@cache
def asserts(function):
    return any(says_something(node) for node in ast.walk(function))


def can_fail(function, helpers):
    names = called(function)
    return (
        asserts(function)
        or bool(names & (WAYS_TO_FAIL | helpers))
        or any(n.strip("._").startswith("assert") for n in names)
    )


def asserting_helpers(trees):
    """Functions and methods of the tests that assert, or that call one that does, as ``called`` names them."""
    known: set[str] = set()
    of_classes = {part for tree in trees for part in methods(tree)}
    others = [f for tree in trees for f in functions(tree) if not f.name.startswith("test_")]
    helpers = [(f".{f.name}" if f in of_classes else f.name, f) for f in others]
    while found := {name for name, f in helpers if name not in known and can_fail(f, known)}:
        known |= found
    return known


def test_every_test_can_fail():
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(TESTS.rglob("*.py"))}
    helpers = asserting_helpers(trees.values())
    tests = [(path, f) for path, tree in trees.items() for f in functions(tree) if f.name.startswith("test_")]
    assert len(tests) > 1000
    idle = [f"{path.relative_to(TESTS)}:{f.lineno} {f.name}" for path, f in tests if not can_fail(f, helpers)]
    assert not idle, "\n".join(["nothing is asserted in", *idle])


def test_the_scan_finds_tests_that_assert_nothing():
    text = """
def helper(): assert run() == 1
def test_direct(): assert run()
def test_by_a_helper(): helper()
def test_that_raises():
    with pytest.raises(ValueError): run()
def test_by_numpy(): np.testing.assert_allclose(run(), 1)
def test_runs_only(): run()
def test_constant(): assert True
def test_tuple(): assert (run(), "never false")
"""
    tree = ast.parse(text)
    idle = [f.name for f in functions(tree) if not can_fail(f, asserting_helpers([tree]))]
    assert idle == ["test_runs_only", "test_constant", "test_tuple"]


def searched(folder, *options):
    """Run a test of hypothesis under this suite's conftest; return the examples drawn and the seed printed."""
    command = [sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider", "--rootdir", str(folder), *options]
    # What pyproject.toml adds to the path is the checkout's; the copied conftest imports from there.
    paths = [str(TESTS / "support"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    drawn = re.findall(r"drawn (\S+)", done.stdout)
    assert len(drawn) > 50
    return drawn, re.findall(r"--hypothesis-seed=(\d+)", done.stdout)


def test_the_default_suite_draws_the_same_examples_and_a_random_search_can_be_repeated(tmp_path):
    for name in ("conftest.py", "recorded/crystals.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((TESTS / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "test_drawn.py").write_text(DRAWN, encoding="utf-8")
    once, no_seed = searched(tmp_path)
    assert searched(tmp_path) == (once, [])
    assert not no_seed
    found, (seed,) = searched(tmp_path, "--hypothesis-profile=random")
    assert found != once
    assert searched(tmp_path, "--hypothesis-profile=random", f"--hypothesis-seed={seed}") == (found, [seed])


def test_the_files_that_are_begun_first_are_there(request):
    names = request.config.beamgym_longest
    assert len(set(names)) == len(names) > 10
    missing = [name for name in names if not (TESTS / name).is_file()]
    assert not missing
