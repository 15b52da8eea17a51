"""The protocol of what tells how crystals stand, and of what is then known."""

from dataclasses import fields
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.instrument import BoolArray, Float64Array, Frame

Row = TypeVar("Row")


@runtime_checkable
class Known(Protocol):
    """What is known of n crystals: a dataclass of arrays, the batch dimension first.

    Attributes
    ----------
    mount : (n, 3, 3) on the goniometer at zero angles
    orientation : (n, 3, 3) crystal to lab in the last frame
    spread : (n, 3, 3) covariance of that about the lab's axes, degrees²
    lost : (n,) frames that were taken, of crystals of which they tell nothing; 0 of all others
    """

    @property
    def mount(self) -> Float64Array: ...  # noqa: D102 - said above, as are the others

    @property
    def orientation(self) -> Float64Array: ...  # noqa: D102

    @property
    def spread(self) -> Float64Array: ...  # noqa: D102

    @property
    def lost(self) -> NDArray[np.int64]: ...  # noqa: D102


class Sight(Protocol):
    """Tells from frames how crystals stand; pure functions, as a task's are."""

    def begin(self, before: Any, frame: Frame, positions: Float64Array, rows: BoolArray) -> Any:
        """Return what is known of n crystals after the first frames of some rows (n,); the others keep theirs.

        Parameters
        ----------
        before : what was known; None at the very first
        frame : of all rows
        positions : (n, k) readback at which it was taken
        rows : (n,) those that begin
        """
        ...

    def follow(self, before: Any, frame: Frame, positions: Float64Array, rows: BoolArray) -> Any:
        """Return what is known after one more frame of some rows (n,); see ``begin``."""
        ...

    def foreseen_deg(self, known: Any, positions: Float64Array) -> Float64Array:
        """Return how well crystals will be known after a frame at other positions (n, k): (n,) degrees."""
        ...


def known_rows(known: Row, rows: NDArray[Any]) -> Row:
    """Return what is known of some crystals."""
    return type(known)(*(getattr(known, part.name)[rows] for part in fields(known)))  # type: ignore[arg-type]
