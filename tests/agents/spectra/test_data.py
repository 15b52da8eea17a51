"""What a scorer learns from: the same batch whatever else is made, spectra of every source, and strange pictures."""

import numpy as np
import pytest

from beamgym.agents.spectra import scorer
from beamgym.agents.spectra import windows as scorer_windows
from beamgym.agents.spectra.data import (
    LABEL_COLUMNS,
    MIXTURE,
    USUAL_SOURCES,
    Source,
    example_stream,
    join_examples,
    make_examples,
    sizes_of_sources,
)
from beamgym.agents.spectra.ood_spectra import OOD_KINDS, TURNS, counts_of, ood_inputs
from beamgym.envs.arpes_spot.scoring import scorer_input
from beamgym.physics.arpes.recipes.recipes import generate, recipe_grid
from beamgym.physics.counter_rng import make_keys

SMALL = (Source("published", 64, 0.5), Source("full", 64, 0.25), Source("surface", 64, 0.25))
WRONG_UNITS = ("weakened", "strengthened", "scaled")
PARTS = ("image", "intensity", "labels", "known")


def same(one, two):
    return all(np.array_equal(getattr(one, part), getattr(two, part)) for part in PARTS)


def same_but_for_rounding(one, two):
    """Labels to 1e-5: a kernel just compiled may round a sum otherwise than one from the cache."""
    inputs = all(np.array_equal(getattr(one, part), getattr(two, part)) for part in PARTS if part != "labels")
    return inputs and np.allclose(one.labels, two.labels, rtol=0.0, atol=1e-5)


def test_a_batch_is_the_same_whatever_was_made_before_it():
    alone = make_examples(3, 2, 16, SMALL)
    after = list(example_stream(3, 0, 3, 16, SMALL))
    assert same(after[2], alone)
    assert same(next(example_stream(3, 2, 1, 16, SMALL)), alone)


def test_other_processes_make_the_same_batches_in_the_same_order():
    here = list(example_stream(4, 1, 2, 16, SMALL))
    there = example_stream(4, 1, 2, 16, SMALL, workers=1)
    assert all(same_but_for_rounding(one, two) for one, two in zip(here, there, strict=True))


def test_seeds_and_batches_share_no_spectrum():
    pictures = [
        make_examples(seed, index, 16, SMALL).image
        for seed, index in ((3, 0), (3, 1), (4, 0), (scorer._VALIDATION_SEED, 0), (scorer_windows.OOD_SEED, 0))
    ]
    flat = np.concatenate(pictures).reshape(80, -1)
    assert len(np.unique(flat, axis=0)) == 80


def test_every_source_has_its_share_and_rounding_loses_none():
    assert sizes_of_sources(256, MIXTURE) == [117, 25, 25, 25, 64]
    for mixture in (MIXTURE, USUAL_SOURCES, SMALL):
        assert sum(source.share for source in mixture) == pytest.approx(1.0)
        for size in (16, 100, 256):
            assert sum(sizes_of_sources(size, mixture)) == size
            for count, source in zip(sizes_of_sources(size, mixture)[1:], mixture[1:], strict=True):
                assert size * source.share - 1 < count <= size * source.share


def test_labels_are_the_simulators_and_papers_of_surfaces_do_not_exist():
    examples = make_examples(3, 0, 16, SMALL)
    assert examples.labels.shape == (16, LABEL_COLUMNS)
    assert examples.known[:12].all()
    assert not examples.known[12:, :4].any()
    assert examples.known[12:, 4:].all()
    batch = generate("published", make_keys(3, np.arange(8), 0, 91), recipe_grid((64, 64)))
    np.testing.assert_array_equal(examples.labels[:8, :4], batch.paper.labels())
    np.testing.assert_array_equal(examples.labels[:8, 4:], batch.v2.labels())
    np.testing.assert_array_equal(examples.image[:8], scorer_input(batch.counts)["image"])


def test_surfaces_are_seen_at_good_and_bad_places():
    totals = make_examples(5, 0, 64, (Source("surface", 64, 1.0),)).labels[:, 7]
    assert totals.min() < 3.0
    assert totals.max() > 5.0


@pytest.fixture(scope="module")
def examples():
    return make_examples(9, 0, 40, (Source("published", 64, 1.0),))


class TestStrangePictures:
    def test_counts_come_back_from_their_pictures(self, examples):
        counts = generate("published", make_keys(9, np.arange(40), 0, 91), recipe_grid((64, 64))).counts
        cut = examples.image.max((1, 2)) >= 8.0
        np.testing.assert_allclose(counts_of(examples)[~cut], counts[~cut], rtol=1e-3, atol=1e-3)

    def test_all_kinds_come_in_turn_and_none_is_the_spectrum_it_was_made_of(self, examples):
        made = ood_inputs(examples, 1)
        assert set(TURNS) == set(OOD_KINDS)
        assert made["image"].shape == examples.image.shape
        for kind in OOD_KINDS:
            rows = [i for i in range(len(examples)) if TURNS[i % len(TURNS)] == kind]
            assert rows, "every kind comes at least once"
            assert max(np.abs(made["image"] - examples.image).mean((1, 2))[rows]) > 0.02 or kind in WRONG_UNITS

    @pytest.mark.parametrize("kind", WRONG_UNITS)
    def test_a_wrong_unit_changes_the_electrons_and_not_the_picture(self, examples, kind):
        counts = counts_of(examples)[0]
        made = OOD_KINDS[kind](counts, np.random.default_rng(0))
        ratio = made.sum() / counts.sum()
        np.testing.assert_allclose(made, counts * ratio, rtol=1e-9)
        assert {"weakened": ratio < 0.4, "strengthened": ratio > 2.5, "scaled": not 0.1 < ratio < 10.0}[kind]

    def test_upside_down_is_a_mirror_image_in_energy_and_turned_exchanges_the_axes(self, examples):
        counts = counts_of(examples)[0]
        np.testing.assert_array_equal(OOD_KINDS["upside down"](counts, np.random.default_rng(0))[0], counts[-1])
        sums = np.sort(OOD_KINDS["turned"](counts, np.random.default_rng(0)).sum(0))
        np.testing.assert_allclose(sums, np.sort(counts.sum(1)))

    def test_they_follow_from_the_seed(self, examples):
        one, again, other = (ood_inputs(examples, seed)["image"] for seed in (1, 1, 2))
        np.testing.assert_array_equal(one, again)
        assert not np.array_equal(one, other)


def test_batches_are_joined_in_order():
    parts = [make_examples(3, i, 16, SMALL) for i in range(2)]
    assert same(join_examples(parts[:1]), parts[0])
    np.testing.assert_array_equal(join_examples(parts).labels[16:], parts[1].labels)
