"""The plan plays the task's own episode, can be paused and aborted anywhere, and always cleans up."""

import threading

import gymnasium as gym
import numpy as np
import pytest
from event_model import DocumentNames, schema_validators

from beamgym.agents.baselines.align.index_and_move import IndexAndMove
from beamgym.hardware_bridge.rollout.step_record import observation_digest

from bluesky.utils import RunEngineInterrupted  # isort: skip


class Restless:
    """Turns for ever."""

    name, oracle = "restless", False

    def start(self, context, n):
        return [0]

    def act(self, observation, state):
        return np.array([[0.3, -0.2, 0.1, -1.0]], dtype=np.float32), [state[0] + 1]


class Wrong(Restless):
    """Answers with what is no number, the second time."""

    def act(self, observation, state):
        action, state = super().act(observation, state)
        return (action * np.nan if state[0] > 1 else action), state


def simulated(seed, **options):
    """Play the same episode in the environment; returns every observation and the last info."""
    env, policy = gym.make("beamgym/LaueAlign-v0", **options).unwrapped, IndexAndMove()
    observation, _ = env.reset(seed=seed)
    memory, seen, over = policy.start(env.loop.task.context, 1), [observation], False
    while not over:
        batch = {name: values[None] for name, values in observation.items()}
        action, memory = policy.act(batch, memory)
        observation, _, terminated, truncated, info = env.step(action[0])
        seen.append(observation)
        over = terminated or truncated
    return seen, info


@pytest.fixture
def paused_at(stage):
    """Return a function that runs an episode, pauses it when a message of a kind has come n times, and resumes."""

    def run(made, rollout, command, number):
        seen = [0]

        def hook(message):
            seen[0] += message.command == command
            if seen[0] == number and message.command == command:
                seen[0] += 1000
                threading.Thread(target=made.engine.request_pause, daemon=True).start()

        made.engine.msg_hook = hook
        try:
            made.engine(rollout.plan())
        except RunEngineInterrupted:
            made.engine.resume()

    return run


def test_the_plan_plays_the_episode_that_the_environment_plays(stage):
    made = stage(seed=5)
    rollout = made.rollout()
    made.engine(rollout.plan())
    seen, info = simulated(5)
    assert len(rollout.steps) == len(seen) > 2
    for step, observation in zip(rollout.steps, seen, strict=True):
        for name, values in observation.items():
            np.testing.assert_array_equal(step.observation[name][0], values)
    assert rollout.ended == "declared"
    assert rollout.steps[-1].verdict.is_success[0] == info["is_success"] == True  # noqa: E712


def test_every_document_is_valid_and_every_step_has_one_event(stage):
    made = stage(frames="rendered")
    rollout = made.rollout()
    made.engine(rollout.plan())
    for name, doc in made.documents:
        schema_validators[DocumentNames[name]].validate(doc)
    events = made.events()
    assert [event["data"]["step_number"] for event in events] == list(range(len(rollout.steps)))
    assert [event["seq_num"] for event in events] == list(range(1, len(events) + 1))
    for event, step in zip(events, rollout.steps, strict=True):
        data = event["data"]
        np.testing.assert_allclose(data["step_readback"], step.state.positions[0])
        np.testing.assert_allclose(data["step_action"], step.action, atol=1e-7)
        assert data["step_observation_sha256"] == observation_digest(step.observation)
        assert data["step_found_count"] == step.frame.found.count[0] > 0
        assert set(data) >= {axis.name for axis in made.world.axes}
    (verdict,) = made.events("verdict")
    assert verdict["data"]["verdict_success"] is True
    assert verdict["data"]["verdict_misorientation_estimate_deg"] < 0.25


def test_the_documents_hold_nothing_of_the_truth(stage):
    made = stage()
    made.engine(made.rollout().plan())
    keys = {key for doc in made.named("descriptor") for key in doc["data_keys"]}
    assert "verdict_misorientation_estimate_deg" in keys
    assert not {key for key in keys if key.endswith(("misorientation_deg", "orientation", "mount"))}
    rewards = [event["data"]["step_reward"] for event in made.events()]
    assert rewards == [0.0] * (len(rewards) - 1) + [1.0]


def test_every_target_is_absolute_and_is_what_the_motor_was_told(stage):
    made = stage()
    made.engine(made.rollout().plan())
    told = np.array([motor.commands for motor in made.instrument.motors]).T
    moves = [event["data"] for event in made.events()[1:] if not event["data"]["step_declare"]]
    np.testing.assert_array_equal(told, [data["step_target"] for data in moves])
    assert made.instrument.exposures == len(moves) + 1


def test_reset_exposes_in_place(stage):
    made = stage()
    made.engine(made.rollout(max_steps=0).plan())
    assert made.instrument.exposures == 1
    assert not any(motor.commands for motor in made.instrument.motors)


def test_the_operator_ends_an_episode_after_as_many_moves_as_he_says(stage):
    made = stage()
    rollout = made.rollout(Restless(), max_steps=3)
    made.engine(rollout.plan())
    assert rollout.ended == "steps spent"
    assert [len(motor.commands) for motor in made.instrument.motors] == [3] * 6
    assert made.finished == [True]


def test_an_episode_whose_budget_is_spent_ends(stage):
    made = stage(exposures=4)
    rollout = made.rollout(Restless())
    made.engine(rollout.plan())
    assert rollout.ended == "budget spent"
    assert made.instrument.exposures == 4


@pytest.mark.parametrize(
    ("command", "number"),
    [
        *(("set", 8), ("wait", 1), ("wait_for", 4), ("create", 2), ("read", 10), ("save", 2)),
        pytest.param("set", 1, marks=pytest.mark.slow),
        pytest.param("wait_for", 1, marks=pytest.mark.slow),
    ],
)
def test_a_pause_anywhere_changes_nothing_of_the_episode(stage, paused_at, command, number):
    """Every kind of command is there in the default suite; the first of a kind that comes later again is slow."""
    made, calm = stage(frames="rendered", seed=7), stage(seed=7, frames="rendered")
    calm.store = None
    undisturbed = calm.rollout()
    calm.engine(undisturbed.plan())
    rollout = made.rollout()
    paused_at(made, rollout, command, number)
    assert rollout.ended == "declared"
    assert made.finished == [True]
    assert len(rollout.steps) == len(undisturbed.steps)
    np.testing.assert_allclose(rollout.steps[-1].state.positions, undisturbed.steps[-1].state.positions, atol=0.5)
    numbers = [event["data"]["step_number"] for event in made.events()]
    assert sorted(set(numbers)) == list(range(len(rollout.steps)))
    for name, doc in made.documents:
        schema_validators[DocumentNames[name]].validate(doc)


def test_an_abort_stops_the_motors_and_cleans_up_within_the_run(stage):
    made = stage()
    made.instrument.motors[2].held = True
    rollout = made.rollout()
    moving = threading.Event()
    made.engine.msg_hook = lambda message: message.command == "wait" and moving.set()

    def abort():
        moving.wait(20)
        made.engine.abort("the operator said so")

    thread = threading.Thread(target=abort)
    thread.start()
    with pytest.raises(RunEngineInterrupted):
        made.engine(rollout.plan())
    thread.join()
    assert made.finished == [False]
    assert rollout.ended == ""
    assert all(motor.stops for motor in made.instrument.motors)
    (stop,) = made.named("stop")
    assert stop["exit_status"] == "abort"
    assert made.documents[-1][0] == "stop"


def test_a_policy_that_answers_nonsense_ends_the_run_as_failed(stage):
    made = stage()
    with pytest.raises(ValueError, match="every number must be finite"):
        made.engine(made.rollout(Wrong()).plan())
    assert made.finished == [False]
    assert [len(motor.commands) for motor in made.instrument.motors] == [1] * 6
    (stop,) = made.named("stop")
    assert stop["exit_status"] == "fail"


def test_what_goes_wrong_while_cleaning_up_is_not_hidden(stage):
    made = stage()
    rollout = made.rollout()

    async def finish(well):
        raise RuntimeError("the shutter did not close")

    rollout.finish = finish
    with pytest.raises(RuntimeError, match="did not close"):
        made.engine(rollout.plan())


def test_the_policy_gives_a_sign_of_life_with_every_decision(stage):
    made, signs = stage(), []
    rollout = made.rollout(pulse=lambda: signs.append(1))
    made.engine(rollout.plan())
    assert len(signs) == len(rollout.steps) - 1


class Hangs(Restless):
    """Never comes to its second decision; what ends the episode comes meanwhile."""

    def __init__(self, instrument):
        self.instrument, self.free = instrument, threading.Event()

    def act(self, observation, state):
        if state[0]:
            self.instrument.latched = "the guard has latched"
            self.free.wait(120.0)
        return super().act(observation, state)


def test_a_decision_that_does_not_end_is_left_behind_when_nothing_may_be_commanded_any_more(stage):
    made = stage(seed=5)
    policy = Hangs(made.instrument)
    rollout = made.rollout(policy)
    with pytest.raises(RuntimeError, match="the guard has latched"):
        made.engine(rollout.plan())
    policy.free.set()
    assert (rollout.ended, len(rollout.steps), made.finished) == ("", 2, [False])
    assert made.named("stop")[0]["exit_status"] == "fail"
    assert not made.events("verdict")


def test_an_episode_whose_last_decision_outlasts_what_may_be_commanded_has_no_verdict(stage):
    made = stage(seed=5)
    made.documents.clear()
    rollout = made.rollout()
    end = rollout.finish

    async def finish(well):
        await end(well)
        if well:
            raise RuntimeError("the way back was refused")

    rollout.finish = finish
    with pytest.raises(RuntimeError, match="the way back was refused"):
        made.engine(rollout.plan())
    assert (rollout.ended, made.finished) == ("", [True, False])
    assert not made.events("verdict")
