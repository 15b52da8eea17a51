"""A bundle's manifest.json, validated so that an unknown key is an error."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    field_validator,
)

from beamgym.envs.bundles.spaces import SpaceSpec
from beamgym.envs.kinds import EXPERIMENT, EnvKind, find_kind, kind_named, resolve
from beamgym.physics.instrument import Axis

STATE = "state"
"""Key of a manifest whose policy has a memory."""

MANIFEST, MODEL, REFERENCE, CARD = "manifest.json", "policy.onnx", "reference.npz", "CARD.md"

MIN_REFERENCE, MIN_FRAMES, MAX_REFERENCE = 200, 1, 4096
"""How many pairs of observation and action a bundle holds, at least, of a denoiser, and at most."""

_OUTPUTS = {"policy": "action", "scorer": "scores", "denoiser": "rates", "chooser": "logits", "domains": "domains"}

Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TrainedAxis(_Strict):
    """One axis as it was in training: name, kind and the limits in ``unit``; "s" is that of an exposure-time axis.

    ``vector``, ``sign`` and ``zero`` say how it turns or shifts the sample; bundles of the first days leave them out.
    """

    name: str
    kind: Literal["rotation", "linear"]
    limits: tuple[float, float]
    unit: Literal["deg", "mm", "s"]
    vector: tuple[float, float, float] | None = None
    sign: Literal[1, -1] | None = None
    zero: float | None = None

    @classmethod
    def of(cls, axis: Axis) -> "TrainedAxis":
        """Describe an axis; one without a direction is an exposure-time axis."""
        unit: Any = "deg" if axis.kind == "rotation" else "mm" if any(axis.vector) else "s"
        low, high = (float(limit) for limit in axis.limits)
        x, y, z = (float(part) for part in axis.vector)
        sign: Any = int(axis.sign)
        return cls(
            name=axis.name,
            kind=axis.kind,
            limits=(low, high),
            unit=unit,
            vector=(x, y, z),
            sign=sign,
            zero=float(axis.zero),
        )


class DetectorSpec(_Strict):
    """The nominal detector: origin (centre of pixel 0, 0), unit vectors, pixel size and (slow, fast) shape."""

    origin_mm: tuple[float, float, float]
    fast: tuple[float, float, float]
    slow: tuple[float, float, float]
    pixel_mm: float
    shape: tuple[int, int]


class Setting(_Strict):
    """The Laue experiment a policy was trained for."""

    crystal: str
    cell: tuple[float, float, float, float, float, float]
    goniometer: str
    axes: list[TrainedAxis]
    target: str
    detector: DetectorSpec
    band_kev: tuple[float, float]
    tolerance_deg: float
    max_rotation_deg: float
    action: Literal["rotation", "axes", "decisions"]
    exposures: int

    @classmethod
    def of(cls, context: Any) -> "Setting":
        """Describe a LaueAlign environment's context."""
        detector = context.detector
        return cls(
            crystal=context.crystal.name,
            cell=_row(context.crystal.cell),
            goniometer=context.goniometer.name,
            axes=[TrainedAxis.of(axis) for axis in context.goniometer.axes],
            target=context.target.label,
            detector=DetectorSpec(
                origin_mm=_row(detector.origin_mm),
                fast=_row(detector.fast),
                slow=_row(detector.slow),
                pixel_mm=float(detector.pixel_mm),
                shape=(int(detector.shape[0]), int(detector.shape[1])),
            ),
            band_kev=_row(context.beam.band_kev),
            tolerance_deg=float(context.tolerance_deg),
            max_rotation_deg=float(context.max_rotation_deg),
            action=context.action,
            exposures=int(context.exposures),
        )


class SpotSetting(_Strict):
    """The ARPES experiment a policy was trained for: stage, spectrum (pixels, first and last pixel centres), budget."""

    stage: str
    axes: list[TrainedAxis]
    shape: tuple[int, int]
    energy_ev: tuple[float, float]
    slit_deg: tuple[float, float]
    beam_time_s: float
    action: Literal["absolute", "steps"]
    max_step_mm: float

    @classmethod
    def of(cls, context: Any) -> "SpotSetting":
        """Describe an ArpesSpot environment's context."""
        grid = context.grid
        return cls(
            stage=context.stage.name,
            axes=[TrainedAxis.of(axis) for axis in context.stage.axes],
            shape=grid.shape,
            energy_ev=(float(grid.energy_ev[0]), float(grid.energy_ev[-1])),
            slit_deg=(float(grid.slit_deg[0]), float(grid.slit_deg[-1])),
            beam_time_s=float(context.beam_time_s),
            action=context.action,
            max_step_mm=float(context.max_step_mm),
        )


class Experiment(_Strict):
    """The experiment of a kind that has no key of its own in the manifest: the kind's name and its setting."""

    kind: str
    setting: dict[str, JsonValue]

    def described(self) -> Any:
        """Return the setting as the kind's own class; raises ValueError for an unknown kind or a wrong setting."""
        described = kind_named(self.kind).setting
        if described is None:
            raise ValueError(f"bundles of the kind {self.kind!r} describe no experiment")
        return resolve(described).model_validate(self.setting)


class Training(_Strict):
    """The origin of a policy: the command, and the first and last environment seed of its training."""

    command: str
    algorithm: str
    seeds: tuple[int, int]
    steps: int = 0


class Encoder(_Strict):
    """Which observation encoder the environment ran, with its parameters."""

    name: str
    parameters: dict[str, JsonValue] = Field(default_factory=dict)


class Manifest(_Strict):
    """manifest.json.

    ``setting`` is the Laue experiment, ``spot`` the ARPES one, both are None for a network that belongs to neither; a
    policy of another kind has a :class:`KindManifest`.
    A scorer's "observation" is what ``envs.arpes_spot.scorer_input`` makes of spectra, its "action" the scores; a
    denoiser's a tile of a counted frame, and the logarithms of its rate and of their uncertainty; a chooser's what is
    known of the candidates of a search, and the log odds of each; that of domains a cut, and what is said of its
    domains.
    """

    format: Literal["beamgym-bundle"] = "beamgym-bundle"
    format_version: Literal[1] = 1
    kind: Literal["policy", "scorer", "denoiser", "chooser", "domains"] = "policy"
    beamgym_version: str
    env_id: Annotated[str, StringConstraints(pattern=r"^[\w./-]+-v\d+$")]
    observation_space: dict[str, SpaceSpec]
    action_space: SpaceSpec
    units: dict[str, str]
    encoder: Encoder
    normaliser: str
    training: Training
    setting: Setting | None = None
    spot: SpotSetting | None = None
    files: dict[str, Sha256]

    @property
    def output(self) -> str:
        """Name of the graph's first output."""
        return _OUTPUTS[self.kind]

    @property
    def least_reference(self) -> int:
        """How many pairs of observation and answer prove the graph: a tile of a frame is ten thousands of numbers."""
        return MIN_FRAMES if self.kind in ("denoiser", "domains") else MIN_REFERENCE

    @property
    def memory(self) -> dict[str, SpaceSpec]:
        """What the policy remembers from one step to the next, by name; nothing for most."""
        return {}

    def setting_of(self, kind: EnvKind) -> Any:
        """Return what the policy was trained for, as the kind's own class; None where the bundle does not say."""
        found = getattr(self, kind.setting_key, None)
        if not isinstance(found, Experiment):
            return found
        return found.described() if found.kind == kind.name else None

    @field_validator("files")
    @classmethod
    def _plain_names(cls, files: dict[str, str]) -> dict[str, str]:
        for name in files:
            if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", name):
                raise ValueError(f"{name!r} is no plain file name; a bundle's files lie beside its manifest")
        missing = {MODEL, REFERENCE, CARD} - set(files)
        if missing:
            raise ValueError(f"{sorted(missing)} without a checksum; every file of a bundle is listed")
        return files


class KindManifest(Manifest):
    """manifest.json of a policy whose kind has no key of its own: ``experiment`` says what it was trained for."""

    experiment: Experiment


class MemoryManifest(Manifest):
    """manifest.json of a policy with a memory: earlier frames, or the state of an LSTM.

    ``state`` holds one space a part of it. The graph takes each as the input ``state/NAME`` and gives what it becomes
    as the output ``next/NAME``. At the beginning of an episode every part is zero.
    """

    state: dict[str, SpaceSpec] = Field(min_length=1)

    @property
    def memory(self) -> dict[str, SpaceSpec]:
        """What the policy remembers from one step to the next, by name."""
        return self.state


class KindMemoryManifest(MemoryManifest, KindManifest):
    """manifest.json of a policy with a memory whose kind has no key of its own."""


def manifest_class(entries: Mapping[str, Any]) -> type[Manifest]:
    """Return the class of a manifest with these entries."""
    if STATE in entries:
        return KindMemoryManifest if EXPERIMENT in entries else MemoryManifest
    return KindManifest if EXPERIMENT in entries else Manifest


def parse_manifest(content: Any) -> Manifest:
    """Return a manifest from what JSON gave; raises pydantic's ValidationError."""
    return manifest_class(content if isinstance(content, dict) else {}).model_validate(content)


def setting_entries(context: Any) -> dict[str, Any]:
    """Return the manifest's entries that describe a context: its kind's key and setting; none for a context of none."""
    kind = find_kind(context)
    if kind is None or kind.setting is None:
        return {}
    setting = resolve(kind.setting).of(context)
    if kind.setting_key == EXPERIMENT:
        setting = Experiment(kind=kind.name, setting=setting.model_dump(mode="json"))
    return {kind.setting_key: setting}


def _row(values: Any) -> Any:
    return tuple(float(value) for value in np.ravel(values))  # how many there must be, the manifest checks
