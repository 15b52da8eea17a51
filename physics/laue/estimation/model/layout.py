"""Where each parameter of the adjustment stands in its vector."""

from dataclasses import dataclass

PANEL = (
    "along fast / mm",
    "along slow / mm",
    "across / mm",
    "tilt about fast / deg",
    "tilt about slow / deg",
    "twist / deg",
)


@dataclass(frozen=True)
class Layout:
    """The parameters of an episode of T frames on k axes.

    Parameters
    ----------
    axes : k
    frames : T
    modes : m, ways in which the cell may differ in shape
    """

    axes: int
    frames: int
    modes: int = 0

    mount = slice(0, 3)
    shift = slice(3, 6)
    tilt = slice(6, 8)
    twist = 8
    panel = slice(3, 9)
    play = 9

    def _of_axes(self, number: int) -> slice:
        return slice(10 + number * self.axes, 10 + (number + 1) * self.axes)

    @property
    def zero(self) -> slice:
        """Each axis's zero error."""
        return self._of_axes(0)

    @property
    def each(self) -> slice:
        """By what each axis's play differs from that of all."""
        return self._of_axes(1)

    @property
    def start(self) -> slice:
        """Where each axis stood within its play at first."""
        return self._of_axes(2)

    @property
    def miss(self) -> slice:
        """By how much each axis misses the sample: three numbers an axis."""
        return slice(10 + 3 * self.axes, 10 + 6 * self.axes)

    @property
    def cell(self) -> slice:
        """By how much the cell differs in shape, in each of the ways that the crystal's symmetry leaves it."""
        return slice(10 + 6 * self.axes, 10 + 6 * self.axes + self.modes)

    @property
    def readings(self) -> slice:
        """By what each axis's position differs from its reading, frame by frame."""
        return slice(self.cell.stop, self.size)

    @property
    def size(self) -> int:
        """How many there are."""
        return 10 + (6 + self.frames) * self.axes + self.modes
