"""What a policy is handed leads to nothing that answers questions, commands devices, or says that it is armed."""

import gc
import types

import numpy as np
import pytest

from beamgym.hardware_bridge.deployment.deployment import Deployment
from beamgym.hardware_bridge.deployment.events import EventStream
from beamgym.hardware_bridge.deployment.run import run
from beamgym.hardware_bridge.deployment.session import Session, StopButton
from beamgym.hardware_bridge.guard import Guard
from beamgym.hardware_bridge.guard.devices import AxisProxy, GuardedAxis, GuardedDetector, GuardedShutter
from beamgym.hardware_bridge.guard.latch import Latch
from beamgym.hardware_bridge.guard.permits import Permits
from beamgym.hardware_bridge.guard.questions import Questions
from beamgym.hardware_bridge.records import AuditLog, Confirmation

KEPT_FROM_IT = (
    *(Guard, Latch, Permits, Questions, Confirmation, GuardedAxis, GuardedDetector, GuardedShutter, AxisProxy),
    *(Session, Deployment, EventStream, StopButton, AuditLog),
)

GLOBAL = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type, types.CodeType)
"""What every Python program reaches anyhow, whatever it is handed; so does a policy that is Python code."""


class Declares:
    """Keeps what it was handed, and declares."""

    name, oracle = "declares", False

    def __init__(self):
        self.given = []

    def start(self, context, n):
        self.given.append(context)
        return [None] * n

    def act(self, observation, state, truth=None):
        self.given += [observation, state]
        return np.array([[0.0, 0.0, 0.0, 1.0]], dtype=np.float32), state


def reached(roots):
    """Return every object to which a reference leads from the roots, modules, classes and functions left out."""
    found, ahead = {}, list(roots)
    while ahead:
        one = ahead.pop()
        if id(one) in found or isinstance(one, GLOBAL):
            continue
        found[id(one)] = one
        ahead += gc.get_referents(one)
    return list(found.values())


@pytest.fixture
def played(mine):
    """A deployment that was run to its end, and its policy."""
    policy = Declares()
    deployment = mine()
    deployment.deployed = type(deployment.deployed)(policy, deployment.deployed.env_id, None, {})
    assert run(deployment).ending == "declared"
    return deployment, policy


def test_a_policy_is_handed_nothing_that_leads_to_the_guard_or_to_who_answers(played):
    _, policy = played
    objects = reached(policy.given)
    assert len(objects) > 10
    assert [type(one).__name__ for one in objects if isinstance(one, KEPT_FROM_IT)] == []


def test_the_search_would_find_them(played):
    deployment, _ = played
    assert any(isinstance(one, StopButton) for one in reached([{"context": [deployment]}]))
