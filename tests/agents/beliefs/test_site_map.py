"""The search network is the shipped one, can be exported, and each of its decisions is the one that its page states."""

from importlib.resources import files
from pathlib import Path

import gymnasium as gym
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper
from torch import nn

import beamgym  # noqa: F401
from beamgym.agents.beliefs.site_choice import (
    Cells,
    Choices,
    SearchRules,
    best_seen_cell,
    cell_sites,
    choose_cells,
    drive_times_s,
    next_cell_to_compare,
    next_unseen_cell,
    search_decision,
)
from beamgym.agents.beliefs.site_map import SearchExtractor, stage_numbers
from beamgym.agents.export import export_graph
from beamgym.agents.training import load_config
from beamgym.envs.bundles import MODEL, OnnxModel

ID = "beamgym/ArpesSpot-v0"
SHIPPED = Path(str(files("beamgym.agents.zoo"))) / "arpes-spot"
RULES = SearchRules(4.0, 0.1, 0.9, 120.0, sure=0.9, scan_s=38.0, candidates=7, commit=0.5, patience=1.0)
CENTRES = (torch.arange(32) + 0.5) / 16.0 - 1.0


class Actor(nn.Module):
    """The part of SB3's policy that is exported: extractor and action layer, clipped to the Box."""

    def __init__(self, extractor):
        super().__init__()
        self.features_extractor, self.action_net = extractor, nn.Linear(16, 4)

    def forward(self, observation):
        """Return actions (b, 4)."""
        return self.action_net(self.features_extractor(observation)).clamp(-1.0, 1.0)


@pytest.fixture(scope="module")
def space():
    env = gym.make(ID)
    yield env.observation_space, env.unwrapped.loop.task.context
    env.close()


@pytest.fixture(scope="module")
def actor(space):
    """The shipped network's weights in this tree's architecture."""
    observations, context = space
    kwargs = load_config(ID).policy_kwargs.extractor_kwargs
    made = Actor(SearchExtractor(observations, **stage_numbers(context), **kwargs))
    graph = onnx.load(str(SHIPPED / MODEL)).graph
    weights = {
        tensor.name.removeprefix("policy.").replace("vf_features_extractor", "features_extractor"): torch.from_numpy(
            numpy_helper.to_array(tensor).copy()
        )
        for tensor in graph.initializer
        if tensor.name.startswith("policy.")
    }
    made.load_state_dict(weights)
    return made.eval()


@pytest.fixture(scope="module")
def reference():
    with np.load(SHIPPED / "reference.npz", allow_pickle=False) as content:
        arrays = dict(content)
    return arrays


def rows(reference, names):
    return {name: next(value for key, value in reference.items() if key.rsplit("/")[-1] == name) for name in names}


def test_with_the_shipped_weights_it_acts_as_the_shipped_bundle(actor, space, reference):
    observation = rows(reference, space[0].spaces)
    wanted = OnnxModel.load(SHIPPED).predict(observation)
    with torch.no_grad():
        found = actor({name: torch.as_tensor(value) for name, value in observation.items()}).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    assert len({tuple(np.round(action, 3)) for action in wanted}) > 20, "one and the same action would prove nothing"


def test_its_graph_acts_as_the_network(actor, space, reference, tmp_path):
    export_graph(actor, space[0], tmp_path / "search.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "search.onnx"), providers=["CPUExecutionProvider"])
    observation = rows(reference, space[0].spaces)
    given = {one.name: observation[one.name] for one in session.get_inputs()}
    with torch.no_grad():
        wanted = actor({name: torch.as_tensor(value) for name, value in observation.items()}).numpy()
    np.testing.assert_allclose(session.run(None, given)[0], wanted, atol=1e-5)


def cells(probability=None, seen=(), compared=(), points=None, position=(0.0, 0.0)):
    """Cells of one map: ``probability`` and ``points`` by cell, the others 0; the stage stands at ``position``."""
    values, scores, flags = torch.zeros(1, 1024), torch.zeros(1, 1024), torch.zeros(2, 1, 1024, dtype=torch.bool)
    for table, given in ((values, probability or {}), (scores, points or {})):
        for cell, value in given.items():
            table[0, cell] = value
    flags[0, 0, list(seen) + list(compared)] = True
    flags[1, 0, list(compared)] = True
    drive = drive_times_s(torch.tensor([position]), CENTRES, RULES.crossing_s).reshape(1, -1)
    return Cells(values, flags[0], flags[1], scores, drive)


def left_s(seconds=60.0):
    return torch.full((1, 1024), seconds)


def test_a_drive_takes_as_long_as_the_axis_that_has_further_to_go():
    times = drive_times_s(torch.tensor([[-1.0, 0.0]]), CENTRES, 4.0)
    assert times[0, 16, 31].item() == pytest.approx(4.0 * 31.5 / 32)
    assert times[0, 16, 0].item() == pytest.approx(4.0 * 0.5 / 32)


def test_cells_are_numbered_row_by_row():
    assert cell_sites(torch.tensor([[33]]), CENTRES).tolist() == [[CENTRES[1].item(), CENTRES[1].item()]]
    assert cell_sites(torch.tensor([[31]]), CENTRES).tolist() == [[CENTRES[31].item(), CENTRES[0].item()]]


@pytest.mark.parametrize(
    ("known", "best"),
    [
        ({"compared": (5, 7), "seen": (9,), "points": {5: 3.0, 7: 4.0, 9: 9.0}, "probability": {9: 1.0}}, 7),
        ({"seen": (3, 9), "probability": {3: 0.2, 9: 0.3, 11: 0.9}}, 9),
        ({"position": (CENTRES[2].item(), CENTRES[1].item())}, 34),
    ],
    ids=["most points of the compared", "most probable of the seen", "nearest of all"],
)
def test_the_best_seen_cell(known, best):
    assert best_seen_cell(cells(**known)).item() == best


def test_the_next_unseen_cell_has_most_probability_per_second():
    near, far = 16 * 32 + 17, 31
    known = cells(probability={near: 0.4, far: 0.9})
    assert next_unseen_cell(known, left_s(), RULES)[0].item() == near
    assert next_unseen_cell(cells(probability={near: 0.4, far: 0.9}, seen=(near,)), left_s(), RULES)[0].item() == far


def test_no_unseen_cell_is_left_where_the_time_reaches_none():
    assert next_unseen_cell(cells(probability={5: 0.9}), left_s(0.05), RULES)[1].item() == 0.0


def test_a_cell_beside_a_compared_one_is_not_compared():
    known = cells(probability={100: 0.9, 101: 0.8, 500: 0.3}, seen=(101, 500), compared=(100,))
    cell, probability = next_cell_to_compare(known, left_s(), RULES)
    assert (cell.item(), probability.item()) == (500, pytest.approx(0.3))


def decided(known, budget=0.9, correction=0.0):
    share = torch.tensor([[budget]])
    choices = choose_cells(known, share, CENTRES, RULES)
    assert isinstance(choices, Choices)
    found = search_decision(choices, known, share, torch.tensor([[correction]]), RULES)
    verdict = "go back" if found.go_back.item() else "compare" if found.compare.item() else "search"
    return verdict, found.declaration.item()


def test_it_searches_until_a_seen_cell_is_sure_or_the_time_for_it_is_spent():
    doubtful = cells(probability={5: 0.5, 40: 0.6}, seen=(5,))
    assert decided(doubtful) == ("search", -1.0)
    assert decided(cells(probability={5: 0.95, 40: 0.6}, seen=(5,))) == ("compare", -1.0)
    assert decided(doubtful, budget=0.6) == ("compare", -1.0)


def test_it_goes_back_once_all_candidates_are_compared_and_declares_where_it_stands_on_the_best():
    compared = tuple(range(0, 70, 10))
    known = {"probability": dict.fromkeys((*compared, 900), 0.8), "compared": compared, "points": {20: 7.0}}
    assert decided(cells(**known)) == ("go back", -1.0)
    there = cells(**known, position=(CENTRES[20].item(), CENTRES[0].item()))
    verdict, declaration = decided(there)
    assert (verdict, declaration) == ("go back", pytest.approx(4.0 * 0.3))
    assert decided(there, correction=-2.0) == ("search", -1.0)
    assert decided(there, budget=0.3, correction=-2.0)[0] == "go back"


def test_it_declares_where_nothing_fits_into_the_time_any_more():
    known = cells(probability={5: 0.1}, seen=(5,), position=(CENTRES[5].item(), CENTRES[0].item()))
    assert decided(known, budget=0.001) == ("go back", 1.0)


def test_estimated_points_are_the_maps_first_layer_and_others_are_composed(space):
    observations, context = space
    seen = torch.zeros(1, 32, 32, 6)
    seen[0, 4, 9] = torch.tensor([0.83, 0.125, 0.9, 0.7, 0.8, 0.0])
    rest = {name: torch.zeros(1, *part.shape) for name, part in observations.spaces.items()}
    points = {}
    for estimated in (False, True):
        made = SearchExtractor(observations, **stage_numbers(context), channels=8, estimated=estimated)
        points[estimated] = made._cells(torch.zeros(1, 32, 32), {**rest, "map": seen.reshape(1, -1)}).points
    assert points[True][0, 4 * 32 + 9].item() == pytest.approx(8.3)
    assert points[True].count_nonzero() == 1
    assert points[False][0, 4 * 32 + 9].item() != pytest.approx(8.3)
