"""Floor 2: tasks and the loop that makes them Gymnasium environments; this table is every registered id."""

import gymnasium as gym

ENVIRONMENTS: dict[str, dict[str, object]] = {
    "beamgym/LaueAlign-v0": {
        "entry_point": "beamgym.envs.laue_align.factory:make_env",
        "vector_entry_point": "beamgym.envs.laue_align.factory:make_vector_env",
    },
    "beamgym/LaueAlignImage-v0": {
        "entry_point": "beamgym.envs.laue_align.factory:make_env",
        "vector_entry_point": "beamgym.envs.laue_align.factory:make_vector_env",
        "kwargs": {"image": True},
    },
    "beamgym/LaueZone-v0": {
        "entry_point": "beamgym.envs.laue_zone.factory:make_env",
        "vector_entry_point": "beamgym.envs.laue_zone.factory:make_vector_env",
    },
    "beamgym/ArpesSpot-v0": {
        "entry_point": "beamgym.envs.arpes_spot.factory:make_env",
        "vector_entry_point": "beamgym.envs.arpes_spot.factory:make_vector_env",
    },
    "beamgym/ArpesSpotImage-v0": {
        "entry_point": "beamgym.envs.arpes_spot.factory:make_env",
        "vector_entry_point": "beamgym.envs.arpes_spot.factory:make_vector_env",
        "kwargs": {"image": True},
    },
}


def register_all() -> None:
    """Register every environment of the table with Gymnasium; ids already there are left alone."""
    for name, entry in ENVIRONMENTS.items():
        if name not in gym.registry:
            gym.register(id=name, **entry)  # type: ignore[arg-type]
