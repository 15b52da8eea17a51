"""The network of domains: its answers do not see what was not measured, it trains, and its bundle answers alike."""

import numpy as np
import pytest
import torch

from beamgym.agents.domains import DomainsConfig, DomainsTrainer, finish_domains, load_domains_config
from beamgym.agents.domains import finish as finishing
from beamgym.agents.domains.data import checked_cuts, make_batch, training_cuts
from beamgym.agents.domains.net import DomainNet
from beamgym.agents.domains.trainer import answers
from beamgym.agents.training import RunFolder
from beamgym.envs.domains import DomainFinder, said
from beamgym.physics.arpes.domains import whole_canvas

SMALL = DomainsConfig(usual=40, wide=10, batch=8, steps=2, epochs=1, checks=8)


def test_what_was_not_measured_changes_nothing():
    net = DomainNet().eval()
    counts, rows, columns = torch.rand(2, 48, 120) * 5, torch.ones(2, 48), torch.ones(2, 120)
    columns[:, 100:], rows[:, :5] = 0.0, 0.0
    other = counts.clone()
    other[:, :, 100:], other[:, :5] = 99.0, 99.0
    with torch.no_grad():
        torch.testing.assert_close(net(counts, rows, columns), net(other, rows, columns))


def test_batches_are_mirrored_with_their_truth():
    cuts = training_cuts(SMALL, 0)
    batch = make_batch(cuts, SMALL, 0, 3)
    again = make_batch(cuts, SMALL, 0, 3)
    np.testing.assert_array_equal(batch.counts, again.counts)
    known = np.nan_to_num(batch.weight).sum(1)
    np.testing.assert_allclose(known, 1.0, atol=1e-5)
    assert np.all(np.diff(batch.offset_deg, axis=1)[batch.number == 3] > 0)
    assert np.all(batch.offset_deg[:, 0] == 0)


def test_a_trained_network_is_exported_and_answers_as_it_did(tmp_path, monkeypatch):
    monkeypatch.setattr(finishing, "_CALIBRATED", 60)
    trainer = DomainsTrainer(SMALL, RunFolder(tmp_path / "run"))
    trainer.run()
    finder = DomainFinder.load(finish_domains(trainer, tmp_path / "bundle", "beamgym train domains-arpes"))
    batch = checked_cuts(5, 3)
    own = answers(trainer.net, batch).numpy().astype(np.float64)
    for one, told in zip(own, finder(whole_canvas(batch.counts)), strict=True):
        np.testing.assert_allclose(said(one, single=finder.single).probability, told.probability, atol=1e-3)
    assert 0.0 <= finder.split <= 1.0


def test_a_wrong_key_is_named(tmp_path):
    file = tmp_path / "c.yml"
    file.write_text("usuall: 3\n", encoding="utf-8")
    with pytest.raises(ValueError, match="usuall"):
        load_domains_config(file)
