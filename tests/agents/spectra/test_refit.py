"""A scorer's novelty is learnt anew from its bundle alone: scores stay to the last bit, novelty changes."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch

from beamgym.agents.spectra.card import refitted_card
from beamgym.agents.spectra.config import ScorerConfig
from beamgym.agents.spectra.data import Source, make_examples
from beamgym.agents.spectra.export import SCORES
from beamgym.agents.spectra.refit import load_net, refit_ood
from beamgym.envs.arpes_spot.scoring import SHIPPED_SCORER
from beamgym.envs.bundles.model import OnnxModel

COARSE = (Source("published", 64, 1.0),)
MODELS = Path(str(files("beamgym.envs.models")))
COMMAND = "beamgym train arpes-scorer --seed 3 --refit-novelty arpes-scorer-small"


@pytest.fixture(scope="module")
def seen():
    examples = make_examples(77, 0, 96, (Source("published", 64, 0.5), Source("surface", 64, 0.5)))
    return {"image": examples.image, "intensity": examples.intensity}


@pytest.fixture(scope="module")
def refitted(tmp_path_factory):
    path = tmp_path_factory.mktemp("refitted") / "mine"
    told = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScorerConfig, "usual", property(lambda self: COARSE))
        config = ScorerConfig(novelty=256)
        refit_ood(MODELS / SHIPPED_SCORER, path, config, 3, COMMAND, progress=lambda *given: told.append(given))
    assert told[-1][1:] == (1, 1)
    return path


def test_a_loaded_network_scores_as_its_graph(seen):
    with torch.no_grad():
        ours = load_net(MODELS / SHIPPED_SCORER)(*map(torch.from_numpy, seen.values())).numpy()
    graph = OnnxModel.load(MODELS / SHIPPED_SCORER).predict(seen, batch=None)
    np.testing.assert_allclose(ours[:, :SCORES], graph[:, :SCORES], atol=1e-4)


@pytest.mark.parametrize("batch", [1, 32])
def test_every_score_stays_to_the_last_bit_and_the_novelty_does_not(refitted, seen, batch):
    old, new = (OnnxModel.load(path).predict(seen, batch=batch) for path in (MODELS / SHIPPED_SCORER, refitted))
    np.testing.assert_array_equal(new[:, :SCORES], old[:, :SCORES])
    assert not np.array_equal(new[:, -1], old[:, -1])


def test_it_says_where_it_comes_from_and_how_to_do_it_again(refitted):
    old, new = (OnnxModel.load(path).manifest.training for path in (MODELS / SHIPPED_SCORER, refitted))
    assert new == old
    card, before = (refitted / "CARD.md").read_text(), (MODELS / SHIPPED_SCORER / "CARD.md").read_text()
    assert f"`{COMMAND}`" in card
    assert "learnt on 256 other spectra" in card
    errors = before[before.index("| reading | S") : before.index("\nN is counted")]
    assert errors in card
    assert f"{load_net(refitted).size:,} parameters" in card
    assert refitted_card(card, load_net(refitted).size, 256, COMMAND) == card


def test_what_holds_no_scoring_network_is_refused_in_one_line(tmp_path):
    with pytest.raises(ValueError, match="holds no scoring network; give a bundle that beamgym train arpes-scorer"):
        load_net(MODELS / "arpes-scorer-boosting")
    with pytest.raises(ValueError, match="no row for the novelty"):
        refitted_card("# Another card", 1, 256, COMMAND)
