"""Floor 2: tasks and the loop that makes them Gymnasium environments; ``kinds`` is the table of them all."""

from beamgym.envs.kinds import ENVIRONMENTS, register_all, register_kind

__all__ = ["ENVIRONMENTS", "register_all", "register_kind"]
