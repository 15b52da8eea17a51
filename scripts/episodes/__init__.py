"""The episodes of `beamgym dataset`: of a policy in simulation, or of an instrument's runs, in Minari's layout."""

from beamgym.scripts.episodes.writing import Wanted, write_episodes, write_runs

__all__ = ["Wanted", "write_episodes", "write_runs"]
