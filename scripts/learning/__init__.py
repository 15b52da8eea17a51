"""The suite `beamgym benchmark learn`: what unmodified Stable-Baselines3 learns on each rung of the ladder."""

from beamgym.scripts.learning.suite import run_suite

__all__ = ["run_suite"]
