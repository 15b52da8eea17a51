"""How a crystal stands, without its dispersion: by the symmetry of its lattice alone, from all cuts seen so far.

Energies are the same at momenta that the lattice's turns and mirrors make equal. Each column of a cut becomes a vector
of length 1, so that strengths do not count; columns that fall into one cell of the irreducible wedge are to be alike.
Mirror lines of the two kinds (Γ–K and Γ–M) cannot be told apart so: the azimuth is known modulo the mirror angle.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import minimize

from beamgym.physics.arpes.aligning.fit_kernels import PARAMETERS
from beamgym.physics.arpes.aligning.manipulator import pose_rotation
from beamgym.physics.arpes.aligning.materials import LayeredCrystal
from beamgym.physics.arpes.aligning.symmetry_kernels import likenesses
from beamgym.physics.arpes.detection import Grid
from beamgym.physics.arrays import Float64Array

_COLUMNS, _ENERGIES, _CELL, _SIDE = 48, 32, 0.018, 28
_GRID_DEG: Final = 9.0


@dataclass(eq=False)
class SymmetryFit:
    """Fits the symmetry of cuts of one crystal.

    Parameters
    ----------
    told : the crystal; its bands are not used
    grid : energies and slit angles of a cut
    """

    told: LayeredCrystal
    grid: Grid

    def __post_init__(self) -> None:
        """Begin without cuts."""
        self._slit = self.grid.slit_deg.reshape(_COLUMNS, -1).mean(axis=1)
        self._turns: list[Float64Array] = []
        self._features: list[Float64Array] = []
        self.cuts: list[tuple[Float64Array, Float64Array]] = []

    def __len__(self) -> int:
        """Return the number of cuts."""
        return len(self._turns)

    def add(self, pose: Float64Array, counts: Float64Array) -> None:
        """Take in a cut (e, a) of counts at a pose (6,)."""
        binned = counts.reshape(_ENERGIES, -1, _COLUMNS, counts.shape[1] // _COLUMNS).sum(axis=(1, 3)).T
        smooth = gaussian_filter1d(np.sqrt(binned), 0.7, axis=1)
        bare = smooth - gaussian_filter1d(smooth, 5.0, axis=1)
        self._turns.append(pose_rotation(pose))
        self.cuts.append((pose, counts))
        self._features.append(bare / np.maximum(np.linalg.norm(bare, axis=1, keepdims=True), 1e-9))

    def values(self, thetas: Float64Array) -> Float64Array:
        """Return how alike columns are for parameters (t, 7) as ``PoseFit`` has them, (t,)."""
        out = np.empty(len(thetas))
        features = np.array(self._features)
        turns = np.array(self._turns)
        likenesses(np.ascontiguousarray(thetas), turns, self._slit, self.told.fold_deg, _CELL, _SIDE, features, out)
        return out

    def fitted(self, near: Float64Array | None = None) -> Float64Array:
        """Return the parameters (7,), the azimuth modulo the mirror angle; raises ValueError with fewer than two cuts.

        Parameters
        ----------
        near : parameters (7,) within 3° of which they are; None searches everywhere
        """
        if len(self._turns) < 2:
            raise ValueError(f"symmetry is compared between cuts; found {len(self._turns)}, give two or more")
        reach, step = (_GRID_DEG, 1.0) if near is None else (3.0, 0.6)
        middle = np.zeros(PARAMETERS) if near is None else near
        tilts = np.arange(-reach, reach + 1e-9, step)
        turns = np.arange(0.0, self.told.mirror_deg, 3.0) if near is None else np.arange(-3.0, 3.1, 1.5)
        grid = np.stack(np.meshgrid(tilts, tilts, turns, indexing="ij"), axis=-1).reshape(-1, 3)
        thetas = np.tile(middle, (len(grid), 1))
        thetas[:, :3] += grid
        values = self.values(thetas)
        found = [self._nearest_top(thetas[i]) for i in np.argsort(-values)[:3]]
        return max(found, key=lambda theta: float(self.values(theta[None])[0]))

    def _nearest_top(self, theta: Float64Array) -> Float64Array:
        """Return the nearest top over tilts and azimuth."""

        def loss(three: Float64Array) -> float:
            return -float(self.values(np.array([[*three, *theta[3:]]]))[0])

        simplex = theta[:3] + np.array([[0, 0, 0], [0.7, 0, 0], [0, 0.7, 0], [0, 0, 2.0]])
        options = {"initial_simplex": simplex, "xatol": 0.03, "fatol": 1e-5, "maxfev": 120}
        top = minimize(loss, theta[:3], method="Nelder-Mead", options=options).x
        return np.array([*top, *theta[3:]])
