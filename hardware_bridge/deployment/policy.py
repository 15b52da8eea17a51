"""The policy that is deployed, with what a yes to it is bound to: a bundle's files, or a procedure's own text."""

import hashlib
import inspect
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import beamgym
from beamgym.envs.bundles import MANIFEST, OnnxModel
from beamgym.envs.policy import Policy
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.tasks import deployable

AIMLESS = ("random", "no-op")
"""Baselines that a real instrument is not lent to."""


@dataclass(frozen=True)
class DeployedPolicy:
    """A policy ready for an instrument.

    Parameters
    ----------
    policy : decides
    env_id : the environment it plays
    model : the bundle it was read from, or None
    files : SHA-256 of all that it is, by name
    """

    policy: Policy
    env_id: str
    model: OnnxModel | None
    files: Mapping[str, str]

    @property
    def digest(self) -> str:
        """SHA-256 over all its files."""
        return hashlib.sha256(json.dumps(dict(self.files), sort_keys=True).encode()).hexdigest()


def deployed_policy(policy: Policy, file: InstrumentFile) -> DeployedPolicy:
    """Return a policy ready for an instrument.

    Parameters
    ----------
    policy : learned or not; one with an attribute ``model`` that is an ``OnnxModel`` plays that bundle
    file : the instrument

    Raises
    ------
    ValueError : it is no policy, needs the truth, does not look where it goes (on hardware), or is a bundle for another
        environment
    """
    _check_form(policy)
    refuse_aimless(policy.name, file)
    if policy.oracle:
        raise ValueError(f"{policy.name} needs the truth, which no instrument knows; choose another policy")
    fitting, model = deployable(file.kind), getattr(policy, "model", None)
    if not isinstance(model, OnnxModel):
        return DeployedPolicy(policy, fitting[0], None, _source_of(policy))
    if model.manifest.env_id not in fitting:
        # however equal the spaces are
        model.check_environment(fitting[0])
    manifest = model.manifest
    files = {**manifest.files, MANIFEST: hashlib.sha256(manifest.model_dump_json().encode()).hexdigest()}
    return DeployedPolicy(policy, manifest.env_id, model, files)


def _check_form(policy: Any) -> None:
    """Raise ValueError for a name, a class, or what lacks a part of a policy."""
    if isinstance(policy, str | type):
        what = repr(policy) if isinstance(policy, str) else f"the class {policy.__name__}"
        raise ValueError(f"the policy is {what}; give an object, such as agents.policies.find_policy returns")
    missing = [name for name in ("name", "oracle", "start", "act") if not hasattr(policy, name)]
    if missing:
        raise ValueError(f"the policy, a {type(policy).__name__}, has no {', '.join(missing)}; see envs.policy.Policy")


def refuse_aimless(name: str, file: InstrumentFile) -> None:
    """Raise ValueError for a baseline that does not look where it goes, on hardware."""
    if name in AIMLESS and not file.simulation:
        raise ValueError(f"{name} does not look where it goes; it is a rival for tables, and no policy for hardware")


def _source_of(policy: Policy) -> dict[str, str]:
    """Return what a procedure's word is bound to: this package's version and the procedure's own text."""
    module = sys.modules[type(policy).__module__]
    text = inspect.getsource(module)
    return {
        f"beamgym {beamgym.__version__}": hashlib.sha256(beamgym.__version__.encode()).hexdigest(),
        module.__name__: hashlib.sha256(text.encode()).hexdigest(),
    }
