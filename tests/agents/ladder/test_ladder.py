"""The ladder: a rung is reached, goes on where it was cut, and is told beside its references."""

import json
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
from rich.console import Console
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm

from beamgym.agents.ladder import RUNGS, follow_the_estimate, learn, random_actions, right_of, rung_named
from beamgym.agents.ladder.algorithms import Deciding, load_model, new_model
from beamgym.agents.ladder.learning import read_curve
from beamgym.scripts.learning import suite

SMALL = replace(RUNGS["decisions"], steps=64, n_envs=4, hyper={"n_steps": 4, "n_epochs": 1, "batch_size": 16})


@pytest.fixture
def quick(monkeypatch):
    module = __import__("beamgym.agents.ladder.learning", fromlist=["learn"])
    monkeypatch.setattr(module, "EPISODES", 8)
    monkeypatch.setattr(suite, "EPISODES", 8)
    return module


def test_a_training_that_was_cut_goes_on(tmp_path, quick, monkeypatch):
    told = []

    def cut(point):
        told.append(point)
        if len(told) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn(SMALL, 3, tmp_path, cut)
    points = learn(SMALL, 3, tmp_path, told.append)
    assert [point.steps for point in points] == sorted({point.steps for point in points})
    assert points[-1].steps >= SMALL.steps
    assert points == told
    assert learn(SMALL, 3, tmp_path) == points


def test_a_model_that_is_ahead_of_its_curve_is_tested_first(tmp_path, quick, monkeypatch):
    written = quick.write_json

    def killed(path, content):
        if path.name == "curve.json" and len(content) == 2:
            raise KeyboardInterrupt
        written(path, content)

    monkeypatch.setattr(quick, "write_json", killed)
    with pytest.raises(KeyboardInterrupt):
        learn(SMALL, 3, tmp_path)
    monkeypatch.setattr(quick, "write_json", written)
    points = learn(SMALL, 3, tmp_path)
    whole = learn(SMALL, 3, tmp_path.with_name("whole"))
    assert [point.steps for point in points] == [point.steps for point in whole]


OTHERS = (
    replace(
        RUNGS["goal"],
        steps=240,
        n_envs=4,
        hyper={"learning_starts": 96, "buffer_size": 2000, "policy_kwargs": {"net_arch": [8]}},
    ),
    replace(SMALL, algorithm="DQN", hyper={"learning_starts": 8, "buffer_size": 200}),
    replace(SMALL, algorithm="RecurrentPPO", policy="MlpLstmPolicy", hyper={"n_steps": 4, "n_epochs": 1}),
    replace(SMALL, stack=3),
)


@pytest.mark.parametrize("rung", OTHERS, ids=lambda rung: f"{rung.algorithm} {rung.stack}")
def test_other_algorithms_go_on_with_what_they_remember(rung, tmp_path, quick):
    def cut(point):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn(rung, 3, tmp_path, cut)
    kept = read_curve(tmp_path)[-1].steps
    model = load_model(rung, quick._vector(rung, rung.n_envs, "training", 3), tmp_path)
    assert model.num_timesteps == kept
    if isinstance(model, OffPolicyAlgorithm):
        assert model.replay_buffer.size() * rung.n_envs == kept
    points = learn(rung, 3, tmp_path)
    assert points[-1].steps >= rung.steps
    assert points[0].steps == kept


def test_a_memory_is_carried_from_step_to_step(quick):
    rung = OTHERS[2]
    env = quick._vector(rung, 4, "training", 0)
    model, seen = new_model(rung, env, 0), env.reset()
    deciding = Deciding(model)
    hidden = []
    for _ in range(2):
        deciding(seen)
        hidden.append(deciding._memory[0].copy())
    assert (hidden[0] != hidden[1]).any()
    env.close()


def test_a_folder_begun_before_a_rung_said_more_is_still_its_own(tmp_path, quick):
    learn(SMALL, 3, tmp_path)
    plan = json.loads((tmp_path / "rung.json").read_text(encoding="utf-8"))
    del plan["stack"]
    (tmp_path / "rung.json").write_text(json.dumps(plan), encoding="utf-8")
    assert learn(SMALL, 3, tmp_path)[-1].steps >= SMALL.steps
    with pytest.raises(ValueError, match="other settings"):
        learn(replace(SMALL, stack=2), 3, tmp_path)


def test_a_training_of_other_settings_is_not_taken_for_this_one(tmp_path, quick):
    learn(SMALL, 3, tmp_path)
    for rung, seed in ((replace(SMALL, steps=128), 3), (SMALL, 4)):
        with pytest.raises(ValueError, match="other settings of decisions; give another --logdir"):
            learn(rung, seed, tmp_path)


def test_the_rule_follows_the_estimate_and_beats_chance():
    for name in ("decisions", "declares", "turns", "hard", "goal"):
        rung = RUNGS[name]
        env = gym.make(rung.env_id, **rung.options)
        rule = follow_the_estimate(rung)
        right, episodes, exposures = right_of(rung, rule, 60)
        assert right == episodes == 60
        assert exposures < 4.0
        by_chance, _, _ = right_of(rung, random_actions(rung, env.action_space, 60), 60)
        assert by_chance < 30


def test_where_there_is_no_estimate_there_is_no_rule():
    assert follow_the_estimate(RUNGS["spots"]) is None


def test_every_rung_can_be_made_and_has_a_bar_that_five_seeds_can_meet():
    assert len(RUNGS) <= 12
    for rung in RUNGS.values():
        env = gym.make_vec(rung.env_id, num_envs=2, vectorization_mode="vector_entry_point", **rung.options)
        observation, _ = env.reset(seed=0)
        assert isinstance(observation, dict) == (rung.policy == "MultiInputPolicy"), "other clients know no Dict"
        assert rung.of_five <= rung.seeds or rung.bar is None
        env.close()


def test_an_unknown_rung_is_named_with_the_nearest():
    with pytest.raises(ValueError, match="did you mean zones"):
        rung_named("zone")


def test_the_suite_writes_page_curves_and_figures(tmp_path, quick, monkeypatch):
    monkeypatch.setitem(suite.rung_named.__globals__["RUNGS"], "decisions", SMALL)
    page = tmp_path / "ladder.md"
    options = {"part": ["decisions"], "logdir": tmp_path / "runs", "page": page}
    figures = suite.run_suite(options, 0, Console(quiet=True))
    rung = json.loads(json.dumps(figures))["rungs"]["decisions"]
    assert np.array(rung["success"]).shape == (5, len(rung["steps_at"]))
    assert rung["rule"]["total"] == 8
    text = page.read_text(encoding="utf-8")
    assert "|decisions|" in text
    assert (tmp_path / "ladder_curves.svg").stat().st_size > 1000
