"""What is flagged is counted kind by kind: every source and every strange kind once, the same for the same seed."""

import numpy as np
import pytest

from beamgym.agents.spectra import alarms as scorer_alarms
from beamgym.agents.spectra.alarms import FLAGGED_KINDS, flagged_shares
from beamgym.agents.spectra.ood_spectra import OOD_KINDS
from beamgym.envs.arpes_spot.scoring import shipped_scorer


class Brightness:
    """Flags what has more than so many electrons."""

    def predict(self, observation, batch):
        assert observation["image"].shape[1:] == (64, 64)
        return observation["intensity"][:, :1] * 6.0 / 5.2


@pytest.fixture
def coarse(monkeypatch):
    """Spectra of 64 x 64 pixels in place of 224 x 224, which take longer to make."""
    monkeypatch.setattr(scorer_alarms, "_SOURCES", (("published", 64), ("full", 64)))


def test_every_kind_is_counted_once_and_told(coarse):
    told = []
    shares = flagged_shares(Brightness(), 8, 1, told.append)
    assert sum(told) == len(shares["usual"]) + len(shares["strange"]) == FLAGGED_KINDS - 2
    assert set(OOD_KINDS) - set(shares["strange"]) == {"turned", "weakened", "strengthened"}
    assert all(0.0 <= share <= 1.0 for group in shares.values() for share in group.values())
    assert shares["strange"]["counts × 0.1"] == 0.0
    assert shares["strange"]["counts × 10"] > 0.5
    assert shares["usual"]["published, 64²"] == 0.0
    assert flagged_shares(Brightness(), 8, 1) == shares


def test_transposed_and_cut_spectra_are_those_of_whole_ones():
    counts = np.random.default_rng(0).poisson(3.0, (2, 128, 128)).astype(np.float32)
    made = dict(scorer_alarms._made_of(counts, 0))
    np.testing.assert_array_equal(made["transposed"][0], counts[0].T)
    np.testing.assert_array_equal(made["upper half of the energies"], counts[:, 64:])
    np.testing.assert_array_equal(made["middle half of the angles"], counts[:, :, 32:96])
    assert made["upside down"].sum() == counts.sum()


@pytest.fixture(scope="module")
def shipped_shares():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scorer_alarms, "_SOURCES", (("published", 64), ("full", 64)))
        return flagged_shares(shipped_scorer().model, 128, 2)


def test_the_shipped_scorer_flags_few_spectra_of_any_source(shipped_shares):
    """About one in 200 of all; of 128, six or more of one source would come once in 10,000 times at one in 100."""
    assert max(shipped_shares["usual"].values()) < 6 / 128
    assert np.mean(list(shipped_shares["usual"].values())) < 0.02


@pytest.mark.parametrize(
    "kind", ["upside down", "transposed", "lower half of the energies", "counts × 0.1", "counts × 10", "blob", "blobs"]
)
def test_the_shipped_scorer_flags_most_of_what_is_unlike_a_spectrum(shipped_shares, kind):
    assert shipped_shares["strange"][kind] > 0.6
