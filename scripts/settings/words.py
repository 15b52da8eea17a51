"""``--set name=value``: any option of an environment, on the command line of every verb that makes one."""

from collections.abc import Collection, Sequence
from typing import Annotated, Any

import typer

Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="An option of the environment, as NAME=VALUE: --set level=hard; repeats."),
]


def read_settings(env_id: str, words: Sequence[str], elsewhere: Collection[str] = ()) -> dict[str, Any]:
    """Return the options of an environment that were set.

    Parameters
    ----------
    env_id : a registered environment
    words : each NAME=VALUE
    elsewhere : names that have an option of their own on this command line, which was given

    Raises
    ------
    ValueError, TypeError : no such name, which the nearest is told for; a value of another type; one that is set twice
    """
    from beamgym.envs.make import read_words

    found = read_words(env_id, words)
    twice = [name for name in found if name in elsewhere]
    if twice:
        raise ValueError(f"--set {twice[0]}=… is given by an option of its own too; give it once")
    return found
