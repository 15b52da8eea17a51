"""--set NAME=VALUE: every option of an environment by its type, and one line for what cannot be."""

import json
import subprocess
import sys

import pytest

from beamgym.physics.laue.indexing import MOST_GRAINS
from beamgym.scripts.benchmark import benchmark_command
from beamgym.scripts.indexing import defaults
from beamgym.scripts.main import available_verbs, module_of
from beamgym.scripts.settings import read_settings

LAUE, ZONE, ARPES = "beamgym/LaueAlign-v0", "beamgym/LaueZone-v0", "beamgym/ArpesSpot-v0"


@pytest.mark.parametrize(
    ("env_id", "words", "value"),
    [
        (LAUE, "exposures=7", 7),
        (LAUE, "tolerance_deg=1", 1.0),
        (LAUE, "level=hard", "hard"),
        (LAUE, "target=axis [001] x", "axis [001] x"),
        (LAUE, "crystals=[Si, quartz]", ["Si", "quartz"]),
        (LAUE, "action=axes", "axes"),
        (ZONE, "system=cubic", "cubic"),
        (ARPES, "surfaces=2", 2),
        (ARPES, "surfaces=none", None),
    ],
)
def test_words_become_what_the_field_is(env_id, words, value):
    (found,) = read_settings(env_id, [words]).values()
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["exposurs=7"], "did you mean exposures"),
        (["exposures"], "write NAME=VALUE"),
        (["exposures=many"], "exposures=many: give a whole number"),
        (["level=easy", "level=hard"], "level is given twice"),
    ],
)
def test_what_cannot_be_is_one_line_with_the_remedy(words, said):
    with pytest.raises((ValueError, TypeError), match=said):
        read_settings(LAUE, words)


def test_an_option_of_its_own_and_a_setting_are_one_too_many():
    with pytest.raises(ValueError, match="give it once"):
        read_settings(LAUE, ["level=hard"], ("level",))


def test_the_benchmark_plays_what_was_set_and_writes_it_down(as_verb, tmp_path):
    file = tmp_path / "figures.json"
    words = ("--policy", "no-op", "--episodes", "2", "--set", "exposures=3", "--json", str(file))
    result = as_verb(benchmark_command, columns=100)(LAUE, *words)
    assert result.exit_code == 0, result.output
    content = json.loads(file.read_text())
    assert content["options"] == {"exposures": 3}
    assert content["policies"]["no-op"]["exposures_median"] == 3


def test_the_help_of_no_verb_waits_for_what_only_the_work_needs():
    names = [module_of(verb) for verb in available_verbs() if verb != "speed"]  # its help lists its kernels' rows
    code = (
        f"import sys, importlib\nfor name in {names}:\n    importlib.import_module(name)\n"
        "late = ('numba', 'scipy', 'matplotlib', 'torch', 'pymatgen', 'stable_baselines3', 'onnx', 'h5py')\n"
        "print(sorted(name for name in late if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_number_of_grains_is_that_of_the_search():
    assert defaults.MOST_GRAINS == MOST_GRAINS
