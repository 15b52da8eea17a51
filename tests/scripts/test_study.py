"""`beamgym study` writes its figure and its numbers, and leaves the ladders out where there is no measured cut."""

import json

import pytest
from PIL import Image

from beamgym.scripts.study import study_command


@pytest.fixture
def study(as_verb, monkeypatch, tmp_path):
    monkeypatch.delenv("BEAMGYM_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    return as_verb(study_command, columns=140)


def test_one_command_writes_the_figure_and_the_numbers_under_it(study, tmp_path):
    file = tmp_path / "study.json"
    result = study("--seed", "1", "--places", "8", "--out", "pictures", "--json", str(file))
    assert result.exit_code == 0, result.output
    assert "ladders skipped: no arpes/bi2se3_cut.npz" in result.output
    content = json.loads(file.read_text())
    assert set(content) == {"seed", "maps", "ladders"}
    assert content["ladders"] is None
    maps = content["maps"]
    assert set(maps["spearman"]) == {"cnn_truth", "bms_truth", "electrons_truth", "cnn_bms"}
    assert list(maps["spectra"]) == list("ABCDE")
    assert f"{maps['spearman']['cnn_truth']:.3f}" in result.output
    with Image.open(tmp_path / "pictures" / "arpes_study.png") as picture:
        assert picture.width > 1000
    assert [entry.name for entry in (tmp_path / "pictures").iterdir()] == ["arpes_study.png"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--places", "3"], "8 to 64"),
        (["--seed", "-1"], "seed"),
        (["--json", "nowhere/at/all.json"], "directory that exists"),
    ],
)
def test_a_mistake_is_a_failure_that_says_why(study, arguments, says):
    result = study(*arguments, "--no-ladders")
    assert result.exit_code == 1
    assert says in str(result.exception) + result.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--no-maps", "--no-ladders"], "nothing to do without maps and ladders"),
        (["--no-maps"], "the ladders need the measured cut; name its folder by --data or BEAMGYM_DATA"),
    ],
)
def test_a_study_of_nothing_is_refused_before_a_folder_is_made(study, tmp_path, arguments, says):
    result = study(*arguments, "--out", "pictures")
    assert result.exit_code == 1
    assert says in str(result.exception)
    assert not (tmp_path / "pictures").exists()
