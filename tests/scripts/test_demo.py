"""`beamgym demo`: crystals aligned, a table, pictures that open, figures as the benchmark has them; or one line."""

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from beamgym.agents.baselines.align.calibrating import Calibrating
from beamgym.agents.baselines.align.index_and_move import IndexAndMove
from beamgym.agents.evaluation.demo_episodes import play
from beamgym.agents.evaluation.evaluator import evaluate, make_vector_env
from beamgym.agents.evaluation.seeds import first_seed
from beamgym.scripts import main
from beamgym.scripts.demo import DEMO_ENV_ID

MGO = """data_MgO
_cell_length_a 4.212
_cell_length_b 4.212
_cell_length_c 4.212
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_name_H-M_alt 'F m -3 m'
_space_group_IT_number 225
loop_
_space_group_symop_operation_xyz
'x, y, z'
'x, y+1/2, z+1/2'
'x+1/2, y, z+1/2'
'x+1/2, y+1/2, z'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_B_iso_or_equiv
Mg Mg 0 0 0 0.3
O O 0.5 0.5 0.5 0.35
"""


def demo(*words):
    return CliRunner().invoke(main.app, ["demo", *(str(word) for word in words)])


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """One run on silicon and a crystal from a CIF file: (output, report, folder)."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "MgO.cif").write_text(MGO)
    words = ("--cif", folder / "MgO.cif", "--episodes", 2, "--seed", 3)
    result = demo(*words, "--out", folder / "pictures", "--json", folder / "demo.json")
    assert result.exit_code == 0, result.output
    return result.output, json.loads((folder / "demo.json").read_text()), folder


def test_both_crystals_end_aligned(shown):
    _, report, _ = shown
    assert [entry["crystal"] for entry in report["crystals"]] == ["Si", "MgO"]
    assert report["episodes"] == 4
    for entry in report["crystals"]:
        assert entry["success_rate"] == 1.0
        for episode in entry["episodes"]:
            assert episode["final_deg"] < 0.25 < episode["start_deg"]


def test_the_table_says_by_which_policy(shown):
    output, report, _ = shown
    policies = [entry["policy"] for entry in report["crystals"]]
    assert policies == ["calibrating", "calibrating"]
    assert output.count("policy: calibrating, which aligned") == 1
    for name in policies:
        assert name in output
    assert "yes" in output


def test_figures_are_those_of_the_benchmark(shown):
    _, report, _ = shown
    assert set(report) == {"env", "level", "episodes", "seed", "policies", "crystals", "pictures"}
    names = {entry["policy"] for entry in report["crystals"]}
    assert set(report["policies"]) == names
    by_hand = evaluate(Calibrating(), DEMO_ENV_ID, 2, 3, "real", {"crystal": "MgO"})
    mine = report["crystals"][1]
    assert mine["success_rate"] == by_hand.success_rate
    assert set(by_hand.as_dict()) <= set(mine)


def test_pictures_open_and_move(shown):
    output, report, folder = shown
    for path in report["pictures"]:
        assert path in output
        with Image.open(path) as picture:
            assert picture.width >= 900
            if path.endswith(".gif"):
                assert picture.n_frames >= 3
    assert sorted(path.name for path in (folder / "pictures").iterdir()) == sorted(
        path.rsplit("/", 1)[1] for path in report["pictures"]
    )


def test_an_episode_of_the_demo_is_an_episode_of_the_benchmark():
    env = make_vector_env(DEMO_ENV_ID, 1, "real", {"render_mode": "rgb_array"})
    played = play(env, IndexAndMove(), first_seed("benchmark", 7))
    result = evaluate(IndexAndMove(), DEMO_ENV_ID, 1, 7)
    assert played.final_deg == result.episodes.misorientation_deg[0]
    assert played.exposures == result.episodes.exposures[0]
    assert np.isclose(played.instrument_s, result.episodes.instrument_s[0], rtol=1e-12)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--cif", "nowhere.cif"), "nowhere.cif"),
        (("--seed", "-1"), "between 0 and"),
        (("--json", "/nowhere/at/all.json"), "directory that exists"),
        (("--out", "a-file"), "give a folder"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(words, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a-file").write_text("")
    result = demo(*words)
    assert result.exit_code == 1
    (line,) = [line for line in result.output.splitlines() if line.strip()]
    assert line.startswith("error: ")
    assert says in line
    assert [entry.name for entry in tmp_path.iterdir()] == ["a-file"]
