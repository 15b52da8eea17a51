"""The policy that is deployed: a bundle, or a procedure such as index-and-move, with what a yes to it is bound to."""

import hashlib
import inspect
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import beamgym
from beamgym.agents.policies import BundlePolicy, find_bundle, find_policy, is_own
from beamgym.envs.bundles import MANIFEST, OnnxModel
from beamgym.envs.kinds import kind_of_environment
from beamgym.envs.policy import Policy
from beamgym.hardware_bridge.instrument_file import InstrumentFile, context_of
from beamgym.hardware_bridge.tasks import deployable

ENVIRONMENT = {"laue": "beamgym/LaueAlign-v0", "arpes": "beamgym/ArpesSpot-v0"}
"""The environment that a policy without one plays, by the kind of instrument."""

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


def read_policy(name: str, file: InstrumentFile) -> DeployedPolicy:
    """Return a policy for an instrument.

    Parameters
    ----------
    name : a bundle's directory, a stem in the zoo, "shipped", or a baseline such as "index-and-move"
    file : the instrument

    Raises
    ------
    ValueError : there is none of that name, it is broken, it is no policy for an instrument, it needs the truth, or it
        does not look where it goes, on hardware
    """
    refuse_code(name)
    if name in AIMLESS and not file.simulation:
        raise ValueError(f"{name} does not look where it goes; it is a rival for tables, and no policy for hardware")
    own = ENVIRONMENT[file.kind]
    context = context_of(file) if file.arpes is not None else None
    model = find_bundle(name)
    if model is None:
        policy = find_policy(name, own, file.laue.crystal if file.laue else "", context)
        if policy.oracle:
            raise ValueError(f"{policy.name} needs the truth, which no instrument knows; choose another policy")
    else:
        policy = BundlePolicy(model)
    if not isinstance(policy, BundlePolicy):
        return DeployedPolicy(policy, own, None, _source_of(policy))
    _refuse_another_environment(policy.model, own)
    manifest = policy.model.manifest
    files = {**manifest.files, MANIFEST: hashlib.sha256(manifest.model_dump_json().encode()).hexdigest()}
    return DeployedPolicy(policy, manifest.env_id, policy.model, files)


def refuse_code(name: str) -> None:
    """Refuse what can only be read by running what is in it.

    Raises
    ------
    ValueError : for a module of one's own, or a file, such as SB3's zip or a torch checkpoint; bundles are directories
    """
    if is_own(name):
        raise ValueError(f"{name} is code; by name only bundles and baselines are deployed on an instrument")
    path = Path(name)
    if path.is_file() and path.name != MANIFEST:
        raise ValueError(
            f"{name} is a file; only bundles are deployed, folders that hold data and no code; export an SB3 model as "
            "one with beamgym.agents.export.bundle.export_bundle"
        )


def _refuse_another_environment(model: OnnxModel, own: str) -> None:
    """Refuse a bundle of an environment that this kind of instrument cannot stand for, however equal the spaces are."""
    kind = kind_of_environment(own)
    if kind is None or model.manifest.env_id not in deployable(kind.name):
        model.check_environment(own)


def _source_of(policy: Policy) -> dict[str, str]:
    """Return what a procedure's word is bound to: this package's version and the procedure's own text."""
    module = sys.modules[type(policy).__module__]
    text = inspect.getsource(module)
    return {
        f"beamgym {beamgym.__version__}": hashlib.sha256(beamgym.__version__.encode()).hexdigest(),
        module.__name__: hashlib.sha256(text.encode()).hexdigest(),
    }
