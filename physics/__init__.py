"""Floor 1: simulators. Knows numpy, scipy, numba and pymatgen; no gymnasium, no torch."""
