"""All that is hidden in one episode, and what it makes of a pose."""

from dataclasses import dataclass, field, replace

import numpy as np

from beamgym.physics.arpes.aligning.levels import AligningNumbers
from beamgym.physics.arpes.aligning.manipulator import Carried, manipulator_axes, pose_rotation
from beamgym.physics.arpes.aligning.materials import NOMINAL_WORK_EV, LayeredCrystal
from beamgym.physics.arpes.aligning.surface import FlakedSurface, draw_surface
from beamgym.physics.arpes.bands_models import rotation_x, rotation_y
from beamgym.physics.arrays import Float64Array

_NEWTON_STEPS, _PROBE = 12, 1e-4


@dataclass(frozen=True)
class PoseState:
    """How the flake in the beam's middle stands in a pose; see ``SimulatedAligning.truth``."""

    gamma_deg: tuple[float, float]
    azimuth_deg: float
    height_mm: float
    flake: int
    score: float
    threshold: float


@dataclass(frozen=True, eq=False)
class HiddenPart:
    """All that nobody is told of one episode.

    Parameters
    ----------
    surface : flakes and contamination
    carried : mount, crossing of the axes, beam; of one row
    focus_mm : height of the analyser's focus
    zero_deg, scale : of the analyser's scale: it reads zero + scale · angle
    field_deg : (2,) by which a stray field turns electrons, along and across the slit
    work_ev : work function, eV
    terms : (b, 6) of the bands, eV
    width_ev : half width of the lines
    phases : (b, 3) of the matrix elements
    direction_deg, period_deg : the direction asked in the crystal, and the turn after which it is the same
    goal_pose : (6,) see ``SimulatedAligning.truth``
    """

    surface: FlakedSurface
    carried: Carried
    focus_mm: float
    zero_deg: float
    scale: float
    field_deg: Float64Array
    work_ev: float
    terms: Float64Array
    width_ev: float
    phases: Float64Array
    direction_deg: float
    period_deg: float
    goal_pose: Float64Array = field(default_factory=lambda: np.zeros(6))

    def turn(self, pose: Float64Array, flake: int) -> Float64Array:
        """Return the frame (3, 3) of a flake's crystal in the analyser's."""
        return np.asarray(pose_rotation(pose) @ self.carried.mount[0] @ self.surface.frames[flake])

    def place(self, pose: Float64Array) -> tuple[Float64Array, float]:
        """Return the site (2,) under the beam, mm, and its height from the focus, mm."""
        site, height = self.carried.hit(pose[None])
        return site[0], float(height[0] - self.focus_mm)

    def angles(self, pose: Float64Array, flake: int) -> tuple[float, float, float]:
        """Return where Γ is measured along and across the slit, and by how much the direction misses the slit, °."""
        frame = self.turn(pose, flake)
        x, y, z = frame[:, 2]
        sine = np.hypot(x, y)
        scale = np.degrees(np.arctan2(sine, z) / sine if sine > 1e-12 else 1.0)
        along = self.zero_deg + self.scale * (y * scale + self.field_deg[0])
        across = x * scale + self.field_deg[1]
        named = np.radians(self.direction_deg)
        laid = frame[:, :2] @ np.array([np.cos(named), np.sin(named)])
        off = np.degrees(np.arctan2(-laid[0], laid[1]))
        return (
            float(along),
            float(across),
            float((off + 0.5 * self.period_deg) % self.period_deg - 0.5 * self.period_deg),
        )

    def state(self, pose: Float64Array) -> PoseState:
        """Return how the flake in the beam's middle stands; beside the sample every angle is 90°."""
        site, height = self.place(pose)
        _, _, flake, score = self.surface.under(*site)
        if flake < 0:
            return PoseState((90.0, 90.0), 90.0, height, -1, 0.0, np.inf)
        along, across, turned = self.angles(pose, flake)
        return PoseState((along, across), turned, height, flake, score, float(self.surface.thresholds[flake]))

    def solved(self, flake: int, site_mm: Float64Array) -> Float64Array:
        """Return the pose (6,) that brings a site of a flake into beam and focus, as asked."""
        pose = np.zeros(6)
        for _ in range(_NEWTON_STEPS):
            here = np.array(self.angles(pose, flake))
            columns = []
            for axis in (3, 4, 5):
                probe = pose.copy()
                probe[axis] += _PROBE
                columns.append((np.array(self.angles(probe, flake)) - here) / _PROBE)
            step = np.linalg.solve(np.array(columns).T, here)
            pose[3:] -= np.clip(step, -20.0, 20.0)
        entry = np.array([*self.carried.beam_mm[0], 0.0]) + self.focus_mm * np.array([1.0, 0.0, 1.0])
        turn = pose_rotation(pose)
        local = self.carried.origin_mm[0] + self.carried.mount[0] @ np.array([*site_mm, 0.0])
        pose[:3] = entry - self.carried.crossing_mm[0] - turn @ local
        return pose


def draw_hidden(
    key: int, numbers: AligningNumbers, crystal: LayeredCrystal, direction_deg: float, period_deg: float
) -> HiddenPart:
    """Draw an episode's hidden part from a random key."""
    rng = np.random.default_rng([int(key), 2])
    surface = draw_surface(key, numbers, crystal)
    tilts = numbers.mount_deg * np.clip(rng.normal(size=2), -2.0, 2.0)
    mount = rotation_x(tilts[0]) @ rotation_y(tilts[1])
    crossing, origin = numbers.pivot_mm * rng.normal(size=(2, 1, 3))
    origin[0, 2] += numbers.height_mm * rng.normal()
    carried = Carried(np.asarray(mount)[None], 0.5 * crossing, origin, numbers.beam_mm * rng.normal(size=(1, 2)))
    bands = len(crystal.terms)
    terms = crystal.terms * (1.0 + numbers.band_scale * rng.normal())
    terms = terms * (1.0 + numbers.band_shape * rng.normal(size=terms.shape) * (np.arange(terms.shape[1]) > 0))
    terms[:, 0] += numbers.band_shift_ev * rng.normal()
    hidden = HiddenPart(
        surface,
        carried,
        0.25 * numbers.height_mm * float(rng.normal()),
        numbers.zero_deg * float(rng.normal()),
        1.0 + numbers.scale * float(rng.normal()),
        numbers.field_deg * rng.normal(size=2),
        NOMINAL_WORK_EV + numbers.work_function_ev * float(np.clip(rng.normal(), -3.0, 3.0)),
        np.ascontiguousarray(terms),
        numbers.width_ev,
        rng.uniform(0.0, 2.0 * np.pi, (bands, 3)),
        direction_deg,
        period_deg,
    )
    flakes, _ = surface.site_map()
    areas = np.bincount(flakes[flakes >= 0], minlength=len(surface.seeds_mm))
    low, high = np.array([axis.limits for axis in manipulator_axes()[:6]]).T
    goals = []
    for flake in np.argsort(-areas)[: int((areas > 0).sum())]:
        goals.append(hidden.solved(int(flake), surface.best_site(int(flake))))
        if ((goals[-1] >= low) & (goals[-1] <= high)).all():
            return replace(hidden, goal_pose=goals[-1])
    return replace(hidden, goal_pose=goals[0])
