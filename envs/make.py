"""The one maker of environments: what `gym.make` and `gym.make_vec` call for every id of the table of kinds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from beamgym.envs.kinds import EnvKind, Ref, kind_named, kind_of_environment, resolve
from beamgym.envs.loop import (
    GoalEnv,
    GoalVectorEnv,
    InstrumentEnv,
    InstrumentVectorEnv,
    checked_threads,
    tell_of_compiling,
)
from beamgym.envs.options import read_options, words_as_options
from beamgym.envs.task import HasGoals


def make_env(kind: str, render_mode: str | None = None, **options: Any) -> InstrumentEnv:
    """Make one environment.

    Parameters
    ----------
    kind : its name in ``envs.kinds``
    render_mode : None, "rgb_array" or "human", a window by pygame; Gymnasium makes "rgb_array_list" of "rgb_array"
    options : fields of the kind's options, and the keywords that its ids fix, such as ``image``

    Raises
    ------
    TypeError, ValueError : an unknown option, or one that cannot be
    """
    if "threads" in options:
        raise TypeError(
            f"threads belongs to the native vector form: gym.make_vec(…, threads={options['threads']!r}) without "
            "vectorization_mode (unexpected keyword argument 'threads')"
        )
    row = kind_named(kind)
    window = _window(row.name) if render_mode == "human" else None
    task, world = build(row, 1, options)
    made = GoalEnv if isinstance(task, HasGoals) else InstrumentEnv
    return made(task, world, render_mode, LazyRenderer(row.renderer, task.context), window, **_form(options, task))


def make_vector_env(
    kind: str,
    num_envs: int = 1,
    render_mode: str | None = None,
    autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    threads: int = 1,
    **options: Any,
) -> InstrumentVectorEnv:
    """Make a native vector environment of ``num_envs`` samples; otherwise as :func:`make_env`.

    Parameters
    ----------
    num_envs : samples, 1 or more
    autoreset_mode : Gymnasium's NEXT_STEP (default), SAME_STEP or DISABLED
    threads : over how many threads the long kernels share the samples out; no bit depends on it
    """
    row, n = kind_named(kind), _checked_number(num_envs)
    shared = checked_threads(threads, n)
    task, world = build(row, n, options)
    renderer = LazyRenderer(row.renderer, task.context)
    made = GoalVectorEnv if isinstance(task, HasGoals) else InstrumentVectorEnv
    return made(task, world, autoreset_mode, render_mode, renderer, shared, **_form(options, task))


def _checked_number(num_envs: object) -> int:
    if isinstance(num_envs, bool) or not isinstance(num_envs, (int, np.integer)):
        raise TypeError(f"num_envs is {num_envs!r}; give a whole number, 1 or more")
    if num_envs < 1:
        raise ValueError(f"num_envs is {num_envs}; give 1 or more")
    return int(num_envs)


def _form(options: Mapping[str, Any], task: Any) -> dict[str, Any]:
    """Return in what form observations are given out, of what the user named."""
    history = options.get("history", 1)
    if isinstance(task, HasGoals) and history != 1:
        raise ValueError("goals are put in place of others one step at a time; leave out history")
    return {"flat": bool(options.get("flat", False)), "history": history}


class LazyRenderer:
    """A kind's renderer, made with the first picture: what it imports takes longer than making an environment.

    Parameters
    ----------
    ref : the kind's ``renderer``
    context : of the environment
    """

    def __init__(self, ref: Ref, context: Any) -> None:
        self._ref, self._context = ref, context
        self._made: Any = None

    def draw(self, loop: Any, sample: int = 0) -> NDArray[np.uint8]:
        """Return the present state of a sample as an (h, w, 3) picture."""
        if self._made is None:
            self._made = resolve(self._ref)(self._context)
        picture: NDArray[np.uint8] = self._made.draw(loop, sample)
        return picture


def read_words(env_id: str, words: Sequence[str]) -> dict[str, Any]:
    """Return options of an environment that are given as "name=value" each, typed as the kind's options say.

    Raises
    ------
    ValueError, TypeError : an environment that is in no table of kinds, an unknown name, or a value that cannot be
    """
    kind = kind_of_environment(env_id)
    if kind is None:
        if words:
            raise ValueError(f"what {env_id} takes is in no table of kinds; see docs/add_a_kind.md")
        return {}
    return words_as_options(resolve(kind.options), words)


def _window(name: str) -> Any:
    from beamgym.envs.pictures import Window

    return Window(f"beamgym: {name}")


def build(kind: EnvKind, n: int, options: dict[str, Any]) -> tuple[Any, Any]:
    """Make a kind's task and a world of n samples from keywords; raises what :func:`make_env` raises."""
    fixed = {name: value for name, value in options.items() if name in kind.fixed_names}
    others = {name: value for name, value in options.items() if name not in fixed}
    task, world = resolve(kind.build)(read_options(resolve(kind.options), others), n, **fixed)
    tell_of_compiling()
    return task, world


# gym.make asks the entry point, not what it makes, which modes of drawing there are.
make_env.metadata = {  # type: ignore[attr-defined]
    **InstrumentEnv.metadata,
    "render_modes": ["human", *InstrumentEnv.metadata["render_modes"]],
}
make_vector_env.metadata = InstrumentVectorEnv.metadata  # type: ignore[attr-defined]
