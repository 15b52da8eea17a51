"""From the name on the command line to the policy that is deployed."""

from pathlib import Path

from beamgym.agents.policies import BundlePolicy, Recommended, find_bundle, find_policy, is_own, recommended_policy
from beamgym.envs.bundles import MANIFEST
from beamgym.envs.kinds import sample_of
from beamgym.hardware_bridge.deployment import DeployedPolicy, deployed_policy, refuse_aimless
from beamgym.hardware_bridge.instrument_file import InstrumentFile, check_experiment
from beamgym.hardware_bridge.tasks import default_task


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
    refuse_aimless(name, file)
    model = find_bundle(name)
    if model is not None:
        return deployed_policy(BundlePolicy(model), file)
    context = check_experiment(file)
    # a shipped bundle is found by the crystal, where there is one
    return deployed_policy(find_policy(name, default_task(context), sample_of(context), context), file)


def recommended_for(file: InstrumentFile) -> Recommended:
    """Return which policy to take for an instrument where none is named, and why.

    Raises
    ------
    ValueError : none is known that can play there
    """
    context = check_experiment(file)
    return recommended_policy(default_task(context), context, sample_of(context))[1]


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
