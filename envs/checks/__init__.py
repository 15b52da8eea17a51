"""Public checks of what others build (instruments, worlds, tasks, policies); every error names its remedy."""

from beamgym.envs.checks.failure import CheckFailed
from beamgym.envs.checks.instrument import check_instrument
from beamgym.envs.checks.policy import check_policy
from beamgym.envs.checks.task import check_task
from beamgym.envs.checks.world import check_world

__all__ = ["CheckFailed", "check_instrument", "check_policy", "check_task", "check_world"]
