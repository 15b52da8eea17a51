"""The console script: verbs are found and imported when called; a mistake is one line, a traceback only on request."""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

from beamgym.physics.instrument import MoveFailed
from beamgym.scripts import main
from beamgym.scripts.command_line import run

ROOT = Path(__file__).parents[2]


def beamgym(*words):
    command = [sys.executable, "-m", "beamgym.scripts.main", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def failing(error):
    def command() -> None:
        raise error

    return command


def test_help_lists_every_verb():
    result = CliRunner().invoke(main.app, ["--help"])
    assert result.exit_code == 0
    for name in main.available_verbs():
        assert name in result.output


@pytest.mark.parametrize("name", main.available_verbs())
def test_a_verb_is_a_command_of_its_own_file_with_help(name):
    module = import_module(main.module_of(name))
    assert getattr(module, f"{name.replace('-', '_')}_command").__doc__.strip()
    result = CliRunner().invoke(main.app, [name, "--help"])
    assert result.exit_code == 0
    assert f"beamgym {name}" in result.output


def test_every_file_with_a_command_is_mounted():
    command = re.compile(r"^def [a-z]\w*_command\(", flags=re.MULTILINE)
    files = {
        path.stem.replace("_", "-")
        for path in (ROOT / "scripts").glob("*.py")
        if command.search(path.read_text(encoding="utf-8"))
    }
    assert files - {"main", "command_line"} <= set(main.VERBS)


def test_the_console_script_starts_without_the_heavy_libraries():
    code = "import sys, beamgym.scripts.main; print([n for n in ('torch', 'numba', 'pymatgen') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_file_runs_as_the_same_verb():
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "envs.py")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "beamgym/LaueAlign-v0" in done.stdout


@pytest.mark.parametrize("error", [ValueError, TypeError, FileNotFoundError, MoveFailed])
def test_a_mistake_is_one_line_and_a_failure(error, capsys):
    with pytest.raises(SystemExit) as left:
        run(failing(error("the step is 3;\n  give one below 2")), [])
    assert left.value.code == 1
    assert capsys.readouterr().err == "error: the step is 3; give one below 2\n"


def test_a_defect_is_not_disguised_as_a_mistake():
    with pytest.raises(ZeroDivisionError):
        run(failing(ZeroDivisionError("division by zero")), [])


def test_ctrl_c_ends_cleanly(capsys):
    with pytest.raises(SystemExit) as left:
        run(failing(KeyboardInterrupt()), [])
    assert left.value.code == 130
    assert "Traceback" not in capsys.readouterr().err


def test_success_is_exit_code_zero():
    with pytest.raises(SystemExit) as left:
        run(lambda: None, [])
    assert left.value.code == 0


def test_debug_shows_the_traceback_wherever_it_stands(tmp_path):
    words = ("envs", "--json", str(tmp_path / "missing" / "list.json"))
    plain = beamgym(*words)
    assert plain.returncode == 1
    assert plain.stderr.startswith("error: cannot write")
    assert len(plain.stderr.splitlines()) == 1
    for asked in (("--debug", *words), (*words, "--debug")):
        done = beamgym(*asked)
        assert done.returncode == 1
        assert "Traceback" in done.stderr
        assert "ValueError: cannot write" in done.stderr


def test_a_wrong_option_or_verb_is_exit_code_two():
    for words in (["envs", "--nonsense"], ["dance"]):
        assert CliRunner().invoke(main.app, words).exit_code == 2


@pytest.mark.parametrize(
    ("words", "told", "verb"),
    [
        (["envs", "--nonsense"], "--nonsense", "beamgym envs"),
        (["--nonsense"], "--nonsense", "beamgym"),
        (["dance"], "'dance'", "beamgym"),
        (["index"], "Missing argument", "beamgym index"),
        (["benchmark", "--seed", "a"], "'--seed'", "beamgym benchmark"),
    ],
)
def test_wrong_words_are_answered_in_one_line(words, told, verb):
    done = beamgym(*words)
    assert done.returncode == 2
    assert not done.stdout
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: ")
    assert told in done.stderr
    assert done.stderr.endswith(f"; see {verb} --help\n")


def test_without_words_the_help_is_shown():
    done = beamgym()
    assert done.returncode == 0
    assert "benchmark" in done.stdout


def test_the_version_is_printed():
    import beamgym

    assert CliRunner().invoke(main.app, ["--version"]).output.strip() == beamgym.__version__


def test_envs_lists_every_registered_environment_with_its_page():
    from beamgym.envs import ENVIRONMENTS

    for page in (entry.page for entry in ENVIRONMENTS.values()):
        assert (ROOT / page).is_file()
