"""Which trajectories are recorded: environments by id and option, so that no module's place matters."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LAUE, LAUE_IMAGE, ZONE = "beamgym/LaueAlign-v0", "beamgym/LaueAlignImage-v0", "beamgym/LaueZone-v0"
SPOT, SPOT_IMAGE = "beamgym/ArpesSpot-v0", "beamgym/ArpesSpotImage-v0"

LEVELS = ("easy", "real", "hard")
RESETS = ("NextStep", "SameStep", "Disabled")

CRYSTALS: dict[str, str] = json.loads((Path(__file__).parent / "crystals.json").read_text(encoding="utf-8"))
"""Every named crystal but Si, with a target that somebody would align it for."""

KEPT_CRYSTALS = ("Ge", "quartz")


@dataclass(frozen=True)
class Case:
    """One trajectory.

    Parameters
    ----------
    env_id, options : what ``gym.make`` is given
    envs : number of a native vector environment's environments; 0 for a single one
    reset : the vector environment's autoreset mode
    mount : where reset's option "mount" puts the crystal: "goal" is its target pose, where the first action declares,
        "lost" is out of reach; "" leaves it to the seed
    kept : a shorter run of it is committed as a fixture
    """

    env_id: str
    options: Mapping[str, Any] = field(default_factory=dict)
    envs: int = 0
    reset: str = "NextStep"
    mount: str = ""
    kept: bool = True

    @property
    def name(self) -> str:
        """What it is called in the records; the actions are drawn from it."""
        words = [self.env_id.removeprefix("beamgym/"), *(f"{key}={value}" for key, value in self.options.items())]
        words += [f"x{self.envs} {self.reset}"] if self.envs else []
        return " ".join([*words, f"mount {self.mount}"] if self.mount else words)


def cases() -> list[Case]:
    """Return every trajectory that is recorded."""
    return [*_levels(), *_resets(), *_laue(), *_zone(), *_spot()]


def _levels() -> Iterator[Case]:
    """Every id, level and ``frames``, alone and as a vector."""
    tables = [(LAUE, {"level": level, "frames": frames}) for frames in ("spots", "rendered") for level in LEVELS]
    tables += [(env_id, {"level": level}) for env_id in (LAUE_IMAGE, SPOT, SPOT_IMAGE) for level in LEVELS]
    tables += [(ZONE, {"level": level}) for level in ("published", *LEVELS)]
    for env_id, options in tables:
        yield Case(env_id, options)
        yield Case(env_id, options, envs=3)


def _resets() -> Iterator[Case]:
    """Every way of beginning anew, with budgets that end within the record."""
    short = {LAUE: {"exposures": 4}, LAUE_IMAGE: {"exposures": 4}, ZONE: {"moves": 3}}
    short |= {SPOT: {"beam_time_s": 12.0}, SPOT_IMAGE: {"beam_time_s": 12.0}}
    for env_id, options in short.items():
        yield Case(env_id, options)
        yield from (Case(env_id, options, envs=3, reset=reset) for reset in RESETS)


def _laue() -> Iterator[Case]:
    for goniometer in ("two-arc", "e4cv", "psic", "kappa"):
        target = "axis [001] x" if goniometer == "two-arc" else "pose [001] [110]"
        for action in ("rotation", "axes"):
            yield Case(LAUE, {"goniometer": goniometer, "target": target, "action": action})
    yield Case(LAUE, {"action": "axes"}, envs=3)
    yield from (Case(LAUE, {"target": target}) for target in ("axis [111] x", "plane (100) (010)", "pose (110) [001]"))
    yield from (Case(LAUE, {"beam": beam}) for beam in ("tube-Mo", "tube-Cu", "bending-magnet", "neutron"))
    for detector in ("side", "top", "transmission"):
        yield from (Case(LAUE, {"detector": detector, "frames": frames}) for frames in ("spots", "rendered"))
    yield Case(LAUE, {"reward": "sparse", "tolerance_deg": 20.0, "max_rotation_deg": 30.0}, envs=8)
    yield Case(LAUE, {"stop": "truth", "tolerance_deg": 20.0}, envs=8, reset="SameStep")
    yield from (Case(LAUE, {"frames": frames}, mount="goal") for frames in ("spots", "rendered"))
    yield Case(LAUE_IMAGE, {"size": 48, "action": "axes"}, mount="goal")
    yield Case(LAUE, {"goniometer": "two-arc", "target": "axis [001] x"}, mount="lost")
    for crystal, target in CRYSTALS.items():
        yield Case(LAUE, {"crystal": crystal, "target": target}, kept=crystal in KEPT_CRYSTALS)


def _zone() -> Iterator[Case]:
    for system in ("tetragonal", "hexagonal"):
        yield from (Case(ZONE, {"system": system, "level": level}, envs=3) for level in ("published", "real"))
    yield Case(ZONE, {"axes": "all", "stop": "declare", "reward": "sparse"}, envs=8)
    yield Case(ZONE, {"size": 48, "tolerance_deg": 15.0, "max_rotation_deg": 30.0})


def _spot() -> Iterator[Case]:
    yield from (Case(SPOT, {"score": "truth", "level": level}, envs=3) for level in LEVELS)
    yield from (Case(SPOT, {"material": material}) for material in ("dirac", "square", "hexagonal"))
    yield Case(SPOT, {"action": "steps", "max_step_mm": 0.2, "surfaces": 2}, envs=3, reset="SameStep")
    yield Case(SPOT, {"stage": "piezo", "size": 128})
    yield Case(SPOT, {"reward": "sparse", "score": "cnn"}, envs=3)
    yield Case(SPOT, {"stop": "truth", "score": "truth"}, envs=3, reset="Disabled")
