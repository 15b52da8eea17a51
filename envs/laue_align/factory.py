"""Builds LaueAlign environments from what a user names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from os import PathLike
from typing import Any, Literal, get_args

import numpy as np

from beamgym.envs.denoising import FIELD, shipped_denoiser
from beamgym.envs.exposures import ExposureRange
from beamgym.envs.laue_align.context import RewardModel
from beamgym.envs.laue_align.crystal_rows import CrystalRows
from beamgym.envs.laue_align.curriculum import ALL_DEG, FIRST_TOLERANCES, Curriculum
from beamgym.envs.laue_align.decisions import DecisionsTask
from beamgym.envs.laue_align.goal import GoalTask
from beamgym.envs.laue_align.many_crystals import ManyCrystalTask, ManyCrystalWorld
from beamgym.envs.laue_align.rules import Rules, rules
from beamgym.envs.laue_align.sighted_task import SightedTask
from beamgym.envs.laue_align.starts import NearStarts
from beamgym.envs.laue_align.task import EXPECTED_ROWS, AlignContext, LaueAlignTask, View
from beamgym.envs.laue_sight import FrameSight, IndexSight, ModelSight, Sight
from beamgym.envs.laue_views import MAX_AXES, ImageView, MapView, SpotView, image_panel, spot_rows
from beamgym.physics.crystal import Crystal, Radiation, crystal_names, load_crystal
from beamgym.physics.goniometer import Goniometer, Target, goniometer, parse_target
from beamgym.physics.instrument import BoolArray, Float32Array, Float64Array, Peaks
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.camera import LaueCamera, neutron_camera
from beamgym.physics.laue.cylinder import CylinderDetector
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.files import load_detector
from beamgym.physics.laue.imperfections import Imperfections
from beamgym.physics.laue.neutron_beams import NEUTRON_FLUX_PER_S, guide_beam, moderator_beam
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.laue.sight import index_errors, sight_errors
from beamgym.physics.laue.sighted import SightedLaue, check_sighted
from beamgym.physics.laue.simulator import SimulatedLaue

DETECTORS: dict[str, Callable[[], Detector]] = {
    "back-reflection": lambda: Detector.back_reflection(shape=(512, 512), pixel_mm=0.32),
    "side": lambda: Detector.side(shape=(512, 512), pixel_mm=0.32),
    "top": lambda: Detector.top(shape=(512, 512), pixel_mm=0.32),
    "transmission": lambda: Detector.transmission(shape=(512, 512), pixel_mm=0.32),
    "neutron-back": lambda: Detector.back_reflection(150.0, shape=(512, 512), pixel_mm=0.8),
    "neutron-cylinder": CylinderDetector.around,
}
NEUTRON_PLATES = ("neutron-back", "neutron-cylinder")
"""Detectors by name that stand for a neutron camera: a sample of a centimetre, and exposures of ten minutes."""
NEUTRON_S, NEUTRON_CRYSTAL_MM = 600.0, 10.0
"""Seconds of a frame there where nobody names others, and thickness of the sample."""
BEAMS: dict[str, Callable[[], Beam]] = {
    "tube-W": lambda: Beam.tube("W"),
    "tube-Mo": lambda: Beam.tube("Mo"),
    "tube-Cu": lambda: Beam.tube("Cu"),
    "bending-magnet": lambda: Beam.bending_magnet(),
    "neutron": lambda: Beam.neutron(),
    "neutron-guide": lambda: guide_beam(),
    "neutron-moderator": lambda: moderator_beam(epithermal=0.2),
}
Observed = Literal["spots", "map", "estimate", "goal", "image"]
OBSERVATIONS: tuple[Observed, ...] = get_args(Observed)
SIGHTED = ("estimate", "goal")
"""Observations of what is known of how the crystal stands."""
ESTIMATORS = ("model", "indexed", "frames")
SIZE = 84
"""Default edge of the image observation, pixels."""

USUAL_S, USUAL_SPOTS = 10.0, 50
"""Seconds of a frame where nobody names others, and spots of silicon that are matched in it at level "real"; errors of
an estimate belong to these."""
SMALLEST_IMAGE = 16  # pixels; on fewer a whole pattern is a handful of blots


@dataclass(frozen=True)
class LaueAlignOptions:
    """Everything that ``gym.make("beamgym/LaueAlign-v0", ...)`` takes.

    Parameters
    ----------
    crystal : name ("Si"), path of a CIF, pymatgen Structure or Crystal
    goniometer : preset ("six-axis", "two-arc", "e4cv", "psic", "kappa"), YAML file, dict or Goniometer
    target : "pose [001] [110]", "axis [001] x", "plane (100) (010)" or a Target
    beam : name in BEAMS or a Beam
    detector : name in DETECTORS, a file (.det, .fit, .poni, .json) or a Detector; "neutron-back" and "neutron-cylinder"
        are neutron cameras, with a sample of 10 mm and frames of 600 s where ``exposure`` names no others
    level : "easy", "real", "hard", "harsh", "dim", a level's file (.yaml) or Imperfections
    tolerance_deg : error at which a declared pose counts as success, 0.02 to 20
    exposures : budget, the first exposure included
    action : "rotation", "axes", or with observation "estimate" "decisions"
    max_rotation_deg : of a full action, degrees; None for the version's, 90 in version 0 and 45 in version 1
    frames : "spots" (fast), "rendered" (images and the peak finder) or "denoised" (the same, the shipped denoiser of
        Laue frames before the peak finder)
    reward : "dense" or "sparse"
    stop : "declare" or "truth"
    size : edge of the image observation, pixels
    observation : "spots", "map", "estimate", "goal" or "image"; None for "spots", of LaueAlignImage for "image"
    estimator : of observations "estimate" and "goal": "model" draws the estimate from a model of an estimator's errors,
        "indexed" indexes each frame's spots and joins the answers, "frames" makes it from the spots of all frames by
        the estimator, as on a real instrument
    flat : observe one array in place of a Dict: its numbers by the order of their keys, or the picture alone
    history : last observations that are shown together, with the actions between them; 1 for the present one alone
    start_within_deg : largest error of a start; None draws mounts evenly from all orientations
    exposure : seconds of every frame, or "choose": each action chooses its own, and the first frame is the shortest
    curriculum : starts lie farther off after a success and nearer after a failure, each environment's by its own
        episodes; they begin within ``start_within_deg``, or four tolerances
    crystals : in place of ``crystal``, what each episode's is drawn from: a sequence of names, CIFs, Structures or
        Crystals, or a stream such as ``RandomCrystals("train")``, of which ``stream[i]`` is one
    """

    crystal: Any = "Si"
    goniometer: str | PathLike[str] | dict[str, Any] | Goniometer = "six-axis"
    target: str | Target = "pose [001] [110]"
    beam: str | Beam = "tube-W"
    detector: str | PathLike[str] | Detector = "back-reflection"
    level: str | PathLike[str] | Imperfections = "real"
    tolerance_deg: float = 0.25
    exposures: int = 20
    action: Literal["rotation", "axes", "decisions"] = "rotation"
    max_rotation_deg: float | None = None
    frames: Literal["spots", "rendered", "denoised"] = "spots"
    reward: Literal["dense", "sparse"] = "dense"
    stop: Literal["declare", "truth"] = "declare"
    size: int = SIZE
    crystals: Any = None
    observation: Observed | None = None
    flat: bool = False
    history: int = 1
    start_within_deg: float | None = None
    estimator: Literal["model", "indexed", "frames"] = "model"
    curriculum: bool = False
    exposure: float | Literal["choose"] = USUAL_S


def build(
    options: LaueAlignOptions, n: int, image: bool = False, version: int = 0
) -> tuple[LaueAlignTask, SimulatedLaue] | tuple[ManyCrystalTask, ManyCrystalWorld]:
    """Make the task and a world of n samples.

    Parameters
    ----------
    options : what the user named
    n : samples
    image : whether the id is one that observes pictures instead of spot lists
    version : of the id
    """
    options = replace(options, observation=_checked_observation(options, image))
    if options.crystals is None:
        return _build_one(options, n, version)
    if options.observation == "goal":
        raise ValueError("observation='goal' is of one crystal; leave out crystals, or choose another observation")
    rows = CrystalRows(_checked_crystals(options), partial(_build_of, options, version), n)
    return ManyCrystalTask(rows), ManyCrystalWorld(rows)


def _checked_crystals(options: LaueAlignOptions) -> Any:
    """Return what crystals are drawn from; raises TypeError or ValueError, in one line, where nothing can be."""
    crystals = options.crystals
    if isinstance(crystals, str | PathLike) or not hasattr(crystals, "__getitem__"):
        raise TypeError(
            f"crystals is {crystals!r}; give a list of names, CIFs or Crystals, or a stream such as "
            "RandomCrystals('train')"
        )
    if options.crystal != LaueAlignOptions.crystal:
        raise ValueError("crystal and crystals were both given; crystals is what each episode's crystal is drawn from")
    if isinstance(options.target, Target):
        raise ValueError("a Target is one crystal's; with crystals give words, such as 'pose [001] [110]'")
    if isinstance(crystals, Sequence):
        if not len(crystals):
            raise ValueError("crystals is empty; give one crystal or more")
        return [_crystal(each, _radiation(options)) for each in crystals]
    return crystals


def _radiation(options: LaueAlignOptions) -> Radiation:
    return (_named_beam(options.beam) if isinstance(options.beam, str) else options.beam).radiation


def _build_of(options: LaueAlignOptions, version: int, crystal: Any, n: int) -> tuple[LaueAlignTask, SimulatedLaue]:
    return _build_one(replace(options, crystal=crystal), n, version)


def _reachable(context: AlignContext, mounts: Float64Array) -> BoolArray:
    """Return (m,) from which mounts (m, 3, 3) a goal can be reached; no closure, so that a world can be pickled."""
    return context.target.can_reach(context.goniometer, mounts)


def _checked_observation(options: LaueAlignOptions, image: bool) -> Observed:
    asked = options.observation or ("image" if image else "spots")
    if asked not in OBSERVATIONS:
        raise ValueError(f"unknown observation {asked!r}; choose one of {', '.join(OBSERVATIONS)}")
    if image and asked != "image":
        raise ValueError(f"LaueAlignImage observes the image; for observation={asked!r} make LaueAlign")
    if options.action == "decisions" and asked != "estimate":
        raise ValueError("action='decisions' decides by an estimate: add observation='estimate'")
    if options.flat and asked == "goal":
        raise ValueError("observation='goal' keeps what was reached and what is asked apart; leave out flat")
    if options.estimator not in ESTIMATORS:
        raise ValueError(f"unknown estimator {options.estimator!r}; choose one of {', '.join(ESTIMATORS)}")
    if options.estimator != "model" and asked not in SIGHTED:
        raise ValueError(f"estimator={options.estimator!r} makes an estimate: add observation='estimate'")
    return asked


def _build_one(options: LaueAlignOptions, n: int, version: int) -> tuple[LaueAlignTask, SimulatedLaue]:
    ruled, image = rules(version), options.observation == "image"
    context = _context(options, ruled)
    reward, expected = _reward(options, ruled), expected_spots(context)
    view = _view(options, context, expected)
    panel = image_panel(context.detector, options.size) if image else context.detector
    sighted, near = options.observation in SIGHTED, _near_starts(options, context)
    made = SightedLaue if sighted and options.estimator == "model" else SimulatedLaue
    world = made(
        context.crystal,
        context.goniometer,
        context.beam,
        panel,
        n,
        options.level,
        "rendered" if image or options.frames == "denoised" else options.frames,
        mount_filter=partial(_reachable, context),
        camera=_camera(options, panel),
        draws=ruled.draws,
        mount_shape=near,
    )
    grows = Curriculum(near.within_deg) if near is not None and options.curriculum else None
    given = context, view, expected, reward, options.stop, panel, ruled, grows
    if not sighted:
        return LaueAlignTask(*given), world
    return _sighted(options)(*given, told_by=_told_by(context, world, options.estimator)), world


def _reward(options: LaueAlignOptions, ruled: Rules) -> RewardModel:
    """Return what is paid; before a neutron camera a frame costs as much as an X-ray camera's does."""
    paid = replace(ruled.reward, kind=options.reward)
    return replace(paid, time_cost=paid.time_cost * USUAL_S / NEUTRON_S) if _is_neutron_plate(options) else paid


def _is_neutron_plate(options: LaueAlignOptions) -> bool:
    return isinstance(options.detector, str) and options.detector in NEUTRON_PLATES


def _camera(options: LaueAlignOptions, panel: Detector) -> LaueCamera | None:
    """Return the camera of rendered frames where it is not the usual one."""
    if _is_neutron_plate(options) and options.frames == "rendered":
        return neutron_camera(panel)
    return _denoising_camera(options, panel)


def _denoising_camera(options: LaueAlignOptions, panel: Detector) -> LaueCamera | None:
    """Return the camera of denoised frames; None where the world makes its own."""
    if options.frames != "denoised":
        return None
    if min(panel.shape) < FIELD:
        raise ValueError(f"frames='denoised' needs panels of {FIELD} pixels or more; this one is {panel.shape}")
    denoiser = shipped_denoiser("laue")
    return LaueCamera.denoised(panel, lambda counts, mask: denoiser(counts, mask).rate)


def _near_starts(options: LaueAlignOptions, context: AlignContext) -> NearStarts | None:
    if options.start_within_deg is None and not options.curriculum:
        return None
    first = min(FIRST_TOLERANCES * context.tolerance_deg, ALL_DEG)
    return NearStarts(context, first if options.start_within_deg is None else options.start_within_deg)


def _sighted(options: LaueAlignOptions) -> type[SightedTask]:
    if options.observation == "goal":
        return GoalTask
    return DecisionsTask if options.action == "decisions" else SightedTask


def _told_by(context: AlignContext, world: SimulatedLaue, estimator: str) -> Sight:
    """Return what tells how the crystals of a world stand."""
    if estimator != "frames":
        check_sighted(world.level)
        learnt, level = estimator == "model", world.level
        errors = sight_errors(level) if learnt else index_errors(level, context.detector)
        model = ModelSight(context.goniometer, errors, level.backlash_deg)
        if learnt:
            return model
        usual = None if context.chosen is None and context.exposure_s == USUAL_S else USUAL_SPOTS
        return IndexSight(context.crystal, context.beam, context.detector, model, usual)
    return FrameSight(context.crystal, context.beam, context.goniometer, context.detector)


def _view(options: LaueAlignOptions, context: AlignContext, expected: Float32Array) -> View:
    if options.observation == "image":
        return ImageView(_checked_size(options.size, context.detector))
    return _spots_view(options.observation, context, expected)


def _spots_view(observation: str | None, context: AlignContext, expected: Float32Array) -> View:
    return MapView(context.detector, expected) if observation == "map" else SpotView(context.detector)


def task_over(
    context: AlignContext, size: int = SIZE, image: bool = False, version: int = 0, parts: Sequence[str] = ()
) -> LaueAlignTask:
    """Return the task over a real instrument: it declares, and nothing is paid for what nobody knows.

    Parameters
    ----------
    context : as the instrument file gives it
    size : edge of the image observation, pixels
    image : observe pictures instead of spot lists
    version : of the environment whose rules hold
    parts : names of what is observed, where it is another choice than the id's own: "estimate", "map"

    Raises
    ------
    ValueError : decisions without an estimate
    """
    ruled, expected = rules(version), expected_spots(context)
    view = ImageView(size) if image else _spots_view("map" if "map" in parts else "spots", context, expected)
    stop: Literal["declare"] = "declare"
    given = context, view, expected, replace(ruled.reward, kind="sparse"), stop, context.detector, ruled
    if "estimate" in parts:
        told_by = FrameSight(context.crystal, context.beam, context.goniometer, context.detector)
        return (DecisionsTask if context.action == "decisions" else SightedTask)(*given, told_by=told_by)
    if context.action == "decisions":
        raise ValueError("action: decisions decides by an estimate; deploy a bundle that observes one")
    return LaueAlignTask(*given)


def expected_spots(context: AlignContext) -> Float32Array:
    """Return the spot rows (48 * 5,) of the noise-free pattern at the goal, by the nominal geometry."""
    model = LaueModel(context.crystal, context.beam, context.detector, brightest=EXPECTED_ROWS)
    spots = model.spots(context.target.goal(np.eye(3)[None]))
    counts = spots.intensity * np.float32(context.exposure_s)
    peaks = Peaks(spots.position_px, counts, spots.count, np.zeros(counts.shape, dtype=np.bool_))
    return spot_rows(peaks, context.detector, EXPECTED_ROWS).ravel()


def _checked_size(size: int, detector: Detector) -> int:
    if not isinstance(size, (int, np.integer)) or not SMALLEST_IMAGE <= size <= min(detector.shape):
        raise ValueError(
            f"size is {size}; choose {SMALLEST_IMAGE} to {min(detector.shape)} pixels, the shorter edge of the detector"
        )
    return int(size)


def _context(options: LaueAlignOptions, ruled: Rules) -> AlignContext:
    beam = _named_beam(options.beam) if isinstance(options.beam, str) else options.beam
    if not isinstance(beam, Beam):
        raise TypeError(f"beam is {beam!r}; give one of {', '.join(BEAMS)}, or a Beam")
    beam = beam.at_normal_incidence()  # v0's counts hold no oblique path in the detector
    crystal, detector = _crystal(options.crystal, beam.radiation), _detector(options.detector)
    if _is_neutron_plate(options):
        if beam.radiation != "neutron":
            raise ValueError(f"detector={options.detector!r} is a neutron camera: add beam='neutron'")
        crystal = replace(crystal, size_mm=NEUTRON_CRYSTAL_MM)
        beam = beam.with_flux(NEUTRON_FLUX_PER_S) if isinstance(options.beam, str) else beam
    shown_flat = options.observation in ("map", "image") or options.frames == "denoised"
    if isinstance(detector, CylinderDetector) and shown_flat:
        raise ValueError(
            "a cylinder shows no map, no square image and no denoised frames; take observation='spots', 'estimate' or "
            "'goal', and frames='spots' or 'rendered'"
        )
    target = parse_target(crystal, options.target) if isinstance(options.target, str) else options.target
    if not isinstance(target, Target):
        raise TypeError(f"target is {target!r}; give words such as 'pose [001] [110]', or a Target")
    stage = goniometer(options.goniometer)
    if len(stage.axes) > MAX_AXES:
        raise ValueError(f"goniometer {stage.name!r} has {len(stage.axes)} axes; observations hold {MAX_AXES} at most")
    chosen = _chosen(options)
    return AlignContext(
        crystal,
        stage,
        detector,
        beam,
        target,
        options.tolerance_deg,
        ruled.max_rotation_deg if options.max_rotation_deg is None else options.max_rotation_deg,
        options.action,
        options.exposures,
        chosen.least_s if chosen is not None else _seconds(options),
        chosen=chosen,
    )


def _seconds(options: LaueAlignOptions) -> float:
    """Return how long a frame is exposed."""
    usual = options.exposure == USUAL_S and _is_neutron_plate(options)
    return NEUTRON_S if usual else float(options.exposure)


def _chosen(options: LaueAlignOptions) -> ExposureRange | None:
    """Return the exposures that actions choose from; None where all are equally long."""
    if options.observation in SIGHTED and options.estimator == "model" and options.exposure != USUAL_S:
        raise ValueError(
            f"estimator='model' knows frames of {USUAL_S:g} s alone; for exposure={options.exposure!r} take "
            "estimator='indexed' or 'frames'"
        )
    if isinstance(options.exposure, int | float) and not isinstance(options.exposure, bool):
        return None
    if options.exposure != "choose":
        raise ValueError(f"exposure is {options.exposure!r}; give seconds, or 'choose'")
    if options.action == "decisions" or options.observation == "goal" or options.crystals is not None:
        raise ValueError(
            "exposure='choose' goes with action='rotation' or 'axes', one crystal, and any observation but 'goal'"
        )
    return ExposureRange()


def _detector(spec: str | PathLike[str] | Detector) -> Detector:
    if isinstance(spec, Detector):
        return spec
    if not isinstance(spec, str | PathLike):
        raise TypeError(f"detector is {spec!r}; give one of {', '.join(DETECTORS)}, a file or a Detector")
    return DETECTORS[spec]() if isinstance(spec, str) and spec in DETECTORS else load_detector(spec)


def _crystal(spec: Any, radiation: Radiation) -> Crystal:
    named = isinstance(spec, str) and spec in crystal_names()
    return _named_crystal(spec, radiation) if named else load_crystal(spec, radiation)


@cache
def _named_crystal(name: str, radiation: Radiation) -> Crystal:
    """Load a named crystal once: its space group takes a second, and many environments stand on the same one."""
    return load_crystal(name, radiation)


@cache
def _named_beam(name: str) -> Beam:
    """Compute a named spectrum once, for the same reason."""
    if name not in BEAMS:
        raise ValueError(f"unknown beam {name!r}; choose one of {', '.join(BEAMS)}")
    return BEAMS[name]()
