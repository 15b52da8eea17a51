"""The table of kinds: what environments need to know of each kind of instrument, one row a kind.

A kind is one sort of task over one sort of instrument: a crystal turned before a Laue camera, a stage moved under an
analyser. It has a context class (what everybody at that instrument knows), a World (the simulated instrument), a Task
and one or more environment ids. ``agents/kinds.py`` and ``hardware_bridge/kinds.py`` hold what their floors need to
know, under the same names. Whoever has a context and must know what differs looks it up here; nobody asks a context
what class it has, or which attributes.

A kind is added with :func:`register_kind` at run time, from any package; docs/add_a_kind.md shows a whole one.
"""

import re
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

import gymnasium as gym

Ref = Any
"""A class or function, or "module:name" of one, which is imported when it is asked for and not before."""

EXPERIMENT = "experiment"
"""Key of a bundle's manifest under which a kind's setting lies, where the kind has no key of its own."""

_MAKER, _VECTOR_MAKER = "beamgym.envs.make:make_env", "beamgym.envs.make:make_vector_env"


@dataclass(frozen=True)
class Environment:
    """One registered id.

    Parameters
    ----------
    id : with namespace and version, as ``gym.make`` takes it
    about : what it asks for, in one line
    page : the page that describes it
    fixed : keywords of the kind's ``build`` and ``task`` that set this id apart from the kind's others
    """

    id: str
    about: str = ""
    page: str = ""
    fixed: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class BudgetRule:
    """What an episode may spend.

    Parameters
    ----------
    attribute : of the context, which holds the limit
    cost : of ``Task.costs``, which is added up against it: "exposures" or "instrument_s"
    unit : of both, as on the axis of a picture
    """

    attribute: str
    cost: Literal["exposures", "instrument_s"]
    unit: str


EXPOSURES = BudgetRule("exposures", "exposures", "exposures")
BEAM_TIME = BudgetRule("beam_time_s", "instrument_s", "beam time / s")


@dataclass(frozen=True)
class EnvKind:
    """A kind's row on the environments' floor.

    Parameters
    ----------
    name : a lower-case Python name; the instrument file's ``kind`` and part, and the key of the other floors' tables
    context : class of ``Task.context``; see ``envs.task.Context`` for what it must have
    environments : its ids; the first is what an instrument stands for where a policy names none
    options : dataclass of what ``gym.make`` takes
    build : (options, n, **fixed) → (task, world of n samples)
    renderer : (context) → what draws an episode: ``draw(loop, sample=0)`` → (h, w, 3) uint8
    budget : what an episode may spend
    task : (context, size=edge of an image, **fixed) → the task over a real instrument, where nothing knows the truth;
        None where no real instrument can stand for it
    setting : pydantic class with ``of(context)``, which says in a bundle's manifest what a policy was trained for, its
        ``axes`` included; None where bundles say nothing of it
    setting_key : the manifest's key of it
    units : mapping of the names in an observation to what their numbers are, for a bundle's manifest
    chooses : names of parts of an observation by which the choice ``observation`` is known; where a bundle observes one
        of them, ``task`` is called with ``parts``, the names of all
    action_scale : names, in setting and context, of what an action means: a bundle plays only where they are equal
    estimate_scale : the same of what the numbers of an observed estimate mean
    """

    name: str
    context: Ref
    environments: tuple[Environment, ...]
    options: Ref
    build: Ref
    renderer: Ref
    budget: BudgetRule
    task: Ref | None = None
    setting: Ref | None = None
    setting_key: str = EXPERIMENT
    units: Ref = field(default_factory=dict)
    action_scale: tuple[str, ...] = ()
    estimate_scale: tuple[str, ...] = ()
    chooses: frozenset[str] = frozenset()

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of its environments."""
        return tuple(environment.id for environment in self.environments)

    @property
    def fixed_names(self) -> frozenset[str]:
        """Keywords that its ids fix."""
        return frozenset(name for environment in self.environments for name in environment.fixed)


SHIPPED: tuple[EnvKind, ...] = (
    EnvKind(
        name="laue",
        context="beamgym.envs.laue_align:AlignContext",
        environments=(
            Environment(
                "beamgym/LaueAlign-v0",
                "turn a given crystal until it stands as asked; found spots",
                "docs/environments/laue_align.md",
            ),
            Environment(
                "beamgym/LaueAlignImage-v0",
                "the same from the camera's image",
                "docs/environments/laue_align_image.md",
                {"image": True},
            ),
            Environment(
                "beamgym/LaueAlign-v1",
                "version 1: a wrong declaration costs, none happens by accident",
                "docs/environments/laue_align.md",
                {"version": 1},
            ),
            Environment(
                "beamgym/LaueAlignImage-v1",
                "the same from the camera's image",
                "docs/environments/laue_align_image.md",
                {"image": True, "version": 1},
            ),
        ),
        options="beamgym.envs.laue_align:LaueAlignOptions",
        build="beamgym.envs.laue_align:build",
        renderer="beamgym.envs.laue_drawing:LaueRenderer",
        budget=EXPOSURES,
        task="beamgym.envs.laue_align:task_over",
        setting="beamgym.envs.bundles:Setting",
        setting_key="setting",
        units="beamgym.envs.laue_align:ALIGN_UNITS",
        action_scale=("action", "max_rotation_deg"),
        estimate_scale=("tolerance_deg",),
        chooses=frozenset({"estimate", "map"}),
    ),
    EnvKind(
        name="zone",
        context="beamgym.envs.laue_zone:ZoneContext",
        environments=(
            Environment(
                "beamgym/LaueZone-v0",
                "find a symmetry axis of an unknown crystal; images, two axes",
                "docs/environments/laue_zone.md",
            ),
            Environment(
                "beamgym/LaueZone-v1",
                "version 1: a wrong declaration costs, none happens by accident",
                "docs/environments/laue_zone.md",
                {"version": 1},
            ),
        ),
        options="beamgym.envs.laue_zone:LaueZoneOptions",
        build="beamgym.envs.laue_zone:build",
        renderer="beamgym.envs.laue_zone:ZoneRenderer",
        budget=EXPOSURES,
        units="beamgym.envs.laue_zone:ZONE_UNITS",
    ),
    EnvKind(
        name="arpes",
        context="beamgym.envs.arpes_spot:SpotContext",
        environments=(
            Environment(
                "beamgym/ArpesSpot-v0",
                "find the best spot of a cleaved sample; spectra and their scores",
                "docs/environments/arpes_spot.md",
            ),
            Environment(
                "beamgym/ArpesSpotImage-v0",
                "the same from the spectra and the position only",
                "docs/environments/arpes_spot.md",
                {"image": True},
            ),
            Environment(
                "beamgym/ArpesSpot-v1",
                "version 1: scores composed of their components; a wrong declaration costs, none happens by accident",
                "docs/environments/arpes_spot.md",
                {"version": 1},
            ),
            Environment(
                "beamgym/ArpesSpotImage-v1",
                "the same from the spectra and the position only",
                "docs/environments/arpes_spot.md",
                {"image": True, "version": 1},
            ),
        ),
        options="beamgym.envs.arpes_spot:ArpesSpotOptions",
        build="beamgym.envs.arpes_spot:build",
        renderer="beamgym.envs.arpes_spot:SpotRenderer",
        budget=BEAM_TIME,
        task="beamgym.envs.arpes_spot:task_over",
        setting="beamgym.envs.bundles:SpotSetting",
        setting_key="spot",
        units="beamgym.envs.arpes_spot:SITE_UNITS",
        chooses=frozenset({"picture", "scores", "spectrum"}),
    ),
    EnvKind(
        name="mosaic",
        context="beamgym.envs.plate_scan:ScanContext",
        environments=(
            Environment(
                "beamgym/PlateScan-v0",
                "learn how the crystals of a plate stand, in little beam time",
                "docs/environments/plate_scan.md",
            ),
        ),
        options="beamgym.envs.plate_scan:PlateScanOptions",
        build="beamgym.envs.plate_scan:build",
        renderer="beamgym.envs.plate_scan:ScanRenderer",
        budget=BEAM_TIME,
        task="beamgym.envs.plate_scan:task_over",
        setting="beamgym.envs.plate_scan:ScanSetting",
        units="beamgym.envs.plate_scan:SCAN_UNITS",
        action_scale=("action",),
    ),
    EnvKind(
        name="diffractometer",
        context="beamgym.envs.diffractometer_align:DiffractometerContext",
        environments=(
            Environment(
                "beamgym/DiffractometerAlign-v0",
                "find a crystal's UB matrix with one wavelength and a counter, by scanning",
                "docs/environments/diffractometer_align.md",
            ),
        ),
        options="beamgym.envs.diffractometer_align:DiffractometerAlignOptions",
        build="beamgym.envs.diffractometer_align:build",
        renderer="beamgym.envs.diffractometer_align:AlignScanRenderer",
        budget=BEAM_TIME,
        task="beamgym.envs.diffractometer_align:task_over",
        setting="beamgym.envs.diffractometer_align:AlignScanSetting",
        units="beamgym.envs.diffractometer_align:ALIGN_SCAN_UNITS",
    ),
    EnvKind(
        name="arpes_align",
        context="beamgym.envs.arpes_align:ArpesAlignContext",
        environments=(
            Environment(
                "beamgym/ArpesAlign-v0",
                "bring a crystal before an electron analyser: site, focus, normal, azimuth; from its bands",
                "docs/environments/arpes_align.md",
            ),
        ),
        options="beamgym.envs.arpes_align:ArpesAlignOptions",
        build="beamgym.envs.arpes_align:build",
        renderer="beamgym.envs.arpes_align:PoseRenderer",
        budget=BEAM_TIME,
        task="beamgym.envs.arpes_align:task_over",
        setting="beamgym.envs.arpes_align:PoseSetting",
        units="beamgym.envs.arpes_align:POSE_UNITS",
        action_scale=("action",),
    ),
)

KINDS: dict[str, EnvKind] = {}
"""Every kind by name, those of other packages included."""

ENVIRONMENTS: dict[str, Environment] = {}
"""Every environment of the table by its id."""


def register_kind(kind: EnvKind) -> None:
    """Put a kind into the table and its environments into Gymnasium's registry; the same name again replaces it.

    Raises
    ------
    ValueError : a name that is no lower-case Python name or a shipped kind's, no environment, or an id that belongs to
        somebody else
    """
    if not kind.name.isidentifier() or kind.name != kind.name.lower():
        raise ValueError(f"a kind's name is a lower-case Python name such as 'lamp', found {kind.name!r}")
    if not kind.environments:
        raise ValueError(f"kind {kind.name!r} has no environment; give at least one Environment(id)")
    old = KINDS.get(kind.name)
    if old is not None and old in SHIPPED:
        raise ValueError(f"the kind {kind.name!r} is beamgym's own; choose another name")
    own = () if old is None else old.ids
    taken = [name for name in kind.ids if name in gym.registry and name not in own]
    if taken:
        raise ValueError(f"{taken[0]} is registered already; choose another id, or a higher version")
    forget_kind(kind.name)
    _enter(kind)


def forget_kind(name: str) -> None:
    """Take a kind out of the table, and its environments out of Gymnasium's registry; nothing where there is none."""
    old = KINDS.pop(name, None)
    for environment in () if old is None else old.environments:
        ENVIRONMENTS.pop(environment.id, None)
        gym.registry.pop(environment.id, None)


def register_all() -> None:
    """Put beamgym's own kinds into the table; ids that Gymnasium has already are left alone."""
    for kind in SHIPPED:
        _enter(kind)


def resolve(ref: Ref) -> Any:
    """Return what a row names: the thing itself, or what lies at "module:name", imported now."""
    if not isinstance(ref, str):
        return ref
    module, _, name = ref.partition(":")
    return getattr(import_module(module), name)


def kind_named(name: str) -> EnvKind:
    """Return a kind by its name; raises ValueError for one that is not in the table."""
    if name not in KINDS:
        raise ValueError(f"unknown kind {name!r}; there are {', '.join(KINDS)}: import the package that registers it")
    return KINDS[name]


def find_kind(context: Any) -> EnvKind | None:
    """Return the kind of a context by its class, or None where it is of none."""
    return next((kind for kind in KINDS.values() if _is_of(context, kind.context)), None)


def kind_of(context: Any) -> EnvKind:
    """Return the kind of a context; raises ValueError for a context of none."""
    kind = find_kind(context)
    if kind is None:
        raise ValueError(f"no environment has a context of type {type(context).__name__}; see envs.kinds.register_kind")
    return kind


def sample_of(context: Any) -> str:
    """Return the name of what stands in the beam; "" where it has none, or the context is of no kind."""
    name: str = "" if find_kind(context) is None else context.sample
    return name


def require_kind(context: Any, names: Collection[str], otherwise: str, error: type[Exception] = ValueError) -> None:
    """Raise an error for a context of another kind than these: how a policy or a teacher declares what it knows.

    Parameters
    ----------
    context : of the environment
    names : of the kinds that will do
    otherwise : the error's line
    error : its class
    """
    kind = find_kind(context)
    if kind is None or kind.name not in names:
        raise error(otherwise)


def kind_of_environment(env_id: str) -> EnvKind | None:
    """Return the kind that an environment belongs to; None for an id that is none of the table's."""
    return next((kind for kind in KINDS.values() if env_id in kind.ids), None)


def same_task(env_id: str, other: str) -> bool:
    """Return whether two ids are one task, in the same version or, of one kind of the table, in two."""
    kind = kind_of_environment(env_id)
    versions = kind is not None and other in kind.ids and _without_version(env_id) == _without_version(other)
    return env_id == other or versions


def _without_version(env_id: str) -> str:
    return re.sub(r"-v\d+$", "", env_id)


def _enter(kind: EnvKind) -> None:
    KINDS[kind.name] = kind
    for environment in kind.environments:
        ENVIRONMENTS[environment.id] = environment
        if environment.id not in gym.registry:
            kwargs = {"kind": kind.name, **environment.fixed}
            gym.register(environment.id, _MAKER, vector_entry_point=_VECTOR_MAKER, kwargs=kwargs)


def _is_of(context: Any, ref: Ref) -> bool:
    if isinstance(ref, str):
        # A class whose module was never imported has no instances: nothing is imported to find that out.
        module, _, name = ref.partition(":")
        ref = getattr(sys.modules.get(module), name, None)
    return isinstance(ref, type) and isinstance(context, ref)


def chosen_exposures(context: Any) -> Any:
    """Return the ``ExposureRange`` that actions choose from; None where all frames are exposed equally long."""
    return getattr(context, "chosen", None)
