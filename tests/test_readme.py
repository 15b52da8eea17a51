"""What README and the pages say is there, is there: files, verbs, options, links; and their examples run."""

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest
import typer

from beamgym.envs import ENVIRONMENTS
from beamgym.scripts.main import VERBS, available_verbs, module_of

ROOT = Path(__file__).parents[1]
FLOORS = ("physics", "envs", "agents", "hardware_bridge", "scripts")
README = (ROOT / "README.md").read_text(encoding="utf-8")
TOP = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")]
PAGES = [*TOP, *sorted((ROOT / "docs").rglob("*.md"))]


def lines_of_code(text):
    """Every line of the code blocks, continued ones joined, and everything that stands between single backticks."""
    blocks = re.findall(r"```(?:bash|sh|text)?\n(.*?)```", text, flags=re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return lines + re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def commands(text):
    """Every `beamgym VERB …` of a page, as words; those with an ellipsis are no whole commands."""
    lines = [line for line in lines_of_code(text) if line.startswith("beamgym ") and "…" not in line]
    return [words for words in (shlex.split(line, comments=True) for line in lines) if len(words) > 1]


def options_of(verb, sub_command=None):
    """Options of a verb; of one of its sub-commands where it has some."""
    command = getattr(import_module(module_of(verb)), f"{verb.replace('-', '_')}_command")
    if isinstance(command, typer.Typer):
        command = getattr(import_module(f"{module_of(verb)}.{sub_command}"), f"{sub_command}_command")
    app = typer.Typer()
    app.command()(command)
    params = typer.main.get_command(app).params
    return {name for parameter in params for name in (*parameter.opts, *parameter.secondary_opts)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_somewhere(page):
    for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in link:
            assert (page.parent / link).exists(), f"{page.name} links to {link}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_of_a_page_names_a_verb_and_options_that_exist(page):
    for words in commands(page.read_text(encoding="utf-8")):
        verb = words[1]
        if verb.startswith("-"):
            continue
        assert verb in VERBS, f"{page.name}: {' '.join(words)}"
        named = {word.split("=")[0] for word in words[2:] if word.startswith("--")}
        known = options_of(verb, *words[2:3]) if named else set()
        assert named <= known, f"{page.name}: {' '.join(words)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_test_that_a_page_names_is_there(page):
    for line in lines_of_code(page.read_text(encoding="utf-8")):
        if not re.match(r"(\S+/)?(python -m )?pytest ", line):
            continue
        words = shlex.split(line, comments=True)
        files = [ROOT / word for word in words if word.startswith("tests/")]
        assert all(file.exists() for file in files), f"{page.name}: {line}"
        if "-k" in words:
            word = words[words.index("-k") + 1]
            texts = [
                path.read_text("utf-8") for file in files for path in ([file] if file.is_file() else file.rglob("*"))
            ]
            assert any(word in text for text in texts), f"{page.name}: no test is called {word}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_file_of_the_tree_that_a_page_names_is_there(page):
    text = page.read_text(encoding="utf-8")
    for name in set(re.findall(r"`((?:physics|envs|agents|hardware_bridge|scripts|tests)/[\w/]*(?:\.py|/))`", text)):
        known = (ROOT / name).exists() or page.name in ("CHANGELOG.md", "add_an_adapter.md", "add_a_kind.md")
        assert known, f"{page.name} names {name}"


def test_the_readme_is_read_in_ten_minutes_and_shows_one_table_of_results():
    assert len(README.split()) <= 1000
    assert README.count("95 % interval") == 1


def test_the_map_of_the_house_names_files_that_exist():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:physics|envs|agents|hardware_bridge|scripts|src|tests)/[\w/]*\.py)`", text))
    assert len(named) > 40
    missing = sorted(name for name in named if not (ROOT / name).is_file())
    assert not missing


def test_the_map_of_the_house_names_every_verb_every_task_and_every_package():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for verb in available_verbs():
        file = f"scripts/{verb.replace('-', '_')}"
        assert f"`{file}.py`" in text or f"`{file}/`" in text
    rooms = {init.parent.relative_to(ROOT).as_posix() for top in FLOORS for init in (ROOT / top).rglob("__init__.py")}
    for folder in rooms:
        assert folder in text, f"{folder} is a room that the page does not mention"


def test_every_page_is_listed():
    text = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        if page.name != "index.md":
            assert f"({page.relative_to(ROOT / 'docs').as_posix()})" in text


def test_what_has_moved_is_where_the_changelog_says():
    moved = re.findall(
        r"^  \| `beamgym\.[^|]*\| `(beamgym\.[\w.]+)` \|$", TOP[1].read_text("utf-8"), flags=re.MULTILINE
    )
    assert len(moved) > 20
    for name in moved:
        assert hasattr(import_module(name), "__all__") or name == "beamgym.envs.policy"


def test_every_version_of_the_changelog_is_dated_and_has_the_fixed_headings():
    text = TOP[1].read_text("utf-8")
    for heading in re.findall(r"^## (.*)$", text, flags=re.MULTILINE):
        assert re.fullmatch(r"(Unreleased|\d+\.\d+\.\d+) \(\d{4}-\d{2}-\d{2}\)", heading)
    for section in text.split("\n## ")[1:]:
        assert re.findall(r"^### (.*)$", section, flags=re.MULTILINE) == ["Breaking", "New", "Fixed", "Known limits"]


def test_the_results_of_the_readme_are_those_of_the_benchmark_page():
    pages = "".join(
        (ROOT / "docs" / name).read_text("utf-8") for name in ("benchmark.md", "environments/arpes_spot.md")
    )
    figures = re.findall(r"\d+\.\d % \(\d+\.\d–\d+\.\d\)", README)
    assert len(figures) == 8
    rows = [line for line in README.splitlines() if any(figure in line for figure in figures)]
    for row in rows:
        assert row in pages


def test_the_readme_names_every_environment_and_every_verb():
    for name in ENVIRONMENTS:
        assert name in README
    for verb in available_verbs():
        assert f"beamgym {verb}" in README


def test_the_python_of_the_readme_runs():
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})  # what a reader would paste


def test_the_project_names_no_machine_of_its_authors():
    texts = [*PAGES, ROOT / "Makefile", ROOT / "constraints.txt", ROOT / "pyproject.toml", *(ROOT / ".ci").iterdir()]
    for path in texts:
        assert not re.search(r"/(root|home|work|opt|Users)/", path.read_text(encoding="utf-8")), path.name
