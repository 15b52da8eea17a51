"""Is the named crystal in the beam? Its lattice must explain the spots better than chance."""

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.laue_align import AlignContext
from beamgym.hardware_bridge.instrument_file import InstrumentFile, check_experiment
from beamgym.hardware_bridge.presence.finding import Presence
from beamgym.physics.instrument import Peaks
from beamgym.physics.laue.indexing import Indexed, Indexer, NotIndexed

FEWEST_SPOTS = 8
"""An orientation and a camera are eight numbers: fewer spots can be explained whatever they are."""

BRIGHTEST = 32
"""So many spots are indexed first, the brightest ones: a list of 32 takes a third of the time of one of 64."""

LEAST_MERIT = 6.5
"""The odds against chance, as -log10. Of 400 lists of random spots the best had 5.1; of 3168 clean frames the poorest
had 9.3 but for two. The indexer's own further demands tell other crystals, which is not the question here."""


class CrystalPresence:
    """Indexes the spots of a frame; made when the first frame is judged, since a crystal's table takes its time.

    Parameters
    ----------
    file : of a Laue instrument
    """

    def __init__(self, file: InstrumentFile) -> None:
        self._file = file
        self._indexer: Indexer | None = None

    def __call__(self, image: NDArray[Any], found: Peaks | None, exposure_s: float) -> Presence:
        """Return whether the crystal is there; the spots are those of the frame's own finder."""
        if found is None:
            return Presence(True, "no spots were searched")
        count = int(found.count[0])
        if count < FEWEST_SPOTS:
            return Presence(False, f"{count} spots, fewer than the {FEWEST_SPOTS} that show a crystal")
        finding = self._indexed(found, min(count, BRIGHTEST))
        # A poor pattern of many spots is better judged by all of them.
        return finding if finding.there or count <= BRIGHTEST else self._indexed(found, count)

    def _indexed(self, found: Peaks, count: int) -> Presence:
        indexer = self._prepared()
        position = np.asarray(found.position_px[0, :count], dtype=np.float64)
        answer = indexer.index(position, np.asarray(found.intensity[0, :count], dtype=np.float64))
        return _judged(answer, count, indexer.crystal.name)

    def _prepared(self) -> Indexer:
        if self._indexer is None:
            # The row of this kind names both the test and the context.
            known = cast(AlignContext, check_experiment(self._file))
            self._indexer = Indexer(known.crystal, known.beam.band_kev, known.detector, beam=known.beam)
        return self._indexer


def _judged(answer: Indexed | NotIndexed, count: int, crystal: str) -> Presence:
    figure = f"figure of merit {answer.figure_of_merit:.1f}"
    if answer.figure_of_merit >= LEAST_MERIT and answer.matched >= FEWEST_SPOTS:
        return Presence(True, f"{crystal} explains {answer.matched} of the {count} brightest spots, {figure}")
    return Presence(False, f"no orientation of {crystal} explains the {count} spots better than chance ({figure})")


def crystal_presence(file: InstrumentFile) -> CrystalPresence:
    """Return the test of a Laue instrument's frames."""
    return CrystalPresence(file)
