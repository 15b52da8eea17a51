"""What a report says of turns: the way of each axis to the targets, and which hand a second picture shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beamgym.physics.arrays import Float64Array
from beamgym.physics.crystal import Crystal
from beamgym.physics.goniometer import Goniometer, Target, goniometer, turns_to_target
from beamgym.physics.laue.indexing import IndexingFailed, SolvedPattern, check_handedness, solve
from beamgym.scripts.indexing.defaults import DEFAULT_GONIOMETER, DEFAULT_TARGET
from beamgym.scripts.indexing.report import handedness_report, pointing_report, way_report
from beamgym.scripts.indexing.source import PictureSource
from beamgym.scripts.indexing.words import read_positions, read_target


@dataclass(frozen=True)
class Turning:
    """The options of the command line about the head and its targets, read before the picture is.

    Parameters
    ----------
    stage : the head; None where nothing is asked of one
    positions : where its axes stand
    targets : of every crystal; empty where no way is asked for
    second : the second picture, None where there is none; and ``turned``, where the axes stood then
    """

    stage: Goniometer | None
    positions: Float64Array | None
    targets: Mapping[Crystal, Sequence[Target]]
    second: Path | None
    turned: Float64Array | None

    @classmethod
    def read(
        cls,
        samples: Sequence[Crystal],
        targets: Sequence[str] | None,
        name: str | None,
        at: str | None,
        second: Path | None,
        turned: str | None,
    ) -> "Turning":
        """Read the words of the options; raises ValueError for those that mean nothing."""
        asked = bool(targets or name is not None or at is not None)
        if not asked and second is None:
            return cls(None, None, {}, None, None)
        stage = goniometer(name or DEFAULT_GONIOMETER)
        positions = read_positions(stage, at)
        ends = None
        if second is not None:
            ends = stage.check_positions(positions + read_positions(stage, turned, "--turned", relative=True))
        wanted = {sample: [read_target(sample, text) for text in targets or [DEFAULT_TARGET]] for sample in samples}
        return cls(stage, positions, wanted if asked else {}, second, ends)

    def report(self, solved: SolvedPattern, source: PictureSource) -> dict[str, Any]:
        """Return what the report says of turns: the hand, where the crystal points, and the ways to the targets."""
        found: dict[str, Any] = {}
        if self.second is not None:
            found["handedness"] = self._hand(solved, source, self.second)
        found["pointing"] = pointing_report(solved, self.stage if self.targets else None, self.positions)
        if self.stage is not None and self.targets:
            wanted = self.targets[solved.crystal]
            ways = [turns_to_target(self.stage, one, solved.indexed.orientation, self.positions) for one in wanted]
            found["targets"] = [way_report(way, self.stage, solved) for way in ways]
            found["target"] = found["targets"][0]
        return found

    def _hand(self, solved: SolvedPattern, source: PictureSource, second: Path) -> dict[str, Any]:
        """Index the second picture, and compare the turn between the two with the known one, for both hands."""
        assert self.stage is not None
        assert self.positions is not None
        assert self.turned is not None
        other, _ = source.read(second)
        turn = self.stage.rotation(self.turned) @ self.stage.rotation(self.positions).T
        try:
            found = solve(other, solved.crystal, solved.detector, solved.band_kev).indexed
        except IndexingFailed as error:
            raise IndexingFailed(f"{second.name}, the second picture: {error}", error.nearest) from None
        first = solved.indexed
        check = check_handedness(
            [first.orientation, *first.ambiguous],
            [found.orientation, *found.ambiguous],
            turn,
            solved.detector,
            solved.crystal.rotations,
        )
        agreeing = {"mirrored": check.hands[1:2], "turned": check.agreeing}.get(check.verdict, ())
        words = ", or with ".join(source.geometry.words_for(hand) for hand in agreeing)
        return handedness_report(check, second, words)
