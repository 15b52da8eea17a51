"""A training learns, can be cut anywhere, goes on from there, and leaves figures, curves, a film and a sound bundle."""

import shutil
from types import SimpleNamespace

import gymnasium as gym
import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from beamgym.agents.decisions import predict
from beamgym.agents.decisions.deterministic import DeterministicPolicy
from beamgym.agents.decisions.own import predict_raw
from beamgym.agents.evaluation.metrics import EXPOSURES
from beamgym.agents.evaluation.seeds import STRIDE, first_seed, seed_range
from beamgym.agents.export.decided import decided
from beamgym.agents.export.references import BUNDLE_TOLERANCE
from beamgym.agents.export.trained import encoder_of, export_trained, model_card, reference_observations
from beamgym.agents.training.align_pretraining import fit_dictionary, pretrain_align
from beamgym.agents.training.callback import TrainingCallback
from beamgym.agents.training.config import TrainingConfig, load_config
from beamgym.agents.training.pretraining import RESUMED_SEEDS, tensors
from beamgym.agents.training.records.run_folder import BEST, RunFolder
from beamgym.agents.training.sb3 import Trainer, score
from beamgym.agents.training.sb3_model import make_model, training_envs
from beamgym.agents.training.teacher import AlignTeacher
from beamgym.envs.actions import encode_rotation
from beamgym.envs.bundles.model import OnnxModel

ID, SEED = "beamgym/LaueAlign-v0", 3000  # a seed whose environment seeds do not fit 31 bits
N, ROLLOUT = 32, 4
SAMPLES, TIMESTEPS = 8 * N, 4 * ROLLOUT * N
CONFIG = TrainingConfig.model_validate(
    {
        "n_envs": N,
        "n_timesteps": TIMESTEPS,
        "env_kwargs": {"crystal": "Si", "level": "easy", "exposures": 3},
        "policy_kwargs": {
            "extractor": "align",
            "extractor_kwargs": {"width": 16, "entries": 30, "map_pixels": 12, "channels": 2},
            "net_arch": {"pi": [], "vf": [8]},
            "log_std_init": -3.0,
        },
        "n_steps": ROLLOUT,
        "batch_size": N,
        "n_epochs": 1,
        "critic_first": 2,
        "warm_start": {"dictionary_samples": 10 * N, "samples": SAMPLES},
        "checkpoint_every": 4 * N,
        "selection_episodes": 8,
    }
)


class Killed(Exception):
    """The process is gone."""


def kill_at(wanted, least):
    def progress(phase, done, total):
        if phase == wanted and done >= least:
            raise Killed

    return progress


def weights(policy):
    return torch.cat([value.double().flatten() for value in policy.state_dict().values()])


def spy_on_seeds(trainer):
    """Note the environment seeds that the training's environments are reset with."""
    seeds, reset = [], trainer.envs.reset

    def noted(*, seed=None, options=None):
        seeds.extend([seed] if isinstance(seed, int) else seed or [])
        return reset(seed=seed, options=options)

    trainer.envs.reset = noted
    return seeds


def run(folder, resume=False, progress=lambda phase, done, total: None):
    trainer = Trainer(ID, CONFIG, RunFolder(folder), SEED, resume, progress)
    trainer.seen = spy_on_seeds(trainer)
    return trainer


@pytest.fixture(scope="module")
def cut(tmp_path_factory):
    """Run a training that is killed in the warm start and again in PPO; return what was there at each stage."""
    path = tmp_path_factory.mktemp("training") / "run"
    stages = {}
    first = run(path, progress=kill_at("warm start", 5 * N))
    with pytest.raises(Killed):
        first.run()
    stages["first"], stages["warm"] = first, RunFolder(path).load()
    phases = []

    def second_kill(phase, done, total):
        phases.append((phase, done))
        kill_at("PPO", 2 * ROLLOUT * N)(phase, done, total)

    second = run(path, resume=True, progress=second_kill)
    with pytest.raises(Killed):
        second.run()
    stages["second"], stages["phases"], stages["ppo"] = second, phases, RunFolder(path).load()
    shutil.copytree(path, path.parent / "twin")
    stages["third"] = run(path, resume=True)
    stages["result"] = stages["third"].run()
    stages["path"] = path
    return stages


def test_a_warm_start_that_was_cut_goes_on_from_its_checkpoint(cut):
    assert cut["warm"]["samples"] == 4 * N
    assert "warm_optimiser" in cut["warm"]
    resumed = [done for phase, done in cut["phases"] if phase == "warm start"]
    assert resumed == [5 * N, 6 * N, 7 * N, 8 * N]
    assert not [phase for phase, _ in cut["phases"] if phase == "dictionary"], "the dictionary is not fitted again"


def test_ppo_that_was_cut_goes_on_with_its_steps_and_optimiser(cut, tmp_path):
    assert cut["ppo"]["timesteps"] == 2 * ROLLOUT * N
    shutil.copytree(cut["path"].parent / "twin", tmp_path / "twin")
    at_start = {}

    def look(phase, done, total):
        at_start.update(done=done, optimiser=trainer.model.policy.optimizer.state_dict(), total=total)
        at_start["weights"] = weights(trainer.model.policy)
        raise Killed

    trainer = run(tmp_path / "twin", resume=True, progress=look)
    with pytest.raises(Killed):
        trainer.run()
    assert (at_start["done"], at_start["total"]) == (2 * ROLLOUT * N, TIMESTEPS)
    torch.testing.assert_close(at_start["optimiser"], cut["ppo"]["ppo_optimiser"])
    saved = torch.cat([value.double().flatten() for value in cut["ppo"]["policy"].values()])
    assert torch.equal(at_start["weights"], saved)


def test_a_resumed_training_ends_with_the_steps_of_its_configuration(cut):
    assert cut["third"].model.num_timesteps == TIMESTEPS
    assert RunFolder(cut["path"]).load()["timesteps"] == TIMESTEPS
    assert cut["third"].samples == SAMPLES + TIMESTEPS


def test_resuming_twice_from_one_checkpoint_gives_the_same_weights(cut):
    twin = run(cut["path"].parent / "twin", resume=True)
    twin.run()
    assert torch.equal(weights(twin.model.policy), weights(cut["third"].model.policy))
    assert twin.seen == cut["third"].seen


def test_resuming_what_has_ended_trains_no_further(cut):
    phases = []
    again = run(cut["path"], resume=True, progress=lambda *step: phases.append(step))
    result = again.run()
    assert phases == []
    assert result.success_rate == cut["result"].success_rate
    assert torch.equal(weights(again.model.policy), weights(cut["third"].model.policy))


def test_every_environment_seed_is_one_of_this_trainings_own(cut):
    start = first_seed("training", SEED)
    for name in ("first", "second", "third"):
        seeds = cut[name].seen
        assert seeds, name
        assert min(seeds) >= start
        assert max(seeds) + N <= start + STRIDE
        assert start + STRIDE <= seed_range("training").stop
    assert cut["first"].seen[-1] == start, "the warm start begins at the first seed"
    assert cut["second"].seen[0] == start + (4 * N) % RESUMED_SEEDS
    assert cut["third"].seen[0] == start + 2 * ROLLOUT * N, "PPO's own 31 bits of seed are not used"


def test_states_are_judged_on_selection_seeds_only(cut, monkeypatch):
    trainer, seen = cut["third"], []
    reset = trainer._judge.reset
    monkeypatch.setattr(trainer._judge, "reset", lambda *, seed: (seen.extend(seed), reset(seed=seed))[1])
    trainer.select()
    assert seen == [first_seed("selection", SEED) + i for i in range(8)]


def test_figures_hold_the_warm_start_alone_the_result_and_the_cost(cut):
    figures = RunFolder(cut["path"]).figures()
    assert {"warm_start", "ppo", "selected", "cpu_s", "best_score"} <= set(figures)
    assert {"success_rate", "exposures_median", "misorientation_deg_median"} <= set(figures["selected"])
    assert figures["selected"]["success_rate"] == cut["result"].success_rate
    assert figures["best_score"] == pytest.approx(score(cut["result"]))
    assert figures["cpu_s"] >= cut["ppo"]["cpu_s"] > cut["warm"]["cpu_s"] > 0, "what was spent before the cuts counts"


def test_the_policy_that_is_left_is_the_best_one(cut):
    best = RunFolder(cut["path"]).load(BEST)["policy"]
    assert all(torch.equal(value, best[name]) for name, value in cut["third"].model.policy.state_dict().items())


def test_only_the_critic_learns_at_first(tmp_path):
    config = CONFIG.model_copy(update={"warm_start": None, "n_timesteps": 2 * ROLLOUT * N, "selection_episodes": 1})
    trainer = Trainer(ID, config, RunFolder(tmp_path / "run"))
    before = {name: value.clone() for name, value in trainer.model.policy.state_dict().items()}
    trainer.model.learn(config.n_timesteps, callback=TrainingCallback(trainer, done=0))
    moved = {name for name, value in trainer.model.policy.state_dict().items() if not torch.equal(value, before[name])}
    assert moved
    assert all("value_net" in name for name in moved)
    assert all(parameter.requires_grad for parameter in trainer.model.policy.parameters())


def test_tensorboard_gets_hyperparameters_curves_a_picture_and_a_film(cut):
    events = EventAccumulator(str(cut["path"] / "tensorboard"))
    events.Reload()
    tags = events.Tags()
    curves = {"warm_start/dictionary_loss", "warm_start/success_rate", "selection/success_rate", "train/value_loss"}
    assert curves <= set(tags["scalars"])
    assert {"episode/last", "episode/film"} <= set(tags["images"])
    animation = events.Images("episode/film")[0]
    assert animation.encoded_image_string[:6] in (b"GIF87a", b"GIF89a")
    assert (animation.width, animation.height) == (
        events.Images("episode/last")[0].width,
        events.Images("episode/last")[0].height,
    )
    assert "_hparams_/experiment" in events.PluginTagToContent("hparams")
    steps = [event.step for event in events.Scalars("selection/success_rate")]
    assert steps[-1] == TIMESTEPS


def test_the_bundle_acts_as_the_model_and_says_where_it_comes_from(cut, tmp_path):
    trainer = cut["third"]
    path = export_trained(trainer, tmp_path / "mine", "beamgym train --seed 3000", cut["result"])
    bundle = OnnxModel.load(path)
    observations = reference_observations(trainer)
    assert len(observations["budget"]) >= 200
    assert (observations["budget"] < observations["budget"].max()).any(), "not first exposures alone"
    actions = bundle.predict(observations)
    # A dictionary fitted to a few hundred patterns leaves near ties, which two libraries may break differently.
    policy = DeterministicPolicy(trainer.model, trainer.envs.single_observation_space).eval()
    clear = decided(policy, observations, BUNDLE_TOLERANCE)
    assert clear.mean() > 0.9
    assert np.abs(actions - predict_raw(trainer.model, None, observations))[clear].max() <= 1e-5
    training = bundle.manifest.training
    start = first_seed("training", SEED)
    assert training.seeds == (start, start + STRIDE - 1)
    assert training.steps == SAMPLES + TIMESTEPS
    assert bundle.manifest.encoder.parameters == {"rows": 64, "fields": 5}
    card = (path / "CARD.md").read_text()
    assert "| warm start alone |" in card
    assert "| selected |" in card
    assert "beamgym train --seed 3000" in card
    with pytest.raises(ValueError, match="exists"):
        export_trained(trainer, path, "again", cut["result"])


def test_nothing_is_written_where_the_configuration_does_not_fit_the_environment(tmp_path):
    wrong = [
        ({"env_kwargs": {"crystal": "Unobtainium"}}, "Unobtainium"),
        ({"env_kwargs": {"action": "axes"}}, "needs LaueAlign with action 'rotation'"),
        ({"env_kwargs": {"max_rotation_deg": 45.0}, "policy_kwargs": align(max_rotation_deg=90)}, "leave it out"),
    ]
    for update, said in wrong:
        config = TrainingConfig.model_validate({**CONFIG.model_dump(), **update})
        with pytest.raises(ValueError, match=said):
            Trainer(ID, config, RunFolder(tmp_path / "run"))
    with pytest.raises(ValueError, match="seed is -1"):
        Trainer(ID, CONFIG, RunFolder(tmp_path / "run"), seed=-1)
    assert list(tmp_path.iterdir()) == []


def align(**kwargs):
    return {"extractor": "align", "extractor_kwargs": kwargs, "net_arch": {"pi": [], "vf": [8]}}


def test_the_extractor_proposes_on_the_environments_scale():
    config = TrainingConfig.model_validate({**CONFIG.model_dump(), "env_kwargs": {"max_rotation_deg": 45.0}})
    model = make_model(config, training_envs(ID, config), 0)
    assert model.policy.features_extractor.max_rotation == pytest.approx(np.radians(45))


def test_a_small_warm_start_learns_to_tell_home_from_elsewhere_and_beats_its_first_guess():
    """100 entries and some thousand samples: losses fall; the goal is declared, not what lies 5 degrees off."""
    config = TrainingConfig.model_validate(
        {
            **CONFIG.model_dump(),
            "n_envs": 64,
            "env_kwargs": {"level": "easy"},
            "policy_kwargs": align(width=32, entries=100, map_pixels=16, channels=4),
            "warm_start": {"dictionary_samples": 6000, "samples": 6000},
        }
    )
    torch.set_num_threads(1)
    envs = training_envs(ID, config)
    policy = make_model(config, envs, 0).policy
    fit_dictionary(policy.features_extractor, envs, config.warm_start.dictionary_samples, 2**19)
    steps = list(pretrain_align(policy, envs, config.warm_start, 0))
    tenth = len(steps) // 10
    for name in ("dictionary_loss", "gate_loss", "declare_loss"):
        early, late = (np.mean([getattr(step, name) for step in part]) for part in (steps[:tenth], steps[-2 * tenth :]))
        assert late < 0.9 * early, name
    assert [step.samples for step in steps] == list(range(64, 6000 + 64, 64))
    home, off = logits_at(policy.features_extractor, envs, 0.0), logits_at(policy.features_extractor, envs, 5.0)
    assert np.median(home) > np.median(off) + 1


def logits_at(extractor, envs, miss_deg):
    """Return the logits of declaring after moving to within a distance of the goal, by the teacher's turn."""
    envs.reset(seed=2**18)
    turns = AlignTeacher(envs).turns_deg()
    nearest = turns[np.arange(len(turns)), np.linalg.norm(turns, axis=-1).argmin(axis=1)]
    turn = encode_rotation(nearest + np.array([0.0, miss_deg, 0.0]), 90.0)
    action = np.concatenate([turn, -np.ones((len(turns), 1))], axis=1)
    observation, *_ = envs.step(action.astype(np.float32))
    with torch.no_grad():
        return extractor.estimates(tensors(observation)).declare.numpy()


@pytest.mark.slow
@pytest.mark.parametrize("env_id", ["beamgym/LaueAlignImage-v0", "beamgym/LaueZone-v0"])
def test_the_other_shipped_configurations_train_and_export(env_id, tmp_path):
    shipped = load_config(env_id)
    update = {"n_envs": 16, "n_timesteps": 2048, "n_steps": 32, "batch_size": 128, "selection_episodes": 16}
    config = shipped.model_copy(update=update)
    trainer = Trainer(env_id, config, RunFolder(tmp_path / "run"))
    before = weights(trainer.model.policy)
    result = trainer.run()
    assert trainer.model.num_timesteps == 2048
    assert not torch.equal(weights(trainer.model.policy), before)
    assert 0 <= result.success_rate <= 1
    bundle = OnnxModel.load(export_trained(trainer, tmp_path / "mine", "beamgym train", result))
    assert bundle.manifest.encoder.name == "image"
    env = gym.make(env_id, **config.env_kwargs)
    observation, _ = env.reset(seed=1)
    batch = {name: values[None] for name, values in observation.items()}
    assert np.abs(bundle.predict(batch)[0] - predict(trainer.model, observation)).max() <= 1e-5


def test_an_image_observation_names_its_encoder():
    env = gym.make("beamgym/LaueAlignImage-v0", size=64)
    assert encoder_of(env.observation_space) == ("image", {"size": 64})


def test_the_card_reports_other_seeds_beside_its_own(tmp_path):
    row = {"success_rate": 0.5, "exposures_median": 4.0, "misorientation_deg_median": 0.1}
    row |= {"motor_s_median": 120.0, "instrument_s_median": 200.0}
    other = RunFolder(tmp_path / "other")
    other.begin(ID, TrainingConfig(n_timesteps=0), 17)
    for name in ("warm_start", "ppo", "selected"):
        other.note(name, row)
    result = SimpleNamespace(as_dict=lambda: row, metric_set=EXPOSURES)
    own = SimpleNamespace(figures=lambda: {"cpu_s": 60.0, "warm_start": row, "ppo": row})
    config, model = TrainingConfig(n_timesteps=0), SimpleNamespace(num_timesteps=0)
    trainer = SimpleNamespace(env_id=ID, config=config, seed=4, folder=own, model=model)
    card = model_card("x", trainer, "beamgym train", result, [other])
    lines = [line for line in card.splitlines() if "| 0.500 | 4 | 120 | 200 | 0.100 |" in line]
    assert [line.split("|")[1].strip() for line in lines] == ["4"] * 3 + ["17"] * 3


def test_tuning_decisions_leaves_the_geometry_as_the_warm_start_made_it(tmp_path):
    config = CONFIG.model_copy(update={"tune": "decisions", "warm_start": None, "critic_first": 0})
    trainer = Trainer(ID, config, RunFolder(tmp_path / "run"), SEED)
    before = {name: values.clone() for name, values in trainer.model.policy.named_parameters()}
    trainer._ppo()
    moved = {name for name, values in trainer.model.policy.named_parameters() if not torch.equal(values, before[name])}
    assert any(".choose." in name for name in moved)
    allowed = (".choose.", "log_std", "value_net")
    assert not [name for name in moved if not any(part in name for part in allowed)]
    assert all(parameter.requires_grad for parameter in trainer.model.policy.actor_parameters())
