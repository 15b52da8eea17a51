"""The wheel holds the tree, the version has one source, and importing is cheap."""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import entry_points, version
from importlib.resources import files
from pathlib import Path

import pytest

import beamgym

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
DATA: dict[str, list[str]] = PROJECT["tool"]["setuptools"]["package-data"]
TOP = ("physics", "envs", "agents", "hardware_bridge", "scripts")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", ".*")


def packages_of_the_tree():
    """Every folder with an ``__init__.py``, by the name it is imported by."""
    found = {"beamgym": "src/beamgym"}
    for top in TOP:
        for init in (ROOT / top).rglob("__init__.py"):
            folder = init.parent.relative_to(ROOT)
            found[".".join(("beamgym", *folder.parts))] = folder.as_posix()
    return found


def files_of_the_tree():
    """Every file that belongs into the wheel, by its path there."""
    found = set()
    for package, folder in packages_of_the_tree().items():
        inside = package.replace(".", "/")
        here = ROOT / folder
        chosen = set(here.glob("*.py")).union(*(here.glob(pattern) for pattern in DATA.get(package, [])))
        found |= {f"{inside}/{path.relative_to(here).as_posix()}" for path in chosen}
    return found


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel built from a copy of the tree, so that nothing is left behind in it."""
    work = tmp_path_factory.mktemp("wheel")
    for name in ("src", *TOP):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, work / "tree" / name, ignore=LEFT_OUT)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, work / "tree" / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(work)]
    subprocess.run([*command, str(work / "tree")], check=True, capture_output=True)
    (path,) = work.glob("*.whl")
    return path


def test_every_folder_with_python_files_is_a_package():
    known = set(packages_of_the_tree().values())
    folders = {path.parent.relative_to(ROOT).as_posix() for top in TOP for path in (ROOT / top).rglob("*.py")}
    assert folders <= known


def test_the_wheel_holds_the_tree_and_nothing_else(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == files_of_the_tree()
    assert {"beamgym/py.typed", "beamgym/physics/laue/pattern/spots.py", "beamgym/scripts/main.py"} <= names
    assert any(name.startswith("beamgym/agents/configs/") and name.endswith(".yml") for name in names)


def test_every_file_of_a_shipped_bundle_is_in_the_wheel(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = [path for path in (ROOT / "agents" / "zoo").rglob("*") if path.is_file()]
    shipped = [path for path in shipped if "__pycache__" not in path.parts]
    for path in shipped:
        assert f"beamgym/{path.relative_to(ROOT).as_posix()}" in names


def test_the_wheel_carries_licence_and_console_script(wheel):
    archive = zipfile.ZipFile(wheel)
    notes = {Path(name).name: name for name in archive.namelist() if ".dist-info/" in name}
    assert "LICENSE" in notes
    assert "beamgym = beamgym.scripts.main:main" in archive.read(notes["entry_points.txt"]).decode()
    assert "License-Expression: MIT" in archive.read(notes["METADATA"]).decode()


def test_the_installed_console_script_is_the_one_of_the_project():
    (script,) = entry_points(group="console_scripts", name="beamgym")
    assert script.value == PROJECT["project"]["scripts"]["beamgym"]
    assert callable(script.load())


def test_the_version_has_one_source():
    number = PROJECT["project"]["version"]
    assert beamgym.__version__ == version("beamgym") == number
    assert f"version: {number}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## {number}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_types_are_announced():
    assert files("beamgym").joinpath("py.typed").is_file()


def test_bare_imports_of_the_folders_are_banned():
    banned = PROJECT["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"]
    assert set(TOP) | {"pickle"} <= set(banned)
    assert "TID" in PROJECT["tool"]["ruff"]["lint"]["select"]


def test_importing_beamgym_registers_and_loads_nothing_heavy():
    heavy = ("torch", "stable_baselines3", "pymatgen", "onnxruntime", "matplotlib", "numba")
    loaded = run_python(f"import sys, beamgym; print([name for name in {heavy} if name in sys.modules])")
    assert loaded == "[]"
    ids = run_python("import beamgym, gymnasium; print(*(name for name in gymnasium.registry if 'beamgym/' in name))")
    assert "beamgym/LaueAlign-v0" in ids.split()


def test_importing_a_module_with_kernels_compiles_nothing():
    code = """
import beamgym.envs.laue_align.factory, beamgym.envs.laue_zone.factory, beamgym.physics.laue.indexing.indexing, sys
from numba.core.dispatcher import Dispatcher
kernels = {id(value): (name, value.signatures) for name, module in list(sys.modules.items())
           if name.startswith("beamgym.") for value in vars(module).values() if isinstance(value, Dispatcher)}
assert len(kernels) > 20, len(kernels)
print([name for name, signatures in kernels.values() if signatures])
"""
    assert run_python(code) == "[]"


def test_constraints_pin_every_requirement_exactly():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {line.split("==")[0].lower().replace("_", "-") for line in lines if not line.startswith("#")}
    assert all("==" in line for line in lines if not line.startswith("#"))
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = [*PROJECT["project"]["dependencies"], *(name for group in extras.values() for name in group)]
    names = {name.split(">")[0].split("=")[0].split("[")[0].strip().lower().replace("_", "-") for name in wanted}
    assert names <= pins
    assert "torch==2.13.0" in lines
