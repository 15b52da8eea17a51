"""`beamgym gap` reads EDCs, cuts, series and maps and tells gaps with errors; a mistake is one line with its remedy."""

import json

import numpy as np
import pytest

from beamgym.physics.arpes.gaps import MODELS, GapSpectrum, fold_of
from beamgym.physics.arpes.gaps.kernels import BAND, VELOCITY, expected
from beamgym.physics.arpes.gaps.models import priors_of
from beamgym.scripts.gap import gap_command

ENERGY = np.arange(-0.12, 0.0505, 0.0015)
STATED = ("--temperature", "15", "--resolution", "8")
KNOWN = (*STATED, "--fermi", "0+-0.0005")


def counts_of(gap, electrons=2e4, kelvin=15.0, along=(0.0,), kind="superconducting", seed=1):
    """Counts (columns, n) of usual parameters; a cut's band crosses off its middle."""
    spectrum = GapSpectrum(ENERGY, np.ones(ENERGY.size), kelvin, 0.008, 0.0005)
    fold, p = fold_of(spectrum), priors_of(MODELS[kind], 1.0, 0.0005).centre.copy()
    if len(along) > 1:
        p[BAND], p[VELOCITY] = 0.01, 0.06
    place = np.array(along)
    mean = expected(MODELS[kind].code, fold.fine, fold.first, fold.weights, place, spectrum.kt_ev, gap, p)
    return np.random.default_rng(seed).poisson(mean * electrons / mean.sum())


def text_file(folder, energy, counts, name="edc.txt"):
    np.savetxt(folder / name, np.column_stack([energy, counts]), fmt="%.5f")
    return folder / name


@pytest.fixture
def gap(as_verb):
    return as_verb(gap_command, columns=200)


def words_of(result):
    return f"{result.output} {result.exception}".replace("\n", " ")


def told(result, path):
    assert result.exit_code == 0, result.output
    return json.loads(path.read_text())


def test_an_edc_of_two_columns_gives_its_gap_table_and_picture(gap, tmp_path):
    file, report = text_file(tmp_path, ENERGY, counts_of(0.012)[0]), tmp_path / "r.json"
    result = gap(file, *KNOWN, "--fits", "--out", tmp_path / "out", "--json", report)
    row = told(result, report)["rows"][0]
    assert row["seen"]
    assert abs(row["gap_ev"] - 0.012) < 3.0 * row["error_ev"]
    assert "GAP" in result.output
    assert "symmetrised" in result.output
    assert (tmp_path / "out" / "edc_gaps.csv").read_text().startswith("electrons,")
    assert (tmp_path / "out" / "edc_gaps.png").read_bytes()[:4] == b"\x89PNG"
    assert "is there already" in words_of(gap(file, *KNOWN, "--out", tmp_path / "out"))


def test_none_is_told_with_a_bound_and_the_limit(gap, tmp_path):
    result = gap(text_file(tmp_path, ENERGY, counts_of(0.0)[0]), *KNOWN)
    assert "NO GAP is seen; smaller than" in result.output
    assert "cannot be told from none" in result.output


def test_energies_that_run_backwards_or_count_binding_give_the_same_gap(gap, tmp_path):
    counts, answers = counts_of(0.012)[0], []
    for number, (energy, values) in enumerate([(ENERGY, counts), (ENERGY[::-1], counts[::-1]), (-ENERGY, counts)]):
        report = tmp_path / f"{number}.json"
        result = gap(text_file(tmp_path, energy, values, f"{number}.txt"), *KNOWN, "--binding", "--json", report)
        answers.append(told(result, report)["rows"][0]["gap_ev"])
    assert np.ptp(answers) < 1e-5


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_gold_on_the_same_axis_gives_the_fermi_level_and_its_error(gap, tmp_path, sign):
    metal = counts_of(0.0, 1e6, kind="hard", seed=2)[0]
    shift = 16.8 if sign > 0 else 0.004
    file = text_file(tmp_path, sign * (ENERGY + shift), counts_of(0.012)[0])
    gold, report = text_file(tmp_path, sign * (ENERGY + shift), metal, "gold.txt"), tmp_path / "r.json"
    found = told(gap(file, *STATED, "--gold", gold, "--json", report), report)
    assert 0.0 < found["fermi_error_ev"] < 3e-4
    assert abs(found["rows"][0]["gap_ev"] - 0.012) < 3.0 * found["rows"][0]["error_ev"]


def test_a_cut_is_fitted_as_a_whole_or_column_by_column(gap, tmp_path):
    cut = counts_of(0.012, 5e4, along=np.linspace(-1, 1, 10))
    np.savez(tmp_path / "cut.npz", counts=cut, energy=ENERGY, k=np.linspace(-0.1, 0.1, 10))
    whole = told(gap(tmp_path / "cut.npz", *KNOWN, "--json", tmp_path / "w.json"), tmp_path / "w.json")
    (row,) = whole["rows"]
    assert abs(row["gap_ev"] - 0.012) < 3.0 * row["error_ev"]
    each = told(
        gap(tmp_path / "cut.npz", *KNOWN, "--each", "--every", "2", "--json", tmp_path / "e.json"), tmp_path / "e.json"
    )
    assert len(each["rows"]) == 10
    assert each["axes"] == ["k"]
    summed = gap(tmp_path / "cut.npz", *KNOWN, "--kind", "hard", "--at", "0.01", "--within", "0.02")
    assert summed.exit_code == 0
    assert "NOT OF THIS KIND" in summed.output
    assert "--at DEG" in words_of(gap(tmp_path / "cut.npz", *KNOWN, "--kind", "hard"))


def test_a_series_in_temperature_and_a_map_give_tables(gap, tmp_path):
    kelvins = np.array([8.0, 40.0])
    series = np.stack([counts_of(g, kelvin=t)[0] for g, t in zip((0.015, 0.0), kelvins, strict=True)])
    np.savez(tmp_path / "t.npz", counts=series, energy=ENERGY, temperature=kelvins)
    report = tmp_path / "t.json"
    rows = told(gap(tmp_path / "t.npz", "--resolution", "8", "--json", report), report)["rows"]
    assert [row["seen"] for row in rows] == [True, False]
    assert [row["temperature_k"] for row in rows] == [8.0, 40.0]
    sites = np.stack([counts_of(g)[0] for g in (0.02, 0.0, 0.02, 0.0, 0.02, 0.02)]).reshape(2, 3, -1)
    np.savez(tmp_path / "m.npz", counts=sites, energy=ENERGY, y=np.arange(2.0), x=np.arange(3.0))
    result = gap(tmp_path / "m.npz", *KNOWN, "--out", tmp_path / "out")
    assert "a gap is seen in 4 of 6" in result.output
    assert (tmp_path / "out" / "m_gaps.png").is_file()


def test_an_edc_whose_momentum_is_hardly_known_has_a_larger_error(gap, tmp_path):
    file, errors = text_file(tmp_path, ENERGY, counts_of(0.006)[0]), []
    for words in ("0+-0.5", "0+-6"):
        report = tmp_path / f"{words}.json"
        errors.append(told(gap(file, *KNOWN, "--band", words, "--json", report), report)["rows"][0]["error_ev"])
    assert errors[1] > 1.03 * errors[0]


def test_symmetrising_a_density_wave_is_refused(gap, tmp_path):
    file = text_file(tmp_path, ENERGY, counts_of(0.012, kind="cdw")[0])
    result = gap(file, *KNOWN, "--kind", "cdw", "--centre", "0+-2", "--fits")
    assert "refused: the gap need not be centred on the Fermi level" in result.output


def test_kinds_are_compared_where_none_is_stated(gap, tmp_path):
    report = tmp_path / "r.json"
    file = text_file(tmp_path, ENERGY, counts_of(0.012, kind="hard")[0])
    result = gap(file, *KNOWN, "--kind", "any", "--json", report)
    row = told(result, report)["rows"][0]
    assert row["kind"] == "hard"
    assert sum(row["kinds"].values()) == pytest.approx(1.0)
    assert abs(row["gap_ev"] - 0.012) < 3.0 * row["error_ev"]
    assert "KIND hard is the likeliest" in result.output


@pytest.mark.parametrize(
    ("change", "words", "said"),
    [
        ({}, ("--temperature", "15"), "Missing option '--resolution'"),
        ({}, ("--resolution", "8"), "state it: --temperature K"),
        ({}, (*STATED, "--kind", "nodal"), "choose one of superconducting, cdw, hard, dynes"),
        ({}, (*STATED, "--centre", "2"), "centred on the Fermi level"),
        ({}, (*STATED, "--fermi", "0"), "say how well it is known"),
        ({}, (*STATED, "--kind", "hard", "--band", "0+-3"), "--band is for superconducting EDCs"),
        ({}, ("--temperature", "15+", "--resolution", "8"), "as 20+-2"),
        ({}, (*STATED, "--window", "-50", "-10"), "above the Fermi level"),
        ({}, (*STATED, "--gold", "none.txt", "--fermi", "0+-0.001"), "say one of them"),
        ({}, ("--temperature", "-4", "--resolution", "8"), "in kelvin, above 0"),
        ({}, ("--temperature", "15", "--resolution", "0.008"), "0.1 to 200 meV"),
        ({"energy": ENERGY + 16.8}, STATED, "--gold FILE"),
        ({"energy": 1e3 * ENERGY}, STATED, "--unit meV"),
        ({"energy": ENERGY - 0.2}, (*STATED, "--binding"), "--fermi EV+-EV"),
        ({"energy": np.sign(ENERGY) * np.abs(ENERGY) ** 1.5}, STATED, "even steps"),
        ({"counts": np.full(ENERGY.size, np.nan)}, STATED, "no number that is finite"),
        ({"counts": np.linspace(-100.0, 50.0, ENERGY.size)}, STATED, "negative"),
        ({"counts": np.zeros(ENERGY.size)}, STATED, "no counts"),
        ({"counts": np.where(np.abs(ENERGY + 0.05) < 0.003, np.nan, 9.0)}, STATED, "are NaN; cut them off"),
    ],
)
def test_a_mistake_is_one_line_with_its_remedy(gap, tmp_path, change, words, said):
    given = {"energy": ENERGY, "counts": counts_of(0.012)[0]} | change
    result = gap(text_file(tmp_path, given["energy"], given["counts"]), *words)
    assert result.exit_code != 0
    assert said in words_of(result)
    assert result.exception is None or isinstance(result.exception, ValueError | SystemExit)
