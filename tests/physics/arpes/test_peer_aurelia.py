"""aurelia 0.1.0 as an oracle: the published score on its own component values, and spectra of given parameters."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import ks_2samp

from beamgym.physics.arpes.detection.spectrum import Grid
from beamgym.physics.arpes.recipes.published import PUBLISHED_LATTICES, draw_published, simulate_published
from beamgym.physics.arpes.score.quality import AURELIA_DEFAULT, PAPER_BRACKETS, paper_scores, paper_total
from beamgym.physics.counter_rng import make_keys
from beamgym.scripts.speeds.aurelia_peer import aurelia_spectrum

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]
aurelia = pytest.importorskip("aurelia", reason="aurelia 0.1.0 is not installed: pip install 'beamgym[peers]'")

CASES = 1500
BRACKETS = {"thresholds": "threshold", "penalties": "penalty", "weights": "weight"}


def their_score(case, brackets):
    """Let aurelia score given arrays: a bare object with the attributes that its scoring reads."""
    theirs = aurelia.ARPES.__new__(aurelia.ARPES)
    theirs.intensity, theirs.bkgd, theirs.response = case["arpes"], case["background"], case["response"]
    if case["domains"] is not None:
        theirs.domain = case["domains"]
    modifier = SimpleNamespace(ER=case["resolution_ev"], Temp=case["temperature_k"])
    theirs.spec = SimpleNamespace(mod=modifier, ImS=[case["widths"], 10.0 * case["widths"]])
    theirs.exp = SimpleNamespace(Ne=case["events"])
    words = {word: list(getattr(brackets, name)) for name, word in BRACKETS.items()}
    theirs.Make_quality_score(param=words)
    return theirs.score


def draw_case(rng):
    """Arrays and settings that visit every bracket, bonus and deduction."""
    shape = tuple(rng.integers(4, 24, 2))
    smooth = rng.uniform(0.0, 1.0) < 0.3  # without features: F below the threshold
    band = 1.0 + 1e-3 * rng.random(shape) if smooth else rng.random(shape) ** rng.uniform(0.2, 6.0)
    whole = rng.choice([2e5, 1e5, 9e4, 7e4, 5e4, 3e4, 1e4])
    return {
        "arpes": band,
        "background": rng.choice([0.0, 10.0 ** rng.uniform(-3, 1.5)]) * (1.0 + rng.random(shape)),
        "response": rng.uniform(0.0, 1.0, shape) if rng.random() < 0.5 else np.ones(shape),
        "domains": band + rng.random(shape) if rng.random() < 0.3 else None,
        "resolution_ev": rng.uniform(0.0, 1.2),
        "temperature_k": rng.uniform(0.0, 400.0),
        "widths": rng.uniform(0.0, 0.3, rng.integers(1, 5)),
        "events": int(rng.choice([whole, rng.uniform(1e2, 3e5)])),
    }


@pytest.mark.parametrize("brackets", [PAPER_BRACKETS, AURELIA_DEFAULT])
def test_the_published_score_equals_that_of_the_code(brackets, capsys):
    rng = np.random.default_rng(20)
    totals = np.empty((CASES, 2))
    for i in range(CASES):
        case = draw_case(rng)
        theirs = their_score(case, brackets)
        domains = None if case["domains"] is None else case["domains"][None]
        ours = paper_scores(
            case["arpes"][None],
            case["background"][None],
            case["response"][None],
            resolution_ev=case["resolution_ev"],
            temperature_k=case["temperature_k"],
            width_ev=case["widths"].min(),
            events=case["events"],
            domains=domains,
            brackets=brackets,
        )
        mine = [ours.feature, ours.sharpness, ours.background, ours.counts]
        np.testing.assert_allclose(
            np.ravel(mine), [theirs[k] for k in ("feature", "width", "bkgd", "counts")], rtol=1e-12, atol=1e-12
        )
        own = paper_total(theirs["feature"], theirs["width"], theirs["bkgd"], theirs["counts"], brackets)
        totals[i] = own, theirs["final"]
    capsys.readouterr()
    np.testing.assert_allclose(totals[:, 0], totals[:, 1], rtol=0, atol=1e-12)
    assert len(np.unique(np.round(totals[:, 1], 6))) >= 11  # the cases reach all of the score's values


SHAPE = (96, 112)


@pytest.fixture(scope="module")
def drawn():
    grid = Grid.uniform(shape=SHAPE)
    keys = make_keys(11, np.arange(24))
    parameters = draw_published(keys, grid)
    return grid, parameters, simulate_published(parameters, grid, keys, clean=True)


def matrix_element(p, i, kx, ky):
    """The published matrix element, by numpy, before it is normalised."""
    side = p.element_order[i] + 1
    coefficients = p.element_coefficients[i, : side * side].reshape(side, side)
    return np.polynomial.polynomial.polyval2d(kx, ky, coefficients) * np.cos(p.element_fold[i] * np.arctan(ky / kx))


def their_bands(p, i, grid, monkeypatch):
    """aurelia's bands along our cut, from our parameters; its random hopping ratios are dealt from ours."""
    sites, columns = p.bands[i], grid.shape[1]
    window = np.stack([p.low_inv_a[i], p.high_inv_a[i]])
    bands = aurelia.Bands(PUBLISHED_LATTICES[p.lattice[i]], klim=window, Nbands=sites, Npts=[columns, 220], edges=1.1)
    bands.Make_kpath()
    scale = 1.0 if p.lattice[i] < 2 else 2.0 / np.sqrt(3.0)
    spacing = {"a": scale * np.pi / window[1, 0], "b": np.pi / (1.1 * window[1, 1])}
    bands.kpath = np.stack([bands.kax, np.full(columns, p.across_inv_a[i])], axis=1)
    rectangle = p.lattice[i] == 0
    deal = iter(p.hopping_ratio[i].ravel() if rectangle else p.hopping_ratio[i, :, 0])
    with monkeypatch.context() as patch:
        patch.setattr(np.random, "rand", lambda *_: next(deal))
        hopping = p.hopping_ev[i, :sites] if rectangle else p.hopping_ev[i, :sites, 0]
        bands.Make_bands({"E0": p.onsite_ev[i, :sites], "t": hopping}, spacing)
    return bands


def their_image(p, i, grid, monkeypatch):
    """What aurelia makes of our parameters, step by step as its data-generating script goes."""
    bands = their_bands(p, i, grid, monkeypatch)
    spec = aurelia.Spec(bands, dimension="sliceEk", Omega=grid.energy_ev)
    count = bands.bands.shape[1]
    spec.ImS = grid.energy_ev[:, None] ** 2 * p.width_slope_inv_ev[i, :count] + 0.01
    plane = np.meshgrid(bands.kax, bands.kay)
    element = matrix_element(p, i, *bands.kpath.T) - matrix_element(p, i, *plane).min()
    spec.matrix_elements = element[:, None] * p.amplitude[i, :count]
    modifier = aurelia.mod(p.temperature_k[i], {"ER": p.resolution_ev[i], "kR": p.momentum_fwhm_inv_a[i]})
    spec.Make_specfun(modifier)
    spec.Make_specmod(modifier)
    detector = {"response": "center", "sensitivity": p.sensitivity[i], "type": "HA", "slit": "vertical"}
    levels = {"flatA": p.flat[i], "shirA": p.shirley[i], "polyA": p.polynomial[i], "polyOrder": p.ground_order[i]}
    exp = aurelia.experiment(
        spec,
        angles={"th0": np.radians(p.polar_deg[i])},
        hv=p.photon_ev[i],
        bkgd={"type": ["flat", "Shirley", "poly"], **levels},
        Ne=p.events[i],
        detector={**detector, "counting mode": "PC"},
    )
    exp.workfun = p.work_function_ev[i]
    arpes = aurelia.ARPES(spec, exp, dimension="sliceEk")
    arpes.Make_angle_conv()
    side = p.ground_order[i] + 1
    with monkeypatch.context() as patch:
        patch.setattr(np.random, "randn", lambda *_: p.ground_coefficients[i, : side * side].reshape(side, side))
        exp.Make_bkgd(arpes)
    exp.Make_detector_responsivity(arpes)
    arpes.Make_quality_score(
        {"threshold": PAPER_BRACKETS.thresholds, "penalty": PAPER_BRACKETS.penalties, "weight": PAPER_BRACKETS.weights}
    )
    return arpes


@pytest.mark.parametrize("i", range(24))
def test_a_published_spectrum_is_the_one_that_aurelia_makes_of_the_same_parameters(drawn, i, monkeypatch, capsys):
    grid, parameters, batch = drawn
    theirs = their_image(parameters, i, grid, monkeypatch)
    capsys.readouterr()
    np.testing.assert_allclose(
        batch.slit_deg[i], np.degrees(theirs.th), rtol=0, atol=0.02
    )  # its constants have 4 digits
    difference = np.abs(batch.arpes[i] - theirs.intensity)
    assert np.median(difference) < 1e-3
    assert difference.mean() < 3e-3  # one column at the dark edge may differ
    assert (
        np.abs(batch.background[i] - theirs.bkgd).mean() < 0.05 * theirs.bkgd.mean()
    )  # divided by what may be near zero
    score = batch.paper[i : i + 1]
    assert score.feature[0] == pytest.approx(theirs.score["feature"], rel=0.03)
    assert score.sharpness[0] == pytest.approx(theirs.score["width"], abs=1e-9)
    assert score.background[0] == pytest.approx(theirs.score["bkgd"], abs=0.02)
    assert score.counts[0] == pytest.approx(theirs.score["counts"])


def test_random_spectra_are_distributed_as_aurelias_are(capsys):
    grid = Grid.uniform(shape=(100, 224))
    state = np.random.get_state()  # noqa: NPY002 - aurelia draws from numpy's global state
    np.random.seed(1)  # noqa: NPY002
    theirs = np.array([aurelia_spectrum(aurelia, grid.shape, np.random)[1] for _ in range(250)])
    np.random.set_state(state)  # noqa: NPY002
    capsys.readouterr()
    keys = make_keys(9, np.arange(1000))
    ours = simulate_published(draw_published(keys, grid), grid, keys).paper
    for column, name in enumerate(("feature", "sharpness", "background", "counts", "total")):
        assert ks_2samp(theirs[:, column], getattr(ours, name)).pvalue > 0.005, name
