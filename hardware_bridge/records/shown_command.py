"""A command as a human is shown it before it is sent, and whether a yes to it holds for what is about to be sent.

The question is the whole command: every axis with where it stands, where it goes, by how much and within which limits,
the nearest forbidden box, the exposure that follows, the dose, and how old the frame is on which it was decided.
"""

import hashlib
import json
import math
from collections.abc import Collection
from dataclasses import asdict, dataclass

_HASH = 12  # characters of a hash that a human compares


@dataclass(frozen=True)
class ShownMove:
    """What a command does to one axis; positions are in ``unit``.

    Parameters
    ----------
    name, unit : of the axis
    stands_at, goes_to : its readback now and its target
    limits : (low, high) that hold, the motor's own included; None where it has none
    tolerance : within which two readings are the same place
    """

    name: str
    unit: str
    stands_at: float
    goes_to: float
    limits: tuple[float, float] | None
    tolerance: float

    @property
    def by(self) -> float:
        """Length and direction of the move."""
        return self.goes_to - self.stands_at

    @property
    def stays(self) -> bool:
        """Whether it is not moved at all."""
        return self.goes_to == self.stands_at

    def same_as(self, other: "ShownMove") -> bool:
        """Whether this is the other move still: same target and limits, from the same place within the tolerance."""
        return (
            (self.name, self.unit, self.goes_to, self.limits) == (other.name, other.unit, other.goes_to, other.limits)
            # nan is nowhere, so that it is not the same place
            and abs(self.stands_at - other.stands_at) <= self.tolerance
        )

    def row(self) -> tuple[str, str, str, str]:
        """Return name, way, length and limits as they are shown."""
        where = f"stays at {self.stands_at:.6g} {self.unit}"
        way = where if self.stays else f"{self.stands_at:.6g} → {self.goes_to:.6g} {self.unit}"
        by = "" if self.stays else f"by {self.by:+.6g}"
        return (
            self.name,
            way,
            by,
            "no limits" if self.limits is None else "limits {:.6g} to {:.6g}".format(*self.limits),
        )


@dataclass(frozen=True)
class ShownCommand:
    """A command as a whole, before anything of it is sent.

    Parameters
    ----------
    moves : every axis, those that stay where they are included
    exposure_s : of the exposure that follows the move, or that the command is; None where none follows
    exposes : the command is an exposure
    nearest_box : the forbidden box that the swept path comes nearest to, in words; "" where the file has none
    dose_spent_s, dose_left_s : seconds of open shutter; what is left is None without a budget
    frame_age_s : of the frame on which it was decided; None where there is none
    """

    moves: tuple[ShownMove, ...]
    exposure_s: float | None
    exposes: bool = False
    nearest_box: str = ""
    dose_spent_s: float = 0.0
    dose_left_s: float | None = None
    frame_age_s: float | None = None

    @property
    def sha256(self) -> str:
        """Hash of everything in it, in hex."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def covers(self, other: "ShownCommand", axes: Collection[str]) -> bool:
        """Whether a yes to this command holds for the part of another that moves ``axes``, or for its exposure.

        Nothing that was shown may have changed: targets, limits, where these axes stand, the exposure.
        """
        mine = {move.name: move for move in self.moves}
        moves = [move for move in other.moves if move.name in axes]
        same = all(move.name in mine and move.same_as(mine[move.name]) for move in moves)
        return same and (self.exposes, self.exposure_s) == (other.exposes, other.exposure_s)

    def summary(self) -> str:
        """Return it in one line: what moves by how much, or the exposure."""
        if self.exposes:
            return f"an exposure of {self.exposure_s:.6g} s"
        parts = [f"{move.name} by {move.by:+.6g} {move.unit}" for move in self.moves if not move.stays]
        return ", ".join(parts) or "no axis moves"

    def text(self) -> str:
        """Return it as a human is shown it: one line a fact, the hash at the end."""
        rows = [] if self.exposes else [move.row() for move in self.moves]
        widths = [max((len(row[i]) for row in rows), default=0) for i in range(3)]
        lines = ["  ".join((*(c.ljust(w) for c, w in zip(row[:3], widths, strict=True)), row[3])) for row in rows]
        return "\n".join(f"  {line}" for line in (*lines, *self._facts(), f"hash {self.sha256[:_HASH]}"))

    def _facts(self) -> list[str]:
        left = "no budget is set" if self.dose_left_s is None else f"{self.dose_left_s:.6g} s left"
        facts = [f"dose: {self.dose_spent_s:.6g} s spent, {left}", _frame(self.frame_age_s)]
        if self.exposes:
            return facts
        follows = "no exposure follows" if self.exposure_s is None else f"then an exposure of {self.exposure_s:.6g} s"
        return [f"nearest forbidden box: {self.nearest_box or 'the file has none'}", follows, *facts]


def _frame(age_s: float | None) -> str:
    if age_s is None:
        return "no frame was taken before it"
    return f"decided on a frame {age_s:.1f} s old" if math.isfinite(age_s) else "decided on a frame of unknown age"
