"""A bundle for another instrument is refused in one line before anything moves; the right one passes."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest

from beamgym.agents import zoo
from beamgym.envs.bundles import BundleError
from beamgym.envs.bundles.manifest import Manifest, SpotSetting, TrainedAxis
from beamgym.envs.bundles.model import OnnxModel
from beamgym.hardware_bridge.deployment.bundle_match import BundleMismatch, bundle_limits, match_bundle
from beamgym.hardware_bridge.instrument_file.context import context_of
from beamgym.hardware_bridge.instrument_file.load import load_instrument, parse_instrument, shipped_instrument
from beamgym.hardware_bridge.instrument_file.text import read_yaml
from beamgym.hardware_bridge.tasks import task_for

BUNDLE = Path(zoo.__file__).parent / "laue-align-si"


@pytest.fixture(scope="module")
def laue():
    return load_instrument(shipped_instrument("laue_soft_ioc"))


@pytest.fixture(scope="module")
def arpes():
    return load_instrument(shipped_instrument("arpes_soft_ioc"))


@pytest.fixture(scope="module")
def manifest():
    return Manifest.model_validate(json.loads((BUNDLE / "manifest.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def spot_manifest(manifest, arpes):
    return manifest.model_copy(
        update={"env_id": "beamgym/ArpesSpot-v0", "setting": None, "spot": SpotSetting.of(context_of(arpes))}
    )


def _changed(content, path, value):
    content = copy.deepcopy(content)
    here = content
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = value
    return content


def _refusal(manifest, file):
    with pytest.raises(BundleMismatch) as caught:
        match_bundle(manifest, file)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_shipped_policy_is_for_the_practice_instrument(laue):
    model = OnnxModel.load(BUNDLE)
    match_bundle(model.manifest, laue)
    task = task_for(context_of(laue, bundle_limits(model.manifest)), model.manifest.env_id)
    model.check_spaces(task.observation_space, task.action_space)
    assert {axis.name: axis.limits for axis in laue.physics_axes()} == bundle_limits(model.manifest)
    with pytest.raises(BundleError, match="action"):
        model.check_spaces(task.observation_space, task.observation_space)


def test_a_bundle_that_says_how_its_axes_turn_matches_as_well(manifest, laue):
    content = manifest.model_dump(mode="json")
    content["setting"]["axes"] = [TrainedAxis.of(axis).model_dump(mode="json") for axis in laue.physics_axes()]
    match_bundle(Manifest.model_validate(content), laue)
    content["setting"]["axes"][3]["sign"] *= -1
    assert "axis 'j4' turned about" in _refusal(Manifest.model_validate(content), laue)


def test_an_arpes_bundle_matches_its_practice_instrument(spot_manifest, arpes):
    match_bundle(spot_manifest, arpes)
    assert bundle_limits(spot_manifest)["dwell"] == (0.05, 5.0)


BUNDLES = {
    "another environment": (("env_id",), "beamgym/ArpesSpot-v0", "the bundle is for beamgym/ArpesSpot-v0"),
    "another version": (("env_id",), "beamgym/LaueAlign-v7", "the bundle is for beamgym/LaueAlign-v7"),
    "a scorer": (("kind",), "scorer", "the bundle is a scorer, not a policy"),
    "no setting": (("setting",), None, "says nothing about its instrument; export it anew"),
    "another axis": (("setting", "axes", 0, "name"), "phi", "with the axes phi, j2,"),
    "another unit": (
        ("setting", "axes", 0, "unit"),
        "mm",
        "axis 'j1' was a rotation in mm, here it is a rotation in deg",
    ),
    "wider limits": (
        ("setting", "axes", 1, "limits"),
        [-60, 61],
        "axis 'j2' went from -60 to 61 deg in training, here",
    ),
    "another axis of the same name": (("setting", "axes", 3, "vector"), [1, 0, 0], "axis 'j4' turned about 1 0 0"),
    "another pixel number": (("setting", "detector", "shape"), [512, 511], "the detector had (512, 511) pixels, here"),
    "another pixel size": (("setting", "detector", "pixel_mm"), 0.33, "pixels had 0.33 mm, here 0.32 mm"),
    "a detector elsewhere": (("setting", "detector", "origin_mm"), [-75, -81.76, 81.76], "is 5.0 mm from where it was"),
    "a mirrored detector": (("setting", "detector", "fast"), [0, -1, 0], "mm from where it was in training"),
    "another crystal": (("setting", "crystal"), "Ge", "trained on Ge, the crystal here is Si"),
    "another cell": (("setting", "cell"), [5.7, 5.7, 5.7, 90, 90, 90], "cell 5.7 5.7 5.7 90 90 90; Si here has 5.431"),
    "another target": (("setting", "target"), "[0 0 1] along z", "its target was [0 0 1] along z, here"),
    "another scale of actions": (
        ("setting", "max_rotation_deg"),
        45.0,
        "was 45.0 in training, here it is 90.0; set laue",
    ),
    "another tolerance": (("setting", "tolerance_deg"), 1.0, "tolerance_deg was 1.0"),
    "another budget": (("setting", "exposures"), 10, "exposures was 10 in training, here it is 20"),
    "another kind of action": (("setting", "action"), "axes", "action was axes"),
    "another beam": (("setting", "band_kev"), [5, 20], "its beam went from 5 20 keV, here from 5 25"),
}


@pytest.mark.parametrize("case", BUNDLES)
def test_a_laue_bundle_for_another_instrument_is_refused(manifest, laue, case):
    path, value, expected = BUNDLES[case]
    content = _changed(manifest.model_dump(mode="json"), path, value)
    if path[-1] == "vector":
        content["setting"]["axes"][3]["sign"] = 1
    assert expected in _refusal(Manifest.model_validate(content), laue)


SPOTS = {
    "another axis": (("axes", 1, "name"), "z", "axes x, z, dwell"),
    "a dwell in mm": (("axes", 2, "unit"), "mm", "axis 'dwell' was a linear in mm, here it is a linear in s"),
    "wider limits": (("axes", 0, "limits"), [-2, 2], "axis 'x' went from -2 to 2 mm"),
    "another size": (("shape",), [128, 128], "its spectra had (128, 128) pixels, here they have (64, 64)"),
    "other energies": (("energy_ev",), [-1.0, 0.2], "energy_ev went from -1 0.2"),
    "another budget": (("beam_time_s",), 60.0, "beam_time_s was 60.0 in training, here it is 120.0; set arpes"),
    "other actions": (("action",), "steps", "action was steps"),
}


@pytest.mark.parametrize("case", SPOTS)
def test_an_arpes_bundle_for_another_instrument_is_refused(spot_manifest, arpes, case):
    path, value, expected = SPOTS[case]
    content = _changed(spot_manifest.model_dump(mode="json"), ("spot", *path), value)
    assert expected in _refusal(Manifest.model_validate(content), arpes)


INSTRUMENTS = {
    "a flipped motor": (("axes", 0, "sign"), -1, "axis 'j1' turned about 0 0 1 in training, here about 0 0 -1"),
    "a shifted zero": (("axes", 0, "zero"), 5.0, "axis 'j1' had its zero at 0, here at 5"),
    "an unknown crystal": (("laue", "crystal"), "unobtainium", "laue: crystal: "),
    "an unknown target": (("laue", "target"), "pose", "laue: target: "),
    "an unknown beam": (("laue", "beam"), "torch", "laue: unknown beam 'torch'; choose one of tube-W"),
}


@pytest.mark.parametrize("case", INSTRUMENTS)
def test_a_changed_instrument_refuses_the_bundle(manifest, case):
    path, value, expected = INSTRUMENTS[case]
    content = read_yaml(shipped_instrument("laue_soft_ioc"))
    if path == ("axes", 0, "zero"):
        content["goniometer"].pop("wrist_mm")
        content["goniometer"]["solve_with"] = ["j4", "j5", "j6"]
    assert expected in _refusal(manifest, parse_instrument(_changed(content, path, value)))


def test_motor_limits_tighter_than_the_training_refuse_the_bundle(manifest, laue):
    match_bundle(manifest, laue, context_of(laue, {"j1": (-90.0000001, 89.9999999)}))
    with pytest.raises(BundleMismatch, match="here only from -80 to 90"):
        match_bundle(manifest, laue, context_of(laue, {"j1": (-80.0, 90.0)}))


def test_a_wider_instrument_is_narrowed_to_what_the_policy_was_trained_with(manifest):
    content = _changed(read_yaml(shipped_instrument("laue_soft_ioc")), ("axes", 0, "limits"), [-170, 170])
    file = parse_instrument(content)
    match_bundle(manifest, file)
    assert context_of(file).goniometer.axes[0].limits == (-170.0, 170.0)
    assert context_of(file, bundle_limits(manifest)).goniometer.axes[0].limits == (-90.0, 90.0)


def test_a_bundle_without_setting_has_no_limits(manifest):
    assert bundle_limits(manifest.model_copy(update={"setting": None})) == {}


def test_the_calibrated_panel_may_be_a_little_off(manifest):
    content = read_yaml(shipped_instrument("laue_soft_ioc"))
    place = content["detector"]["origin_mm"]
    content["detector"]["origin_mm"] = list(np.add(place, [1.0, 0.5, -0.5]))
    match_bundle(manifest, parse_instrument(content))
    content["detector"]["origin_mm"] = list(np.add(place, [4.0, 2.0, -2.0]))
    assert "a corner of the detector is 4.9 mm from where it was" in _refusal(manifest, parse_instrument(content))
