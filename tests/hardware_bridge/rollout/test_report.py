"""The report says what happened, in numbers that are the steps', and draws it without the truth."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from beamgym.envs.arpes_spot.factory import ArpesSpotOptions
from beamgym.envs.arpes_spot.factory import build as build_arpes
from beamgym.hardware_bridge.rollout.report import pictures, write_report
from beamgym.hardware_bridge.tasks import deployable, task_for
from beamgym.physics.mosaic.outline import Outline


class Seen:
    """What a real instrument shows of a world: no reset, no truth."""

    n = 1

    def __init__(self, world, context):
        self.axes, self.context, self.positions = world.axes, context, world.positions
        self.move, self.acquire = world.move, world.acquire


@pytest.fixture
def played(stage):
    """One episode: (stage, rollout, instrument without truth)."""
    made = stage(frames="rendered")
    rollout = made.rollout()
    made.engine(rollout.plan())
    return made, rollout, Seen(made.world, made.task.context)


def test_the_numbers_are_those_of_the_steps(played, tmp_path):
    made, rollout, instrument = played
    report = write_report(tmp_path, made.task, instrument, rollout.steps, rollout.ended, policy="p", name="i")
    assert report.ending == "declared"
    assert report.success
    assert report.exposures == made.instrument.exposures == report.moves + 1
    assert report.metrics["misorientation_estimate_deg"] < 0.25
    assert [row["step"] for row in report.rows] == list(range(len(rollout.steps)))
    assert report.rows[-1]["done"] == "declared"
    assert report.rows[1]["positions"] == dict(
        zip([axis.name for axis in made.world.axes], rollout.steps[1].state.positions[0], strict=True)
    )


def test_the_figure_and_the_film_open(played, tmp_path):
    made, rollout, instrument = played
    report = write_report(tmp_path, made.task, instrument, rollout.steps, rollout.ended, policy="p", name="i")
    with Image.open(report.files["figure"]) as figure:
        assert figure.width > 1200
    with Image.open(report.files["film"]) as film:
        assert film.n_frames == len(rollout.steps)


def test_the_pictures_do_not_know_the_error(played):
    made, rollout, instrument = played
    drawn = pictures(made.task, instrument, rollout.steps)
    made.world.reset(np.array([16], dtype=np.uint64), np.ones(1, dtype=np.bool_))
    for before, after in zip(drawn, pictures(made.task, instrument, rollout.steps), strict=True):
        np.testing.assert_array_equal(before, after)
    assert (drawn[-1] != pictures(made.task, made.world, rollout.steps)[-1]).any()


def test_a_report_without_a_step_has_no_pictures(stage, tmp_path):
    made = stage()
    report = write_report(tmp_path, made.task, made.instrument, [], "the guard refused", policy="p", name="i")
    assert (report.success, report.exposures, report.files) == (False, 0, {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("env_id", sorted(deployable()))
def test_every_deployable_environment_has_the_spaces_of_its_task(env_id, stage):
    import gymnasium as gym

    # Frames that a model draws cannot come from an instrument.
    env = gym.make(env_id, **({"frames": "spots", "crystals": 4} if "PlateScan" in env_id else {}))
    by_kind = {"LaueAlign": stage().task.context, "ArpesSpot": build_arpes(ArpesSpotOptions(), 1)[0].context}
    found = [context for name, context in by_kind.items() if name in env_id]
    plate = (Outline("1", np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])),)
    own = env.unwrapped.loop.task.context
    context = found[0] if found else replace(own, outlines=plate) if "PlateScan" in env_id else own
    task = task_for(context, env_id)
    assert task.observation_space == env.observation_space
    assert task.action_space == env.action_space


def test_an_environment_of_another_instrument_is_refused(stage):
    with pytest.raises(ValueError, match="it can stand for beamgym/LaueAlign-v0"):
        task_for(stage().task.context, "beamgym/ArpesSpot-v0")
    with pytest.raises(ValueError, match="LaueZone-v0 cannot be deployed"):
        task_for(stage().task.context, "beamgym/LaueZone-v0")
