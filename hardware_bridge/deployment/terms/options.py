"""How a policy is deployed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beamgym.hardware_bridge.deployment.session import KEEP_TRYING_S


@dataclass(frozen=True)
class Options:
    """How a policy is deployed; the command line's options, see `beamgym deploy --help`.

    Parameters
    ----------
    devices : Python file whose ``devices()`` returns the user's own devices by name
    confirm : ask before "every" move, before the "first" run, or "never"
    yes : answer yes to everything; on a simulation only
    max_steps : moves at most
    dose_s : seconds of open shutter at most, where that is less than the file's
    back : afterwards bring the axes back to where they stood
    homed : axes of which a human says that they are homed
    token : file that the operator's token keeps touching
    tiled : URI of a Tiled server that takes the documents too
    episodes, seed, level : of the practice: how many, from which seed on, and the practice instrument's level
    out : folder in which the run's own folder is made
    keep_trying_s : an abort that cannot be completed, because a server is away, is tried for so long, seconds
    metadata : further entries of the start document, such as operator, proposal, sample; plain data
    """

    devices: Path | None = None
    confirm: str = "every"
    yes: bool = False
    max_steps: int | None = None
    dose_s: float | None = None
    back: bool = False
    homed: tuple[str, ...] = ()
    token: Path | None = None
    tiled: str | None = None
    episodes: int = 0
    seed: int = 0
    level: str = "real"
    out: Path = Path("out")
    keep_trying_s: float = KEEP_TRYING_S
    metadata: Mapping[str, Any] = field(default_factory=dict)
