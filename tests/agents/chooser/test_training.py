"""The chooser: the flights it learns from, its training, and the bundle of a trained one."""

import numpy as np
import pytest
import torch

from beamgym.agents.baselines.choosing import CANDIDATES, COLUMNS, SiteChooser
from beamgym.agents.chooser import ChooserConfig, ChooserNet, ChooserTrainer, export_chooser, fly, load_chooser_config
from beamgym.agents.chooser.flights import EACH, SIDE_BY_SIDE, Looked
from beamgym.agents.chooser.trainer import FLIGHTS, choices, chooser_loss
from beamgym.agents.training import RunFolder

TINY = ChooserConfig(flights=SIDE_BY_SIDE, selection_flights=SIDE_BY_SIDE, width=8, epochs=2, batch=32)


def made_up(seed, flights=SIDE_BY_SIDE):
    """Return looks of which the second column says, nearly, whether a candidate is good."""
    rng = np.random.default_rng(seed)
    shown = rng.normal(size=(EACH * flights, CANDIDATES, COLUMNS)).astype(np.float32)
    shown[..., 0] = np.arange(CANDIDATES) < 20
    beyond = np.where(shown[..., 0] > 0.0, shown[..., 1] - 1.0, -2.0).astype(np.float32)
    return Looked(shown, beyond, np.arange(EACH * flights) % EACH == EACH - 1)


def folder_with_flights(path):
    (path / FLIGHTS).mkdir(parents=True)
    for seed, purpose in enumerate(("training", "selection")):
        looked = made_up(seed)
        np.savez(
            path / FLIGHTS / f"{purpose}-00000-{SIDE_BY_SIDE}.npz",
            shown=looked.shown,
            beyond=looked.beyond,
            last=looked.last,
        )
    return RunFolder(path)


@pytest.fixture(scope="module")
def flown():
    return fly("training", 0, 0, 3)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    path = tmp_path_factory.mktemp("chooser")
    trainer = ChooserTrainer(TINY, folder_with_flights(path / "run"), 3)
    trainer.run()
    return trainer, path


class TestFlights:
    def test_looks_grow_and_bear_the_truth(self, flown):
        assert flown.shown.shape == (3 * EACH, CANDIDATES, COLUMNS)
        assert flown.last.tolist() == ([False] * (EACH - 1) + [True]) * 3
        there = flown.shown[..., 0] > 0.0
        assert (there.sum(axis=1).reshape(3, EACH)[:, -1] == CANDIDATES).all()
        assert (flown.beyond[~there] < 0.0).all()
        read, true = flown.shown[..., 1][there], flown.beyond[there]
        assert np.corrcoef(read, true)[0, 1] > 0.5

    def test_a_surface_is_flown_over_in_one_way_whatever_flies_beside_it(self, flown):
        alone = fly("training", 0, 2, 1)
        np.testing.assert_allclose(alone.shown, flown.shown[-EACH:], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(alone.beyond, flown.beyond[-EACH:], atol=1e-6)


class TestNetwork:
    def test_order_and_empty_places_do_not_matter(self):
        torch.manual_seed(0)
        net, shown = ChooserNet(8).eval(), torch.from_numpy(made_up(0, 1).shown)
        order = torch.from_numpy(np.r_[np.random.default_rng(0).permutation(20), np.arange(20, CANDIDATES)])
        other = shown.clone()
        other[:, 20:, 1:] = 7.0
        with torch.no_grad():
            torch.testing.assert_close(net(shown[:, order])[:, :20], net(shown)[:, order][:, :20])
            torch.testing.assert_close(net(other)[:, :20], net(shown)[:, :20])

    def test_the_loss_is_least_for_the_truth(self):
        looked = made_up(3, 4)
        shown, beyond = torch.from_numpy(looked.shown), torch.from_numpy(looked.beyond)

        class Says(torch.nn.Module):
            def __init__(self, logits, points):
                super().__init__()
                self.judged = lambda given: (logits, points)

        good = torch.where(beyond >= 0.0, 8.0, -8.0)
        right = float(chooser_loss(Says(good, beyond), shown, beyond))
        assert right < 0.02 + 0.5 * float((beyond - beyond.clamp(-2.0, 1.0)).abs().mean())
        assert right < float(chooser_loss(Says(-good, beyond), shown, beyond))
        assert right < float(chooser_loss(Says(good, beyond + 1.0), shown, beyond))


class TestTraining:
    def test_a_training_that_was_cut_ends_as_one_that_was_not(self, trained, tmp_path):
        half = ChooserTrainer(TINY, folder_with_flights(tmp_path / "run"), 3)
        half.note(_Nothing(), {"loss": half.trained_epoch(), **half.validated()})
        again = ChooserTrainer(TINY, RunFolder(tmp_path / "run"), 3, resume=True)
        again.run()
        for one, two in zip(trained[0].net.parameters(), again.net.parameters(), strict=True):
            assert torch.equal(one, two)

    def test_what_is_to_be_learnt_is_learnt(self, trained):
        losses = [epoch["selection/loss"] for epoch in trained[0].folder.figures()["epochs"]]
        assert losses[-1] < losses[0] < 0.7

    def test_a_bundle_answers_as_the_network_does(self, trained):
        trainer, path = trained
        written = export_chooser(trainer, path / "mine", "beamgym train spot-chooser --seed 3")
        assert "seed | 3" in (written / "CARD.md").read_text()
        shown = made_up(9, 1).shown[0]
        with torch.no_grad():
            wanted = torch.sigmoid(trainer.net(torch.from_numpy(shown[None])))[0].numpy()
        np.testing.assert_allclose(SiteChooser.load(written)(shown)[:20], wanted[:20], atol=1e-5)

    def test_figures_count_the_last_looks_alone(self):
        looked = made_up(5, 10)
        perfect, wrong = looked.good.astype(np.float64), (~looked.good).astype(np.float64)
        assert choices(perfect, looked)["selection/right"] == choices(perfect, looked)["selection/any"] > 0.5
        assert choices(wrong, looked)["selection/right"] == 0.0

    def test_configurations_are_checked(self, tmp_path):
        assert load_chooser_config() == ChooserConfig()
        wrong = tmp_path / "a.yml"
        wrong.write_text("width: 2\n")
        with pytest.raises(ValueError, match=r"a\.yml: width"):
            load_chooser_config(wrong)
        with pytest.raises(ValueError, match="cannot be read"):
            load_chooser_config(tmp_path / "none.yml")


class _Nothing:
    def add_scalar(self, name, value, step):
        pass
