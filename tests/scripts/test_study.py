"""`beamgym study` writes its figure and its numbers, and leaves the ladders out where there are no measured cuts."""

import json

import numpy as np
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
    asked = ("--seed", "1", "--surfaces", "2", "--places", "8", "--out", "pictures", "--json", str(file))
    result = study(*asked)
    assert result.exit_code == 0, result.output
    assert "ladders skipped: no arpes/*_cut.npz" in result.output
    content = json.loads(file.read_text())
    assert set(content) == {"seed", "tuned", "maps", "ladders"}
    assert content["ladders"] is None
    maps = content["maps"]
    assert [one["seed"] for one in maps["surfaces"]] == [1, 2]
    each = [one["spearman"]["composed"] for one in maps["surfaces"]]
    median, low, high = maps["summary"]["composed"]["spearman"]
    assert median == pytest.approx(sum(each) / 2)
    assert min(each) <= low <= median <= high <= max(each)
    assert list(maps["spectra"]) == list("ABCDE")
    assert f"{median:.3f} ({low:.3f}" in result.output
    assert "R² ≥ 0.5, height ≥ 5 σ, else no sharpness" in result.output
    with Image.open(tmp_path / "pictures" / "arpes_study.png") as picture:
        assert picture.width > 1000
    assert [entry.name for entry in (tmp_path / "pictures").iterdir()] == ["arpes_study.png"]


def test_the_cuts_that_a_folder_holds_are_made_worse(study, tmp_path, monkeypatch):
    rows, columns = np.mgrid[:80, :70]
    rate = 20.0 + 400.0 * np.exp(-((columns - 20 - 0.3 * rows) ** 2) / 20.0)
    (tmp_path / "data" / "arpes").mkdir(parents=True)
    np.savez(tmp_path / "data" / "arpes" / "smb6_cut.npz", I=rate, E=np.linspace(-0.55, 0.15, 80))
    file = tmp_path / "study.json"
    result = study("--no-maps", "--draws", "1", "--data", "data", "--json", str(file))
    assert result.exit_code == 0, result.output
    found = json.loads(file.read_text())["ladders"]
    assert set(found) == {"rungs", "carried on"}
    assert set(found["rungs"]) == {"composed", "earlier"}
    assert list(found["rungs"]["composed"]) == ["smb6"]
    assert found["rungs"]["composed"]["smb6"]["thinning"]["spearman"] > 0.8
    assert set(found["carried on"]["earlier"]["smb6"]) == {"energy blur", "background", "flagged"}
    assert not (tmp_path / "out").exists()


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
        (["--no-maps", "--no-ladders"], "nothing to do; leave out --no-maps or --no-ladders, or ask for --tune"),
        (["--no-maps"], "the ladders need measured cuts; name their folder by --data or BEAMGYM_DATA"),
    ],
)
def test_a_study_of_nothing_is_refused_before_a_folder_is_made(study, tmp_path, arguments, says):
    result = study(*arguments, "--out", "pictures")
    assert result.exit_code == 1
    assert says in str(result.exception)
    assert not (tmp_path / "pictures").exists()
