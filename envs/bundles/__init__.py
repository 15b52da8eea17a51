"""The only reader of bundles: ONNX and manifest, with every check before a byte of them runs."""

from beamgym.envs.bundles.manifest import (
    CARD,
    MANIFEST,
    MODEL,
    REFERENCE,
    STATE,
    DetectorSpec,
    Encoder,
    Experiment,
    KindManifest,
    Manifest,
    Setting,
    SpotSetting,
    TrainedAxis,
    Training,
    manifest_class,
    setting_entries,
)
from beamgym.envs.bundles.model import REFERENCE_TOLERANCE, BundleError, OnnxModel
from beamgym.envs.bundles.reference import MAX_REFERENCE, MIN_REFERENCE
from beamgym.envs.bundles.spaces import SpaceSpec, named_spaces, scale_of
from beamgym.envs.bundles.trees import DOMAIN, OPERATOR, VERSION

__all__ = [
    "CARD",
    "DOMAIN",
    "MANIFEST",
    "MAX_REFERENCE",
    "MIN_REFERENCE",
    "MODEL",
    "OPERATOR",
    "REFERENCE",
    "REFERENCE_TOLERANCE",
    "STATE",
    "VERSION",
    "BundleError",
    "DetectorSpec",
    "Encoder",
    "Experiment",
    "KindManifest",
    "Manifest",
    "OnnxModel",
    "Setting",
    "SpaceSpec",
    "SpotSetting",
    "TrainedAxis",
    "Training",
    "manifest_class",
    "named_spaces",
    "scale_of",
    "setting_entries",
]
