"""A scorer sees counts, whatever the detector's pixels are, and says when it should not be asked."""

import numpy as np
import pytest

from beamgym.envs.arpes_spot.scoring import COMPONENTS, QualityScorer, scorer_input, shipped_scorer
from beamgym.envs.arpes_spot.scoring_kernels import BLOCKS, FEATURES, QUANTILES, SIDE
from beamgym.envs.bundles.model import BundleError, OnnxModel
from beamgym.physics.arpes.detection.spectrum import Grid
from beamgym.physics.arpes.recipes.recipes import generate, recipe_grid
from beamgym.physics.arpes.score.quality import paper_total, v2_total
from beamgym.physics.arpes.surface.flakes import Analyser
from beamgym.physics.arpes.surface.levels import surface_numbers
from beamgym.physics.arpes.surface.surface import SurfaceBank
from beamgym.physics.counter_rng import make_keys

SEED = 20_260  # of no training
FINE = (224, 224)


def cells(pixels):
    """The share of each pixel in each of 64 cells, (64, pixels): the overlap of intervals."""
    low, high = np.arange(pixels) * SIDE / pixels, np.arange(1, pixels + 1) * SIDE / pixels
    start = np.arange(SIDE)[:, None]
    return np.clip(np.minimum(high, start + 1) - np.maximum(low, start), 0.0, None) / (high - low)


def reference(counts):
    """``scorer_input`` of one spectrum in plain numpy, float64."""
    counts = counts.astype(np.float64)
    added = cells(counts.shape[0]) @ counts @ cells(counts.shape[1]).T
    total, mean = counts.sum(), max(added.mean(), 1e-9)
    block = SIDE // BLOCKS
    blocks = np.sort(added.reshape(BLOCKS, block, BLOCKS, block).sum((1, 3)).ravel())
    chosen = blocks[np.arange(QUANTILES) * (BLOCKS**2 - 1) // (QUANTILES - 1)] / (mean * block**2)
    n = min(total / 1e5, 1.0)
    return np.minimum(np.sqrt(added / mean), 8.0), [
        np.log10(1.0 + total) / 6.0,
        n,
        0.1 * paper_total(1e3, 1.0, 0.85, n),
        0.1 * v2_total(1e3, 1.0, 0.85, n),
        min(np.sqrt(added.max() / mean) / 8.0, 4.0),
        (added < 0.5).mean(),
        *np.minimum(np.sqrt(chosen), 8.0),
    ]


@pytest.fixture(scope="module")
def fine():
    """48 published spectra of 224 x 224 pixels."""
    return generate("published", make_keys(SEED, np.arange(48)), recipe_grid(FINE), clean=True)


@pytest.fixture(scope="module")
def surfaces():
    """32 spectra of random places of two surfaces, on the sample and beside it."""
    draw, bank = (
        np.random.default_rng(3),
        SurfaceBank(2, Analyser(Grid.uniform(shape=(64, 64))), surface_numbers("real")),
    )
    for slot in range(2):
        bank.draw(slot, make_keys(SEED, np.array([slot]), 1)[0])
    counts = np.zeros((32, 64, 64), np.float32)
    rows = np.arange(32)
    places, dwell = draw.uniform(-1.0, 1.0, (32, 2)), draw.uniform(0.1, 3.0, 32)
    bank.expose(rows, rows % 2, places, dwell, np.zeros(32), make_keys(SEED, rows, 2), counts)
    return counts


def rough(shape, spectra=2):
    return (
        np.random.default_rng(1).poisson(np.random.default_rng(2).uniform(0, 5, (spectra, *shape))).astype(np.float32)
    )


class TestWhatANetworkIsGiven:
    @pytest.mark.parametrize("shape", [(64, 64), (224, 224), (532, 500), (65, 127), (64, 300)])
    def test_it_is_the_plain_sum_over_cells(self, shape):
        counts = rough(shape)
        seen = scorer_input(counts)
        for i, one in enumerate(counts):
            image, numbers = reference(one)
            np.testing.assert_allclose(seen["image"][i], image, atol=2e-4)
            np.testing.assert_allclose(seen["intensity"][i], numbers, atol=2e-4)

    @pytest.mark.parametrize("shape", [(64, 64), (224, 224), (532, 500)])
    def test_no_electron_is_lost_or_counted_twice(self, shape):
        counts = rough(shape)
        seen = scorer_input(counts)
        electrons = 10.0 ** (6.0 * seen["intensity"][:, 0].astype(np.float64)) - 1.0
        np.testing.assert_allclose(electrons, counts.sum((1, 2)), rtol=1e-4)  # of a float32 logarithm
        np.testing.assert_allclose((seen["image"].astype(np.float64) ** 2).mean((1, 2)), 1.0, rtol=1e-5)

    def test_spectra_of_64_pixels_are_taken_as_they_are(self):
        counts = rough((64, 64))
        np.testing.assert_allclose(
            scorer_input(counts)["image"], np.sqrt(counts / counts.mean((1, 2), keepdims=True)), rtol=1e-5
        )

    def test_the_picture_does_not_tell_how_bright_it_was_and_one_number_does(self):
        counts = rough((64, 64))
        one, ten = scorer_input(counts), scorer_input(10.0 * counts)
        np.testing.assert_allclose(one["image"], ten["image"], rtol=1e-5)
        assert ten["intensity"][:, 0] - one["intensity"][:, 0] == pytest.approx(1.0 / 6.0, abs=1e-4)

    def test_hot_pixels_are_cut_off(self):
        counts = rough((64, 64))
        counts[0, 3, 3] = 1e6
        assert scorer_input(counts)["image"].max() == 8.0

    def test_a_spectrum_without_electrons_gives_numbers(self):
        seen = scorer_input(np.zeros((1, 64, 64)))
        assert seen["image"].max() == 0.0
        assert np.isfinite(seen["intensity"]).all()
        assert np.isfinite(shipped_scorer().quality(np.zeros((1, 64, 64))).scores).all()

    def test_no_spectra_give_no_rows(self):
        assert scorer_input(np.zeros((0, 64, 64)))["intensity"].shape == (0, FEATURES)

    @pytest.mark.parametrize("shape", [(0, 64, 64), (0, 128, 128)])
    @pytest.mark.parametrize("mirrored", [False, True])
    def test_no_spectra_have_no_scores(self, shape, mirrored):
        quality = shipped_scorer("paper", mirrored).quality(np.ones(shape))
        assert quality.scores.shape == quality.uncertainty.shape == (0, len(COMPONENTS))
        assert quality.flagged.shape == (0,)

    @pytest.mark.parametrize("wrong", [np.ones((1, 64, 64), complex), np.full((1, 64, 64), "a")])
    def test_what_is_no_real_number_is_refused(self, wrong):
        with pytest.raises(TypeError, match="counts are real numbers, electrons per pixel; found"):
            scorer_input(wrong)

    @pytest.mark.parametrize("wrong", [np.nan, np.inf, -1.0])
    @pytest.mark.parametrize("shape", [(64, 64), (224, 224)])
    def test_what_is_no_count_is_refused(self, wrong, shape):
        counts = rough(shape)
        counts[1, -1, -1] = wrong
        with pytest.raises(ValueError, match="NaN, infinity or negative counts; give dead pixels the value 0"):
            scorer_input(counts)

    @pytest.mark.parametrize("shape", [(64, 64), (1, 63, 64), (1, 64, 10), (2, 1, 64, 64), (0,), ()])
    def test_another_shape_is_refused_with_the_shape_found(self, shape):
        with pytest.raises(ValueError, match=r"shape \(m, energy, slit\).*found") as caught:
            scorer_input(np.ones(shape))
        assert str(shape) in str(caught.value)


class TestTheShippedScorer:
    def test_it_scores_published_spectra_by_both_readings(self, fine):
        for definition, truth in (("paper", fine.paper), ("v2", fine.v2)):
            off = np.abs(shipped_scorer(definition).quality(fine.counts).scores - truth.labels()).mean(0)
            assert dict(zip(COMPONENTS, off < [0.03, 0.06, 1e-5, 0.5], strict=True)) == dict.fromkeys(COMPONENTS, True)

    def test_the_same_counts_in_fewer_pixels_are_scored_alike(self, fine):
        added = (cells(FINE[0]) @ fine.counts @ cells(FINE[1]).T).astype(np.float32)
        scorer = shipped_scorer("v2")
        np.testing.assert_allclose(scorer(added), scorer(fine.counts), atol=0.02)

    def test_n_is_counted(self, fine):
        expected = np.minimum(fine.counts.sum((1, 2), dtype=np.float64) / 1e5, 1.0)
        np.testing.assert_allclose(shipped_scorer().quality(fine.counts).scores[:, 2], expected, rtol=1e-5)

    def test_a_spectrums_score_does_not_depend_on_its_company(self, fine):
        scorer = shipped_scorer()
        alone = np.concatenate([scorer(one[None]) for one in fine.counts[:5]])
        np.testing.assert_allclose(scorer(fine.counts)[:5], alone, atol=1e-5)

    def test_mirrored_the_mean_counts_and_the_papers_total_stands_on_its_steps(self, fine):
        scorer = shipped_scorer("paper", mirrored=True)
        scores = scorer.quality(fine.counts).scores
        np.testing.assert_allclose(scorer(np.ascontiguousarray(fine.counts[:, :, ::-1])), scores, atol=1e-5)
        s, b, n = scores[:, :3].T.astype(np.float64)
        np.testing.assert_allclose(scores[:, 3], paper_total(1e3, s, b, n), atol=1e-6)

    def test_what_is_said_of_the_error_is_right_on_average(self, fine):
        quality = shipped_scorer("v2").quality(fine.counts)
        off = np.abs(quality.scores[:, 3] - fine.v2.total).mean()
        assert 0.4 < off / quality.uncertainty[:, 3].mean() < 2.5  # 48 spectra

    def test_another_reading_is_refused_and_a_policy_is_no_scorer(self):
        with pytest.raises(ValueError, match="'v3'; choose one of paper, v2"):
            QualityScorer(shipped_scorer().model, "v3")
        model = shipped_scorer().model
        other = OnnxModel.__new__(OnnxModel)
        other.__dict__.update(model.__dict__, manifest=model.manifest.model_copy(update={"kind": "policy"}))
        with pytest.raises(BundleError, match="is a policy, not a scorer"):
            QualityScorer(other)


def noisy(signal, electrons=3e4):
    draw = np.random.default_rng(4)
    return draw.poisson(electrons * signal / signal.sum((1, 2), keepdims=True)).astype(np.float32)


def rising(spectra):
    """Energy of every pixel, 0 to 1, (spectra, 64, 64)."""
    return np.broadcast_to(np.linspace(0.0, 1.0, 64)[:, None], (spectra, 64, 64))


def core_levels(counts):
    centre = np.random.default_rng(5).uniform(0.3, 0.6, (len(counts), 1, 1))
    doublet = np.exp(-0.5 * ((rising(len(counts)) - centre) / 0.03) ** 2)
    return noisy(0.05 + doublet + 0.6 * np.exp(-0.5 * ((rising(len(counts)) - centre - 0.25) / 0.03) ** 2))


OOD_KINDS = {
    "flat": lambda counts: noisy(np.ones((len(counts), 64, 64))),
    "flat without noise": lambda counts: np.full((len(counts), 64, 64), 10.0),
    "core levels": core_levels,
    "a ramp": lambda counts: noisy(0.1 + rising(len(counts))),
    "inverted": lambda counts: counts.max((1, 2), keepdims=True) - counts,
    "noise": lambda counts: np.random.default_rng(6).exponential(20.0, (len(counts), 64, 64)),
    "chequered": lambda counts: noisy(1.0 + np.indices((64, 64)).sum(0) // 8 % 2 * np.ones((len(counts), 1, 1))),
}


@pytest.fixture(scope="module")
def usual():
    """64 published spectra of 64 x 64 pixels."""
    return generate("published", make_keys(SEED, np.arange(64), 5), recipe_grid((64, 64))).counts


class TestWhatIsUnlikeTheTraining:
    @pytest.mark.parametrize("definition", ["paper", "v2"])
    @pytest.mark.parametrize("kind", OOD_KINDS)
    def test_is_flagged_and_less_sure(self, usual, kind, definition):
        scorer, strange = shipped_scorer(definition), np.asarray(OOD_KINDS[kind](usual))
        quality = scorer.quality(strange)
        assert quality.flagged.mean() > 0.9
        assert np.median(quality.uncertainty[:, 3]) > 1.5 * np.median(scorer.quality(usual).uncertainty[:, 3])

    def test_fresh_spectra_of_every_source_are_mostly_not_flagged(self, usual, fine, surfaces):
        full = generate("full", make_keys(SEED, np.arange(64), 6), recipe_grid((64, 64))).counts
        for counts in (usual, fine.counts, full, surfaces):
            assert shipped_scorer().quality(counts).flagged.mean() < 0.1


@pytest.mark.parametrize("scale", [0.3, 40.0, 4000.0])
@pytest.mark.parametrize("whole", [True, False])
def test_dim_and_bright_counts_whole_or_not_are_given_as_plain_numpy_does(scale, whole):
    draw = np.random.default_rng(5)
    counts = (draw.poisson(scale, (SIDE, SIDE)) if whole else draw.exponential(scale, (SIDE, SIDE))).astype(np.float32)
    seen = scorer_input(counts[None])
    image, intensity = reference(counts)
    np.testing.assert_allclose(seen["image"][0], image, rtol=1e-5)
    np.testing.assert_allclose(seen["intensity"][0], intensity, rtol=1e-4, atol=1e-6)
