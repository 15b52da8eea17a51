"""Whether an observation holds what a network reads."""

from collections.abc import Sequence

from gymnasium import spaces


def check_observed(space: spaces.Dict, reads: Sequence[str], need: str) -> None:
    """Refuse an observation that lacks a part.

    Parameters
    ----------
    space : of the environment's observation
    reads : names of the parts that are read
    need : who needs what, in words, for the message

    Raises
    ------
    ValueError : names the parts that are missing
    """
    missing = [name for name in reads if name not in space.spaces]
    if missing:
        raise ValueError(f"{need}, without {', '.join(missing)} here: set extractor: combined")
