"""Every run leaves an episode that training can read, also one that breaks off and one whose axes a hand turns."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from beamgym.agents.policies import find_policy
from beamgym.envs.episodes import EPISODES, episode_files, read_episodes
from beamgym.envs.episodes.episode import INFOS
from beamgym.hardware_bridge.deployment.causes import DeployFailed
from beamgym.hardware_bridge.deployment.deployment import Deployment
from beamgym.hardware_bridge.deployment.events.sinks import Recorder
from beamgym.hardware_bridge.deployment.run import run
from beamgym.hardware_bridge.deployment.terms import Options
from beamgym.hardware_bridge.direction_check.check import DirectionReport
from beamgym.hardware_bridge.direction_check.motion import ImageFlags
from beamgym.hardware_bridge.direction_check.record import devices_digest, write_direction_record
from beamgym.hardware_bridge.instrument_file import load_instrument
from beamgym.hardware_bridge.records.documents import read_documents
from beamgym.hardware_bridge.rollout.step_record import observation_digest

ENV_ID = "beamgym/LaueAlign-v0"
AXES = [f"j{i}" for i in range(1, 7)]


def the_episode(deployment):
    (path,) = episode_files([deployment.folder])
    assert path == deployment.folder / EPISODES
    (episode,) = read_episodes(path)
    return episode


def events(deployment):
    """The data of the primary stream's events."""
    documents = list(read_documents(deployment.folder / "documents.jsonl"))
    primary = {doc["uid"] for name, doc in documents if name == "descriptor" and doc["name"] == "primary"}
    return [doc["data"] for name, doc in documents if name == "event" and doc["descriptor"] in primary]


def test_a_run_is_an_episode_of_what_the_policy_saw_and_did(mine):
    deployment = mine()
    report = run(deployment)
    episode, rows = the_episode(deployment), events(deployment)
    assert report.files["training"] == str(deployment.folder / EPISODES)
    assert len(rows) == episode.steps + 1 == len(report.rows)
    for t, row in enumerate(rows):
        seen = {name: values[t : t + 1] for name, values in episode.observations.items()}
        assert observation_digest(seen) == row["step_observation_sha256"]
        assert episode.infos["target"][t].tolist() == row["step_target"]
        assert episode.infos["readback"][t].tolist() == row["step_readback"]
        assert episode.infos["found_count"][t] == row["step_found_count"] > 10
        count = row["step_found_count"]
        assert episode.infos["found_px"][t, :count].tolist() == row["step_found_px"][:count]
    assert episode.actions.tolist() == [row["step_action"] for row in rows[1:]]
    assert episode.infos["declared"].tolist() == [False] * episode.steps + [True]
    assert episode.terminations.tolist() == [False] * (episode.steps - 1) + [True]
    assert episode.success
    assert episode.about["env_id"] == ENV_ID
    assert episode.about["turned_by_hand"] == []
    assert (episode.about["ending"], episode.about["policy"]) == ("declared", "index-and-move")


def test_no_truth_is_in_it(mine):
    deployment = mine()
    run(deployment)
    episode = the_episode(deployment)
    words = json.dumps(episode.about) + " ".join([*episode.infos, *episode.observations])
    assert "truth" not in words
    assert set(episode.about["metrics"]) == {
        "misorientation_estimate_deg",
        "misorientation_sigma_deg",
        "within_tolerance_probability",
    }


def test_what_broke_off_is_an_episode_as_far_as_it_came(mine):
    deployment = mine(faults=(3,))
    with pytest.raises(DeployFailed, match="the controller tripped"):
        run(deployment)
    episode = the_episode(deployment)
    assert episode.steps == 0
    assert {len(values) for values in (*episode.observations.values(), *episode.infos.values())} == {1}
    assert not episode.success
    assert "the controller tripped" in episode.about["ending"]


BY_HAND = """

import json
from pathlib import Path


class PatientCamera(Camera):
    def trigger(self):
        WORLD.move(np.array([json.loads(Path("hand.json").read_text())]), ONE)
        return super().trigger()


def devices():
    return {"my_camera": PatientCamera()}
"""


class Hand:
    """An operator who says yes, turns each axis as told but a little short, and types what he reads."""

    SHORT_DEG = 0.01

    def __init__(self):
        self.reads = dict.fromkeys(AXES, 0.0)
        self.turned = []
        self._write()

    def __call__(self, question):
        turn = re.match(r"Turn (\w+) .* to (\S+) deg\.", question.text)
        if turn:
            name, place = turn.group(1), float(turn.group(2))
            self.reads[name] = round(place - self.SHORT_DEG, 2)
            self.turned.append(name)
            self._write()
            return f"{self.reads[name]:.2f}"
        asked = re.match(r"What does (\w+) read", question.text)
        return f"{self.reads[asked.group(1)]:.2f}" if asked else "yes"

    def _write(self):
        Path("hand.json").write_text(json.dumps([self.reads[name] for name in AXES]), encoding="utf-8")


def deployed_by_hand(hand):
    content = yaml.safe_load(Path("mine.yaml").read_text(encoding="utf-8"))
    for name in AXES:
        content["devices"][name] = {"adapter": "manual"}
    Path("mine.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with Path("mine.py").open("a", encoding="utf-8") as file:
        file.write(BY_HAND)
    report = DirectionReport(dict.fromkeys(AXES, "right"), ImageFlags(), (), True, ("as the file says",))
    write_direction_record("mine.yaml", load_instrument("mine.yaml"), report, devices_digest("mine.py"))
    options = Options(devices=Path("mine.py"), confirm="every")
    return Deployment(find_policy("index-and-move", ENV_ID), "mine.yaml", options, Recorder(hand))


def test_a_run_whose_axes_a_hand_turns_is_an_episode_with_what_the_hand_did(mine):
    mine()
    hand = Hand()
    deployment = deployed_by_hand(hand)
    assert run(deployment).success
    episode = the_episode(deployment)
    assert episode.about["turned_by_hand"] == AXES
    assert episode.about["confirm"] == "every"
    assert hand.turned
    short = episode.infos["target"][1] - episode.infos["readback"][1]
    assert np.abs(short - Hand.SHORT_DEG).max() < 0.0051  # the scale shows hundredths
    assert [episode.infos["readback"][-1, i] for i in range(6)] == [hand.reads[name] for name in AXES]


def test_the_documented_names_are_those_that_are_written(mine):
    deployment = mine(max_steps=1)
    run(deployment)
    episode = the_episode(deployment)
    assert {name for name in episode.infos if not name.startswith("cost_")} == set(INFOS)
