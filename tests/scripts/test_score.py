"""`beamgym score`: files scored and maps drawn; wrong units, no bands, other windows told; a scan watched."""

import json

import numpy as np
import pytest
from PIL import Image

from beamgym.agents.measured import score_measured
from beamgym.envs.arpes_spot.scoring import Quality, shipped_scorer
from beamgym.physics.arpes.load import LabelledArray, LabelledAxis, LoadWords, from_array, load
from beamgym.physics.arpes.recipes import generate, recipe_grid
from beamgym.physics.counter_rng import make_keys
from beamgym.scripts.score import score_command
from beamgym.scripts.score import watch as watching
from beamgym.scripts.score.files import Scoring
from beamgym.scripts.score.text import score_words
from beamgym.scripts.score.watch import watch_folder

GRID = recipe_grid((96, 96))


@pytest.fixture(scope="module")
def spectra():
    """The eight brightest of forty simulated spectra, the best last."""
    batch = generate("published", make_keys(np.arange(40)), GRID)
    return batch.counts[np.argsort(batch.v2.total)[-8:]]


@pytest.fixture
def score(as_verb, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return as_verb(score_command, columns=200)


def save(path, counts, energy=GRID.energy_ev, angle=GRID.slit_deg, **more):
    np.savez(path, I=counts, E=energy, angle=angle, **more)
    return path


def cut(tmp_path, counts, name="cut.npz", **axes):
    path = tmp_path / name
    np.savez(path, I=counts[:, :-1], E=axes.get("energy", GRID.energy_ev), angle=axes.get("angle", GRID.slit_deg[:-1]))
    return path


def test_a_cut_is_scored_with_its_window_and_its_numbers(score, spectra, tmp_path):
    file = tmp_path / "found.json"
    result = score(cut(tmp_path, spectra[-1]), "--unit", "deg", "--json", file, "--out", "pictures")
    assert result.exit_code == 0, result.output
    for words in (
        "E − E_F -0.55",
        "Fermi     0.000 eV, as the file has it",
        "like what the scorer knows: yes",
        "total",
    ):
        assert words in result.output
    (found,) = json.loads(file.read_text())["files"]
    assert found["known"] == "yes"
    assert found["doubts"] == []
    assert found["total"] == pytest.approx(score_measured(load(tmp_path / "cut.npz")).total[0])
    with Image.open(tmp_path / "pictures" / "cut_score.png") as picture:
        assert picture.width >= 400


def test_a_wider_file_scores_like_its_window(spectra):
    """What lies beyond the window changes nothing: the user never has to crop."""
    wide = np.random.default_rng(0).poisson(4.0, (140, 130))
    energy = GRID.energy_ev[0] + (np.arange(140) - 30) * GRID.energy_step_ev
    angle = GRID.slit_deg[0] + (np.arange(130) - 17) * GRID.slit_step_deg
    wide[30:126, 17:113] = spectra[-1]
    axes = (LabelledAxis("eV", energy), LabelledAxis("alpha", angle, "deg"))
    verdict = score_measured(from_array(LabelledArray("wide", wide, axes)))
    assert verdict.window.shape == (96, 96)
    own = (LabelledAxis("eV", GRID.energy_ev), LabelledAxis("alpha", GRID.slit_deg, "deg"))
    np.testing.assert_allclose(
        verdict.scores, score_measured(from_array(LabelledArray("own", spectra[-1], own))).scores
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda counts: 0.02 * counts, "rates? say --gain 0.02"),
        (lambda counts: 40.0 * counts, "one electron is 3"),
        (
            lambda counts: np.random.default_rng(0).poisson(counts.mean(axis=1, keepdims=True) * np.ones(96)),
            "no bands are seen",
        ),
    ],
    ids=["rates", "a gain", "a gold film"],
)
def test_wrong_units_and_bandless_films_are_doubted(score, spectra, tmp_path, change, words):
    result = score(cut(tmp_path, change(spectra[-1])), "--unit", "deg")
    assert result.exit_code == 0
    assert words in result.output
    assert "like what the scorer knows: yes" not in result.output


def test_a_stated_gain_gives_the_same_score(score, spectra, tmp_path):
    plain, rates = (load(cut(tmp_path, unit * spectra[-1], f"{unit}.npz"), words) for unit, words in
                    ((1.0, LoadWords()), (0.25, LoadWords(gain=0.25))))  # fmt: skip
    np.testing.assert_allclose(score_measured(rates).scores, score_measured(plain).scores, atol=1e-4)
    assert load(tmp_path / "0.25.npz", LoadWords(gain="noise")).gain == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (slice(0, 60), "the Fermi level was not measured"),
        (slice(40, 96), "of the window's energies were measured"),
    ],
)
def test_windows_that_the_scorer_does_not_know_are_doubted(spectra, rows, words):
    axes = (LabelledAxis("eV", GRID.energy_ev[rows]), LabelledAxis("alpha", GRID.slit_deg, "deg"))
    verdict = score_measured(from_array(LabelledArray("part", spectra[-1][rows], axes)), shipped_scorer("v2"))
    assert any(words in line for line in verdict.doubts)
    assert verdict.known(0) != "yes"


class Composed:
    """A scorer that is told the rows' energies, and tells F."""

    name, definition = "composed", "v2"

    def __init__(self):
        self.told = []

    def quality(self, counts, energy_ev=None):
        self.told.append(energy_ev)
        m = len(counts)
        scores = np.tile(np.array([0.9, 0.8, 0.7, 6.0], np.float32), (m, 1))
        return Quality(scores, 0.1 * scores, np.full(m, 0.2, np.float32), np.full(m, 5.0), np.full(m, 0.5))


def test_a_scorer_that_asks_for_energies_is_told_them_and_f_is_shown(spectra):
    axes = (LabelledAxis("eV", GRID.energy_ev[40:]), LabelledAxis("alpha", GRID.slit_deg, "deg"))
    scorer = Composed()
    verdict = score_measured(from_array(LabelledArray("part", spectra[-1][40:], axes)), scorer)
    assert verdict.components == ("S", "B", "N", "F", "total")
    assert score_words(verdict, 0).endswith("F 5.00 ± 0.50  total 6.00 ± 0.60")
    np.testing.assert_allclose(scorer.told[0][[0, -1]], [-0.255, 0.15], atol=0.01)
    assert not any("window's energies" in line for line in verdict.doubts)


def test_a_map_becomes_tables_a_picture_and_its_best_sites(score, spectra, tmp_path):
    counts = spectra[np.array([[0, 1, 2, 3], [4, 5, 6, 7], [3, 2, 1, 0]])]
    save(tmp_path / "map.npz", counts[..., :-1], angle=GRID.slit_deg[:-1], x=np.arange(4.0), y=np.arange(3.0) + 10)
    result = score(tmp_path / "map.npz", "--unit", "deg", "--best", "2", "--json", "map.json")
    assert result.exit_code == 0, result.output
    assert "12 (3 x 4)" in result.output
    table = np.genfromtxt(tmp_path / "out" / "map_score.csv", delimiter=",", names=True)
    with np.load(tmp_path / "out" / "map_score.npz") as stored:
        assert stored["total"].shape == (3, 4)
        np.testing.assert_allclose(stored["total"].ravel(), table["total"], rtol=1e-4)
    best = json.loads((tmp_path / "map.json").read_text())["files"][0]["best"]
    row = int(np.nanargmax(table["total"]))
    assert (best[0]["x"], best[0]["y"]) == (table["x"][row], table["y"][row])
    assert max(abs(best[0]["x"] - best[1]["x"]), abs(best[0]["y"] - best[1]["y"])) >= 2.0
    assert (tmp_path / "out" / "map_score.png").stat().st_size > 10_000


def test_a_map_without_angles_gets_no_total(score, spectra, tmp_path):
    edc = spectra[:6].sum(axis=2).reshape(2, 3, -1)
    np.savez(tmp_path / "xye.npz", I=edc, E=GRID.energy_ev, x=np.arange(3.0), y=np.arange(2.0))
    result = score(tmp_path / "xye.npz", "--json", "xye.json")
    assert result.exit_code == 0, result.output
    assert "no score of bands" in result.output
    assert "total" not in result.output
    assert json.loads((tmp_path / "xye.json").read_text())["files"][0]["total"] is None
    names = (tmp_path / "out" / "xye_score.csv").read_text().splitlines()[0].split(",")
    assert {"x", "y", "electrons", "line_over_median", "background_share"} <= set(names)


def test_several_files_are_ranked_and_a_bad_one_is_told(score, spectra, tmp_path):
    (tmp_path / "scan").mkdir()
    for number in (0, 7):
        cut(tmp_path / "scan", spectra[number], f"{number}.npz")
    (tmp_path / "scan" / "bad.npz").write_bytes(b"PK half")
    result = score(tmp_path / "scan", "--unit", "deg")
    assert result.exit_code == 1
    assert "1. 7.npz" in result.output
    assert "2. 0.npz" in result.output
    assert "bad.npz" in result.output
    assert "1 files could not be scored" in str(result.exception)
    names = (tmp_path / "out" / "scan_score.csv").read_text().splitlines()
    assert names[0].startswith("spectrum,S,B,N,")
    assert [line.split(",")[0] for line in names[1:]] == ["0.npz: I", "7.npz: I"]


def test_a_folder_of_cuts_with_coordinates_becomes_a_map(score, spectra, tmp_path):
    (tmp_path / "grid").mkdir()
    for number in range(4):
        place = {"x": 0.1 * (number % 2), "y": 5.0 + 0.1 * (number // 2), "z": 3.0}
        save(tmp_path / "grid" / f"{number}.npz", spectra[2 * number][:, :-1], angle=GRID.slit_deg[:-1], **place)
    result = score(tmp_path / "grid", "--unit", "deg")
    assert result.exit_code == 0, result.output
    assert "1. 3.npz: I, y 5.1, x 0.1: S" in result.output
    table = np.genfromtxt(tmp_path / "out" / "grid_score.csv", delimiter=",", names=True, usecols=(1, 2, 6))
    np.testing.assert_allclose(table["x"], [0.0, 0.1, 0.0, 0.1])
    np.testing.assert_allclose(table["y"], [5.0, 5.0, 5.1, 5.1])
    assert (tmp_path / "out" / "grid_score.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "name files or folders to score, or a folder to --watch"),
        (["a.npz", "--watch", "."], "name files or folders to score"),
        (["a.npz", "--kinetic", "--binding"], "either --kinetic or --binding"),
        (["a.npz", "--gain", "ten"], "neither a number nor noise"),
        (["a.npz", "--unit", "K"], "--unit K is not known"),
        (["a.npz"], "there is no file a.npz"),
        (["--watch", "nowhere"], "no folder nowhere to watch"),
    ],
)
def test_a_mistake_is_one_line(score, words, says):
    result = score(*words)
    assert result.exit_code == 1
    assert says in str(result.exception)


def test_a_watch_scores_settled_files_once_and_again_when_they_change(spectra, tmp_path, capsys):
    from beamgym.envs.arpes_spot import shipped_scorer

    cut(tmp_path, spectra[0], "a.npz")
    whole = cut(tmp_path, spectra[7], "b.npz").read_bytes()
    (tmp_path / "b.npz").unlink()
    looks = []

    def sleep(seconds):
        looks.append(seconds)
        if len(looks) == 2:
            (tmp_path / "b.npz").write_bytes(whole[: len(whole) // 2])  # a scan that is still writing
        if len(looks) == 4:
            (tmp_path / "b.npz").write_bytes(whole)
        if len(looks) == 7:
            cut(tmp_path, spectra[3], "a.npz")
        if len(looks) == 8:
            (tmp_path / "c.npz").write_bytes(b"PK never whole")
        if len(looks) == 8 + watching.PATIENCE + 4:
            raise KeyboardInterrupt

    scoring = Scoring(LoadWords(units=("deg",)), shipped_scorer("v2", mirrored=True), None, 5)
    done = watch_folder(tmp_path, scoring, 0.5, sleep)
    told = capsys.readouterr()
    assert [report["path"].rpartition("/")[2] for report in scoring.reports] == ["a.npz", "b.npz", "a.npz", "c.npz"]
    assert "error" in scoring.reports[-1]
    assert told.out.count("a.npz") == 2
    assert "2 files scored" in told.err
    assert set(looks) == {0.5}
    assert {path.name for path in done} == {"a.npz", "b.npz", "c.npz"}
