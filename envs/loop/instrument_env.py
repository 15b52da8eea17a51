"""gymnasium.Env: the episode loop with n = 1, over a World or a real instrument."""

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from beamgym.envs.loop.episode import EpisodeLoop
from beamgym.envs.loop.flat import Flat
from beamgym.envs.loop.rows import row_of
from beamgym.envs.loop.seeding import EpisodeKeys, checked_options, checked_seed
from beamgym.envs.task import Observation, Task
from beamgym.physics.instrument import Instrument

_ONE = np.ones(1, dtype=np.bool_)


class InstrumentEnv(gym.Env[Observation, NDArray[Any]]):
    """One task on one instrument.

    Parameters
    ----------
    task : the rules, with spaces
    instrument : n = 1
    render_mode : None, "rgb_array", or "human" where a window is given
    renderer : draws the present state; given by the environment's own module
    window : shows the pictures of render_mode "human"
    flat : observe one array in place of a Dict; see :class:`Flat`
    history : last observations that are shown together, with the actions between them; see :class:`History`
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 2}  # noqa: RUF012 - Gymnasium's own form

    def __init__(
        self,
        task: Task[Any],
        instrument: Instrument,
        render_mode: str | None = None,
        renderer: Any = None,
        window: Any = None,
        flat: bool = False,
        history: int = 1,
    ) -> None:
        if instrument.n != 1:
            raise ValueError(
                f"InstrumentEnv needs an instrument with n = 1, found {instrument.n}; use InstrumentVectorEnv"
            )
        if window is not None:
            # Only here: checkers try every mode that is listed, and a window needs pygame and a screen.
            self.metadata = {**type(self).metadata, "render_modes": [render_mode, "rgb_array"]}
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"unknown render_mode {render_mode!r}; choose None, 'rgb_array' or 'human'")
        self.loop = EpisodeLoop(task, instrument, history)
        space = self.loop.observation_space
        self._flat = Flat(space) if flat else None
        self.observation_space = self._flat.space if self._flat else space  # type: ignore[assignment]
        self.action_space = task.action_space
        self.render_mode = render_mode
        self._renderer, self._window = renderer, window
        self._keys = EpisodeKeys(1)
        self._over = False

    @property
    def flat_parts(self) -> tuple[str, ...]:
        """Names of the parts that the observation's one array is made of, in order; none where it is a Dict."""
        return self._flat.names if self._flat else ()

    @property
    def context(self) -> Any:
        """What everybody at the instrument knows at present, such as the crystal of the running episode."""
        return getattr(self.loop.task, "context", getattr(self.loop.instrument, "context", None))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode; the first exposure is its observation. On hardware nothing moves.

        Parameters
        ----------
        seed : begins the row of episodes that this seed stands for; None goes on with the next one
        options : where sample and motors are to begin, for instruments that take it ("mount", "positions")
        """
        seed, start = checked_seed(seed), checked_options(options)
        keys = self._keys.copy()  # of a reset that is refused nothing remains
        keys.reseed([seed], lambda: self.np_random)
        self.loop.reset(keys.next(_ONE), _ONE, start, None if seed is None else _ONE)
        super().reset(seed=seed)
        self._keys, self._over = keys, False
        self._show()
        advice = {name: _value(values) for name, (values, rows) in self.loop.advice().items() if rows[0]}
        return self._shown(self.loop.observation()), {"cost": _values(self.loop.costs()), **advice}

    def step(self, action: NDArray[Any]) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Move, expose and observe; or, when the action declares, end the episode where it stands.

        Raises
        ------
        ValueError : an action of another shape or with NaN in it, no episode begun, or one that has ended
        """
        if self._over:
            raise ValueError("the episode has ended; call reset() before the next step()")
        done = self.loop.step(np.asarray(action)[None], _ONE)
        verdict = done.verdict
        info = {
            "cost": _values(done.costs),
            "limited": bool(done.limited[0]),
            "is_success": bool(verdict.is_success[0]),
            **_values(verdict.metrics),
        }
        ended = bool(verdict.terminated[0]), bool(verdict.truncated[0])
        self._over = any(ended)
        self._show()
        return self._shown(done.observation), float(verdict.reward[0]), *ended, info

    def _shown(self, observation: Observation) -> Any:
        return row_of(self._flat(observation) if self._flat else observation, 0)

    def render(self) -> NDArray[np.uint8] | None:  # type: ignore[override]
        """Draw the present state as an (h, w, 3) uint8 picture; in mode "human" it goes to the window."""
        if self.render_mode is None:
            gym.logger.warn(
                "render() was called without a render_mode; make the environment with render_mode='rgb_array'"
            )
            return None
        if self._window is not None:
            self._show()
            return None
        picture: NDArray[np.uint8] = self._renderer.draw(self.loop)
        return picture

    def close(self) -> None:
        """Close the window, where there is one."""
        if self._window is not None:
            self._window.close()

    def _show(self) -> None:
        if self._window is not None:
            self._window.show(self._renderer.draw(self.loop))


def _values(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    return {name: _value(array) for name, array in arrays.items()}


def _value(array: NDArray[Any]) -> Any:
    """Return the only row, as Python's own number where it is one."""
    return array[0].item() if array.ndim == 1 else array[0].copy()
