"""The toy kind of docs/add_a_kind.md has an instrument to practise on, and a policy is deployed there."""

import os

import numpy as np
import pytest
import yaml

pytest.importorskip("bluesky", reason="deploying needs the extra 'hardware'")
pytest.importorskip("aioca", reason="the practice instrument is reached by the extra 'epics'")

from beamgym.hardware_bridge.deployment import Deployment, Options, practise, run
from beamgym.hardware_bridge.deployment.bundle_match import BundleMismatch, match_bundle
from beamgym.hardware_bridge.instrument_file import context_of, load_instrument, parse_instrument
from beamgym.hardware_bridge.practice.simulated import EmulatedSample, simulation_of


@pytest.fixture
def content(lamp, lamp_folder):
    return yaml.safe_load((lamp_folder / "lamp.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def lamp_ioc(lamp, lamp_folder, special_ioc, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(lamp_folder), os.environ.get("PYTHONPATH", "")]))
    return special_ioc("lamp", imports=["lamp_bridge"], speed=1e6)


def test_its_instrument_file_is_read_and_checked(lamp, content):
    file = parse_instrument(content)
    context = context_of(file)
    assert isinstance(context, lamp.LampContext)
    assert (context.tolerance_deg, context.axis.limits) == (4.0, (-90.0, 90.0))
    assert file.digest() != parse_instrument({**content, "lamp": {"tolerance_deg": 5.0}}).digest()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lamp": None}, "the experiment is missing; a lamp instrument needs a part 'lamp:'"),
        ({"lamp": {"tolerance": 4.0}}, "lamp: unknown key 'tolerance'; did you mean 'tolerance_deg'"),
        ({"laue": {"crystal": "Si", "target": "axis [001] x"}}, "there is a part 'laue:'"),
        (
            {"kind": "torch"},
            "found 'torch'; give 'laue', 'arpes', 'mosaic', 'diffractometer', 'arpes_align' or 'lamp'",
        ),
    ],
)
def test_a_mistake_in_its_file_is_one_line(content, change, message):
    with pytest.raises(ValueError, match=message) as error:
        parse_instrument({**content, **change})
    assert "\n" not in str(error.value)


def test_its_own_check_is_made(content):
    (axis,) = content["axes"]
    devices = {**content["devices"], "tilt": {"adapter": "epics", "address": "bgym:tilt"}}
    more = {**content, "axes": [axis, {**axis, "name": "tilt", "device": "tilt"}], "devices": devices}
    with pytest.raises(ValueError, match="a lamp turns about one axis; found angle, tilt"):
        parse_instrument(more)


def test_a_kind_that_was_not_imported_is_unknown(content):
    from beamgym.hardware_bridge import kinds

    row = kinds.KINDS.pop("lamp")
    try:
        with pytest.raises(
            ValueError, match="found 'lamp'; give 'laue', 'arpes', 'mosaic', 'diffractometer' or 'arpes_align'"
        ):
            parse_instrument(content)
    finally:
        kinds.register_kind(row)


def test_a_bundle_for_another_lamp_is_refused(lamp, content):
    from beamgym.envs.bundles import KindManifest

    file = parse_instrument(content)
    setting = lamp.LampSetting.of(context_of(file)).model_dump(mode="json")
    space = {"shape": (2,), "dtype": "float32", "low": -1.0, "high": 1.0}
    files = dict.fromkeys(("policy.onnx", "reference.npz", "CARD.md"), "0" * 64)
    entries = {
        "beamgym_version": "0",
        "env_id": "lab/Lamp-v0",
        "observation_space": {},
        "action_space": space,
        "units": {},
        "encoder": {"name": "plain"},
        "normaliser": "none",
        "training": {"command": "x", "algorithm": "PPO", "seeds": (0, 1)},
        "files": files,
    }
    manifest = KindManifest(**entries, experiment={"kind": "lamp", "setting": setting})
    match_bundle(manifest, file)
    other = parse_instrument({**content, "lamp": {"tolerance_deg": 6.0}})
    with pytest.raises(BundleMismatch, match=r"tolerance_deg was 4.0 in training, here it is 6.0"):
        match_bundle(manifest, other)


def test_what_is_served_is_the_world_of_the_environment(lamp, content):
    file = parse_instrument(content)
    sample = EmulatedSample("lamp", {"level": "real"})
    assert sample.shape == (16, 16)
    sample.reset(7)
    twin = simulation_of(file, "real")
    assert isinstance(twin.task, lamp.LampTask)
    sample.carry(0, 30.0)
    image = sample.expose(1.0)
    assert image.dtype == np.uint16
    assert image.max() > image.min()
    assert set(sample.truth()) == {"best_deg", "inside"}


def test_a_policy_is_deployed_on_it_through_the_guard(lamp, lamp_folder, lamp_ioc, agreed_log, tmp_path):
    path = tmp_path / "lamp.yaml"
    path.write_text((lamp_folder / "lamp.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    deployment = Deployment(lamp.Scan(), path, Options(yes=True, out=tmp_path / "out"))
    report = run(deployment)
    assert report.ending == "declared"
    assert report.moves >= 9
    assert report.rows[0]["counts"] > 0
    assert lamp_ioc.truth()["inside"]
    assert lamp_ioc.truth()["shutter_open"] is False
    agreed_log(deployment.folder / "audit.jsonl", lamp_ioc)
    assert (deployment.folder / "figure.png").is_file()
    assert load_instrument(deployment.folder / "instrument.yaml") == deployment.file


def test_practice_and_simulation_agree(lamp, lamp_folder, lamp_ioc, tmp_path):
    path = tmp_path / "lamp.yaml"
    path.write_text((lamp_folder / "lamp.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    found = practise(Deployment(lamp.Scan(), path, Options(yes=True, out=tmp_path / "out", episodes=3)))
    assert found.as_dict()["different"] == 0
    assert found.as_dict()["success_deployed"] == 3
