"""What `beamgym index --hand-over` writes: the crystal's UB and first reflections for a diffractometer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.diffractometer import (
    CONVENTIONS,
    PRIOR_DEG,
    Diffractometer,
    cell_of_crystal,
    diffractometer,
    first_reflections,
    ub_for,
)
from beamgym.physics.files import write_json
from beamgym.physics.goniometer import Goniometer
from beamgym.physics.laue.indexing import SolvedPattern
from beamgym.physics.orientation import nearest_rotation
from beamgym.scripts.command_line import check_output

_USUAL_WAVELENGTH_A = 1.5406


@dataclass(frozen=True)
class HandOver:
    """Where a crystal is handed over to.

    Parameters
    ----------
    instrument : the diffractometer
    wavelength_a : its wavelength, Å
    path : the file that is written
    """

    instrument: Diffractometer
    wavelength_a: float
    path: Path

    @classmethod
    def read(cls, words: str, image: Path) -> "HandOver":
        """Read "PRESET" or "PRESET:ÅNGSTRÖM"; raises ValueError for what is neither, or where it cannot be written."""
        name, _, length = words.partition(":")
        instrument = diffractometer(name)
        try:
            wavelength = float(length) if length else _USUAL_WAVELENGTH_A
        except ValueError:
            wavelength = np.nan
        if not 0.01 <= wavelength <= 30.0:
            raise ValueError(f"--hand-over {words!r}: write a preset, or PRESET:WAVELENGTH in Å, as in {name}:1.5406")
        path = image.with_name(f"{image.stem}-{instrument.name}.json")
        check_output(path)
        return cls(instrument, wavelength, path)

    def write(self, solved: SolvedPattern, stage: Goniometer | None, at: Float64Array | None) -> str:
        """Write the file and return its name.

        ``stage`` and ``at``, (k,) positions, say where the Laue camera's axes stood. The crystal is taken to stand on
        its head as it stood there at zero angles, the head's marks along the beam and up.
        """
        u = solved.indexed.orientation
        if stage is not None and at is not None:
            u = nearest_rotation(stage.rotation(at).T @ u)
        known = cell_of_crystal(solved.crystal)
        first = first_reflections(self.instrument, known, u, self.wavelength_a)
        found: dict[str, Any] = {
            "preset": self.instrument.name,
            "wavelength_a": self.wavelength_a,
            "crystal": known.name,
            "cell": known.cell.tolist(),
            "u": u.tolist(),
            "prior_deg": PRIOR_DEG,
            "ub": {name: ub_for(name, u @ known.b_matrix, self.instrument).tolist() for name in CONVENTIONS},
            "first_reflections": [
                {"hkl": hkl.tolist(), "positions": dict(zip(self.instrument.names, row.tolist(), strict=True))}
                for hkl, row in zip(first.hkl, first.degrees, strict=True)
            ],
        }
        write_json(self.path, found)
        return str(self.path)
