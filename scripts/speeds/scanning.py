"""Row of `beamgym speed` for scans of a diffractometer."""

import numpy as np

from beamgym.scripts.speeds.work import Work

_SCANS, _POINTS, _WIDTH_DEG, _COUNT_S = 256, 31, 3.0, 0.2


def scan_31(seed: int) -> Work:
    """Rocking curves of 31 points, on the fly, over reflections of kyanite in a copper tube's beam: drawn counts."""
    from beamgym.physics.counter_rng import make_keys
    from beamgym.physics.crystal import load_crystal
    from beamgym.physics.diffractometer import cell_of_crystal, diffractometer, first_reflections
    from beamgym.physics.diffractometer.scans import (
        ScanSample,
        axis_path,
        counted,
        counter,
        mono_beam,
        reflecting,
    )
    from beamgym.physics.orientation import random_orientations

    e4cv, crystal, beam, slit = diffractometer("e4cv"), load_crystal("kyanite"), mono_beam("tube"), counter("point")
    us, one = random_orientations(make_keys(seed, np.arange(8))), reflecting(crystal, beam)
    places = [first_reflections(e4cv, cell_of_crystal(crystal), u, beam.wavelength_a, 4).degrees for u in us]
    samples = [
        ScanSample(one, np.stack([u, u]), np.array([1.0, 0.0]), np.full(3, 0.1), np.full(4, 0.05), beam.wavelength_a)
        for u in us
    ]
    keys = make_keys(seed, np.arange(_SCANS), 1)

    def once() -> None:
        for i in range(_SCANS):
            start = places[i % 8][i // 8 % len(places[i % 8])].copy()
            start[0] -= 0.5 * _WIDTH_DEG
            path = axis_path(e4cv, start, 0, _WIDTH_DEG, _POINTS, _COUNT_S, True)
            counted(e4cv, samples[i % 8], beam, slit, path, 2e-4, keys[i])

    return Work(once, _SCANS)
