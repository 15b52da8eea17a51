"""An instrument file is read as a whole or refused in one line that names the place and the remedy."""

import copy
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from beamgym.agents import zoo
from beamgym.envs.laue_align.factory import LaueAlignOptions, build
from beamgym.hardware_bridge.guard.rules.run import suspender
from beamgym.hardware_bridge.instrument_file.entries import DetectorEntry
from beamgym.hardware_bridge.instrument_file.file import tighter_limits
from beamgym.hardware_bridge.instrument_file.load import load_instrument, parse_instrument, shipped_instrument
from beamgym.hardware_bridge.instrument_file.missing_protection import find_missing_protection
from beamgym.physics.arpes.simulator import SimulatedArpes
from beamgym.physics.goniometer.goniometer import goniometer
from beamgym.physics.goniometer.targets import parse_target

SHIPPED = (
    *("laue_soft_ioc", "arpes_soft_ioc", "laue_epics", "laue_manual_filedrop"),
    *("laue_practice", "arpes_practice", "mosaic_soft_ioc", "arpes_align_soft_ioc", "diffractometer_soft_ioc"),
)


def _content(name):
    return yaml.safe_load(shipped_instrument(name).read_text(encoding="utf-8"))


def _refusal(content):
    with pytest.raises(ValueError) as caught:
        parse_instrument(content, "mine.yaml")
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith("mine.yaml: ")
    return line


def _changed(name, path, value):
    """Return a shipped file's content with one value set, or removed where it is ``...``."""
    content = copy.deepcopy(_content(name))
    here = content
    for step in path[:-1]:
        here = here[step]
    if value is ...:
        del here[path[-1]]
    else:
        here[path[-1]] = value
    return content


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_file_loads(name):
    file = load_instrument(shipped_instrument(name))
    assert file.simulation == name.endswith("soft_ioc")
    assert file.name == name.replace("_", "-")


def test_the_registry_of_shipped_files_is_complete():
    folder = shipped_instrument("laue_soft_ioc").parent
    assert sorted(SHIPPED) == sorted(path.stem for path in folder.glob("*.yaml"))
    known = "no instrument file 'soft' is shipped; there are arpes_align_soft_ioc, arpes_practice"
    with pytest.raises(ValueError, match=known):
        shipped_instrument("soft")


def test_the_laue_practice_instrument_is_the_world_of_the_shipped_policy():
    file = load_instrument(shipped_instrument("laue_soft_ioc"))
    folder = Path(zoo.__file__).parent / "laue-align-si"
    setting = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["setting"]
    detector = file.detector_geometry()
    assert file.laue.crystal == setting["crystal"]
    assert file.goniometer.name == setting["goniometer"]
    assert [(a.name, a.kind, list(a.limits), a.unit) for a in file.axes] == [
        (a["name"], a["kind"], a["limits"], a["unit"]) for a in setting["axes"]
    ]
    for part in ("origin_mm", "fast", "slow"):
        assert getattr(detector, part).tolist() == setting["detector"][part]
    assert [detector.pixel_mm, list(detector.shape)] == [setting["detector"]["pixel_mm"], setting["detector"]["shape"]]
    for key in ("tolerance_deg", "max_rotation_deg", "action", "exposures"):
        assert getattr(file.laue, key) == setting[key]


def test_the_laue_practice_instrument_is_the_simulator_bit_for_bit():
    file = load_instrument(shipped_instrument("laue_soft_ioc"))
    task, world = build(LaueAlignOptions(), 1, image=False)
    assert file.build_goniometer() == goniometer("six-axis")
    assert file.physics_axes() == world.axes
    assert file.detector_geometry() == world.context.detector
    assert parse_target(world.context.crystal, file.laue.target).label == task.context.target.label
    assert (file.laue.exposure_s, file.laue.readout_s) == (task.context.exposure_s, task.context.readout_s)


def test_the_arpes_practice_instrument_is_the_simulator_but_stands_while_it_exposes():
    file = load_instrument(shipped_instrument("arpes_soft_ioc"))
    world = SimulatedArpes()
    assert file.build_stage() == replace(world.context.stage, overlap=False)
    assert file.physics_axes() == world.axes
    assert file.detector.shape == world.context.analyser.grid.shape
    grid = world.context.analyser.grid
    assert file.detector.energy_ev == (grid.energy_ev[0], grid.energy_ev[-1])
    assert file.detector.slit_deg == (grid.slit_deg[0], grid.slit_deg[-1])


MISTAKES = {
    "a missing part": ("laue_soft_ioc", ("detector",), ..., "detector: missing; add it"),
    "an unknown key": ("laue_soft_ioc", ("detektor",), {}, "unknown key 'detektor'; did you mean 'detector'?"),
    "an unknown key of an axis": ("laue_soft_ioc", ("axes", 1, "limit"), [0, 1], "axes[1] (j2): unknown key 'limit'"),
    "swapped limits": (
        "laue_soft_ioc",
        ("axes", 1, "limits"),
        [60, -60],
        "axes[1] (j2): limits: must go from low to high, found 60 to -60; swap them",
    ),
    "one limit": ("laue_soft_ioc", ("axes", 0, "limits"), [60], "axes[0] (j1): limits: missing; the list is too short"),
    "three limits": ("laue_soft_ioc", ("axes", 0, "limits"), [1, 2, 3], "axes[0] (j1): limits: found [1, 2, 3]"),
    "limits that are no numbers": ("laue_soft_ioc", ("axes", 0, "limits"), ["a", 2], "no number"),
    "limits that are words for true": ("laue_soft_ioc", ("axes", 0, "limits"), [False, True], "on, off, yes and no"),
    "infinite limits": ("laue_soft_ioc", ("axes", 0, "limits"), [0, float("inf")], "not finite"),
    "radians": ("laue_soft_ioc", ("axes", 0, "unit"), "rad", "axes[0] (j1): unit: found 'rad'; give every number of"),
    "micrometres": ("arpes_soft_ioc", ("axes", 0, "unit"), "um", "in mm: divide by 1000"),
    "a unit written out": ("laue_soft_ioc", ("axes", 0, "unit"), "degrees", "found 'degrees'; write deg"),
    "another kind's unit": ("laue_soft_ioc", ("axes", 0, "unit"), "mm", "a rotation axis cannot be in mm"),
    "seconds of a motor": ("arpes_soft_ioc", ("axes", 0, "unit"), "s", "unit s and the adapter 'exposure' belong"),
    "a dwell in mm": ("arpes_soft_ioc", ("axes", 2, "unit"), "mm", "unit s and the adapter 'exposure' belong"),
    "a missing unit": ("laue_soft_ioc", ("axes", 0, "unit"), ..., "axes[0] (j1): unit: missing"),
    "a duplicate axis": ("laue_soft_ioc", ("axes", 1, "name"), "j1", "two entries are named axis 'j1'; rename one"),
    "a duplicate device": ("laue_soft_ioc", ("axes", 1, "device"), "j1", "use the same device 'j1'; give each its own"),
    "a duplicate PV": (
        "laue_soft_ioc",
        ("devices", "j2", "address"),
        "bgym:j1",
        "devices: j2 and j1 have the same address 'bgym:j1'; correct one",
    ),
    "a duplicate PV by a record's field": (
        "laue_soft_ioc",
        ("devices", "j2", "address"),
        "bgym:j1.VAL",
        "devices: j2 and j1 have the same address 'bgym:j1'; correct one",
    ),
    "a shutter that is a motor": (
        "laue_soft_ioc",
        ("devices", "shutter", "address"),
        "bgym:j4",
        "devices: shutter and the axis j4 have the same address 'bgym:j4'; correct one",
    ),
    "a shutter whose command is a motor's": (
        "laue_soft_ioc",
        ("devices", "shutter"),
        {"adapter": "epics", "address": "bgym:", "options": {"open": "j4.VAL", "status": "shutter:Status"}},
        "devices: shutter and the axis j4 have the same address 'bgym:j4'; correct one",
    ),
    "a shutter that uses a motor's entry": ("laue_soft_ioc", ("shutter", "device"), "j4", "use the same device 'j4'"),
    "an unknown device": ("laue_soft_ioc", ("axes", 1, "device"), "j22", "'j22', which is not under devices"),
    "a missing PV": ("laue_soft_ioc", ("devices", "j2", "address"), "", "j2: its address is empty; give the PV"),
    "a PV with blanks": ("laue_soft_ioc", ("devices", "j2", "address"), "bgym:j2 ", "printable text without blanks"),
    "an address YAML reads as a number": ("laue_soft_ioc", ("devices", "j2", "address"), 750, "put it in quotes"),
    "an unknown adapter": (
        "laue_soft_ioc",
        ("devices", "j2", "adapter"),
        "epix",
        "adapter: found 'epix'; give 'epics'",
    ),
    "an unused device": (
        "laue_soft_ioc",
        ("devices", "spare"),
        {"adapter": "epics", "address": "bgym:spare"},
        "the device 'spare' is used by nothing",
    ),
    "a manual detector": ("laue_soft_ioc", ("devices", "camera", "adapter"), "manual", "'manual' is for axes"),
    "a dwell of another detector": ("arpes_soft_ioc", ("devices", "dwell", "address"), "cam", "give address: analyser"),
    "a manual axis without limits": (
        "laue_manual_filedrop",
        ("axes", 0, "limits"),
        ...,
        "a manual axis has no limits of its own; give limits: [low, high]",
    ),
    "a dwell without limits": (
        "arpes_soft_ioc",
        ("axes", 2, "limits"),
        ...,
        "axis 'dwell': an exposure axis has no limits of its own; give limits: [low, high]",
    ),
    "limits left open": ("laue_soft_ioc", ("axes", 0, "limits"), [], "axes[0] (j1): limits: missing; the list is too"),
    "limits with one end": ("laue_soft_ioc", ("axes", 0, "limits"), [None, 10], "limits[0]: found None, which is no"),
    "no tolerance": ("laue_soft_ioc", ("axes", 0, "tolerance"), ..., "axes[0] (j1): tolerance: missing"),
    "a tolerance of zero": ("laue_soft_ioc", ("axes", 0, "tolerance"), 0, "it must be above 0"),
    "a tolerance below the step": ("arpes_soft_ioc", ("axes", 0, "tolerance"), 0.0001, "could never arrive"),
    "no vector": ("laue_soft_ioc", ("axes", 0, "vector"), [0, 0, 0], "axis 'j1': vector is zero"),
    "a sign of two": ("laue_soft_ioc", ("axes", 0, "sign"), 2, "sign: found 2; give 1 or -1"),
    "no axes": ("laue_soft_ioc", ("axes",), [], "axes: empty or too short"),
    "axes as a mapping": ("laue_soft_ioc", ("axes",), {"j1": 1}, "axes: found {'j1': 1}; give a list"),
    "a detector that is half described": ("laue_soft_ioc", ("detector", "fast"), ..., "detector: fast missing"),
    "a detector out of square": ("laue_soft_ioc", ("detector", "fast"), [0, 1, 1], "detector: fast and slow must be"),
    "a detector through the sample": (
        "laue_soft_ioc",
        ("detector", "origin_mm"),
        [0, 1, 1],
        "passes through the sample",
    ),
    "a detector without pixels": ("laue_soft_ioc", ("detector", "shape"), [512, 0], "shape[1]: found 0"),
    "half a pixel": ("laue_soft_ioc", ("detector", "shape"), [512, 1.5], "give a whole number"),
    "exposures that are swapped": ("laue_soft_ioc", ("detector", "exposure_s"), [60, 1], "swap them"),
    "an exposure of nothing": ("laue_soft_ioc", ("detector", "exposure_s"), [0, 1], "must be above 0 s"),
    "an exposure the detector cannot make": (
        "laue_soft_ioc",
        ("laue", "exposure_s"),
        100,
        "the detector's 0.1 to 60 s",
    ),
    "a dose below an exposure": ("laue_soft_ioc", ("dose", "budget_s"), 1, "less than one exposure"),
    "a dwell the detector cannot make": ("arpes_soft_ioc", ("axes", 2, "limits"), [0.01, 5], "from 0.05 to 5 s; bring"),
    "a share above one": ("laue_soft_ioc", ("detector", "max_saturated"), 5, "it must be 1 or less"),
    "an envelope of an unknown axis": (
        "laue_soft_ioc",
        ("envelopes", 0, "forbidden"),
        {"chi": [1, 2]},
        "envelope 'folded' names the axis 'chi', which the file does not have; there is j1",
    ),
    "an envelope of an exposure-time axis": (
        "arpes_soft_ioc",
        ("envelopes",),
        [{"name": "cryostat", "forbidden": {"x": [0.5, 1.0], "dwell": [1.0, 5.0]}}],
        "envelope 'cryostat' names 'dwell', an exposure-time axis, which is nowhere in space",
    ),
    "a swapped envelope": ("laue_soft_ioc", ("envelopes", 0, "forbidden"), {"j2": [2, 1]}, "j2 must go from low to"),
    "an empty envelope": ("laue_soft_ioc", ("envelopes", 0, "forbidden"), {}, "forbidden: empty or too short"),
    "a question about an unknown axis": ("laue_soft_ioc", ("confirm", "larger_than"), {"j9": 1}, "the axis 'j9'"),
    "a suspender without bounds": ("laue_soft_ioc", ("suspenders", 0, "low"), ..., "has neither low nor high"),
    "a suspender with swapped bounds": ("laue_soft_ioc", ("suspenders", 0, "high"), 1.0, "is not below high 1; swap"),
    "a suspender without heartbeat": (
        "laue_soft_ioc",
        ("suspenders", 0, "heartbeat"),
        ...,
        "suspender 'beam' does not say which heartbeat vouches for its server, whose last value stands when it hangs; "
        "give heartbeat: one of server, or heartbeat: none",
    ),
    "a heartbeat named none": ("laue_soft_ioc", ("heartbeats", 0, "name"), "none", "says that there is none; rename"),
    "a tolerance that any move keeps": (
        "laue_soft_ioc",
        ("axes", 0, "tolerance"),
        1e9,
        "axis 'j1': tolerance 1e+09 deg is not below max_step 180, so that one that stands still would have",
    ),
    "a tolerance as wide as the travel": (
        "arpes_soft_ioc",
        ("axes", 0),
        {**_content("arpes_soft_ioc")["axes"][0], "tolerance": 2.0, "max_step": 3.0},
        "axis 'x': tolerance 2 mm is not below its travel 2",
    ),
    "an unknown heartbeat": ("laue_soft_ioc", ("suspenders", 0, "heartbeat"), "servr", "did you mean 'server'?"),
    "a simulation without identity": ("laue_soft_ioc", ("identity",), ..., "no identity says so at run time"),
    "a simulation with a real motor": (
        "laue_soft_ioc",
        ("devices", "j3", "address"),
        "XF:LAUE{Gon}Mtr",
        "axis 'j3' is at 'XF:LAUE{Gon}Mtr', outside 'bgym:', where the identity is: it may be real",
    ),
    "a simulation with a real camera": (
        "arpes_soft_ioc",
        ("devices", "analyser", "address"),
        "XF:DET:",
        "the detector is at 'XF:DET:', outside 'bgym:'",
    ),
    "a simulation with a real shutter": (
        "laue_soft_ioc",
        ("devices", "shutter", "address"),
        "FE:shutter:",
        "the shutter is at 'FE:shutter:', outside 'bgym:'",
    ),
    "a simulation with another adapter": (
        "laue_soft_ioc",
        ("devices", "j1"),
        {"adapter": "tango", "address": "bgym:j1"},
        "axis 'j1' has the adapter 'tango', which may move something real",
    ),
    "an identity that any server could serve": (
        "laue_soft_ioc",
        ("devices", "identity", "address"),
        "bgym:beam:Current",
        "its identity is epics 'bgym:beam:Current'; give that of `beamgym ioc`",
    ),
    "an identity without a prefix": ("laue_soft_ioc", ("devices", "identity", "address"), "identity", "PREFIXidentity"),
    "an identity that Python hands over": (
        "laue_soft_ioc",
        ("devices", "identity"),
        {"adapter": "object", "address": "bgym:identity"},
        "its identity is object 'bgym:identity'",
    ),
    "the other kind's experiment": ("laue_soft_ioc", ("arpes",), {}, "there is a part 'arpes:'; remove it"),
    "no experiment": ("laue_soft_ioc", ("laue",), ..., "a laue instrument needs a part 'laue:'"),
    "an unknown kind": (
        "laue_soft_ioc",
        ("kind",),
        "xrd",
        "kind: found 'xrd'; give 'laue', 'arpes', 'mosaic', 'diffractometer' or 'arpes_align'",
    ),
    "ARPES axes in another order": ("arpes_soft_ioc", ("axes", 0, "name"), "z", "found z in mm, y in mm, dwell in s"),
    "a spectrum without scales": (
        "arpes_soft_ioc",
        ("detector", "slit_deg"),
        ...,
        "energy_ev and slit_deg are missing",
    ),
    "a wrist that no axis goes through": ("laue_soft_ioc", ("goniometer", "wrist_mm"), [0, 0, 1], "wrist point"),
    "a name of two words": ("laue_soft_ioc", ("name",), "my instrument", "a name starts with a letter"),
    "a dead-man that never strikes": ("laue_soft_ioc", ("operator", "deadman_s"), float("inf"), "not finite"),
    "an entry that is no mapping": (
        "laue_soft_ioc",
        ("devices", "j1"),
        "bgym:j1",
        "devices: j1: found 'bgym:j1'; give",
    ),
    "options in depth": ("laue_soft_ioc", ("devices", "j1", "options"), {"a": {"b": 1}}, "devices: j1: options: a: "),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_with_its_place_and_remedy(mistake):
    name, path, value, expected = MISTAKES[mistake]
    assert expected in _refusal(_changed(name, path, value))


TEXTS = {
    "nothing": ("", "holds nothing; give keys and values"),
    "a list": ("- a\n- b\n", "holds a list; give keys and values"),
    "a word": ("laue", "holds a str; give keys and values"),
    "a tab": ("name: a\ndevices:\n\tj1: 1\n", "line 3, column 1: a tab; indent with spaces"),
    "a key given twice": ("name: a\nkind: laue\nname: b\n", "line 3: 'name' is given twice, first in line 1"),
    "a key given twice in depth": ("a:\n  - {b: 1, b: 2}\n", "line 2: 'b' is given twice"),
    "an unclosed bracket": ("name: [a\nkind: laue\n", "is not YAML: line 2"),
    "two documents": ("name: a\n---\nname: b\n", "is not YAML"),
    "an alias": ("name: &n a\nother: *n\n", "line 2: aliases such as *n are not read"),
    "a tag that would run code": ("name: !!python/object/apply:os.system ['true']\n", "tags are not read"),
    "a key that is a list": ("? [a, b]\n: c\n", "a key that is no word"),
    "depth": ("a: " + "[" * 5000 + "]" * 5000, "nested more than 20 deep"),
}


@pytest.mark.parametrize("case", TEXTS)
def test_a_text_that_is_no_instrument_is_one_line(tmp_path, case):
    text, expected = TEXTS[case]
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError) as caught:
        load_instrument(path)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "mine.yaml" in str(caught.value)


def test_a_file_that_cannot_be_read_is_one_line(tmp_path):
    with pytest.raises(ValueError, match=r"cannot read the instrument file .*No such file"):
        load_instrument(tmp_path / "absent.yaml")
    with pytest.raises(ValueError, match="cannot read the instrument file"):
        load_instrument(tmp_path)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="not UTF-8"):
        load_instrument(binary)
    huge = tmp_path / "huge.yaml"
    huge.write_bytes(b"#" * 200_001)
    with pytest.raises(ValueError, match="200001 bytes"):
        load_instrument(huge)


def test_the_digest_ignores_comments_and_order_and_sees_every_value(tmp_path):
    content = _content("laue_soft_ioc")
    file = load_instrument(shipped_instrument("laue_soft_ioc"))
    assert parse_instrument(dict(reversed(content.items()))).digest() == file.digest()
    for path, value in (
        (("axes", 3, "sign"), -1),
        (("detector", "flip_fast"), True),
        (("axes", 0, "limits"), [-90.0, 89.9]),
        (("simulation",), False),
        (("devices", "j1", "address"), "bgym:j1b"),
    ):
        assert parse_instrument(_changed("laue_soft_ioc", path, value)).digest() != file.digest()


def test_a_loaded_file_cannot_be_changed():
    file = load_instrument(shipped_instrument("laue_soft_ioc"))
    with pytest.raises(ValueError, match="frozen"):
        file.axes[0].limits = (-1000.0, 1000.0)


def test_limits_are_the_tighter_of_the_file_and_the_motor():
    assert tighter_limits("a", (-10.0, 20.0), (-5.0, 30.0)) == (-5.0, 20.0)
    assert tighter_limits("a", None, (-5.0, 30.0)) == (-5.0, 30.0)
    assert tighter_limits("a", (-10.0, 20.0), None) == (-10.0, 20.0)
    with pytest.raises(ValueError, match="has no limits, neither here nor in its motor"):
        tighter_limits("a", None, None)
    with pytest.raises(ValueError, match="exclude each other"):
        tighter_limits("a", (0.0, 1.0), (2.0, 3.0))


def test_an_axis_without_limits_takes_the_motors_own():
    file = parse_instrument(_changed("laue_soft_ioc", ("axes", 0, "limits"), ...))
    with pytest.raises(ValueError, match="axis 'j1' has no limits"):
        file.physics_axes()
    assert file.physics_axes({"j1": (-1.0, 2.0)})[0].limits == (-1.0, 2.0)


def test_an_unknown_axis_is_named_with_those_there_are():
    file = load_instrument(shipped_instrument("arpes_soft_ioc"))
    assert file.axis("dwell").unit == "s"
    with pytest.raises(ValueError, match="no axis 'z'; its axes are x, y, dwell"):
        file.axis("z")


def test_an_image_is_transposed_then_its_columns_then_its_rows_flipped():
    raw = np.arange(6).reshape(2, 3)
    entry = {"device": "cam", "shape": [3, 2], "exposure_s": [1, 2], "saturation": 9, "transpose": True}
    turned = DetectorEntry.model_validate({**entry, "flip_fast": True})
    assert turned.raw_shape == (2, 3)
    assert turned.oriented(raw).tolist() == [[3, 0], [4, 1], [5, 2]]
    both = DetectorEntry.model_validate({**entry, "flip_fast": True, "flip_slow": True})
    assert both.oriented(raw[None])[0].tolist() == [[5, 2], [4, 1], [3, 0]]
    with pytest.raises(ValueError, match=r"shape \(3, 2\), the instrument file expects \(2, 3\)"):
        turned.oriented(raw.T)


def test_directions_of_any_length_become_unit_vectors():
    file = parse_instrument(_changed("arpes_soft_ioc", ("axes", 0, "vector"), [3, 0, 4]))
    assert file.physics_axes()[0].vector == pytest.approx((0.6, 0.0, 0.8), abs=1e-15)


def test_a_tolerance_is_held_against_the_travel_that_the_motor_leaves():
    file = load_instrument(shipped_instrument("arpes_soft_ioc"))
    with pytest.raises(ValueError, match=r"axis 'x': tolerance 0\.005 mm is not below its travel 0\.004"):
        file.physics_axes({"x": (0.0, 0.004)})


def test_a_suspender_whose_server_has_no_heartbeat_says_so_and_it_is_named_as_a_gap():
    file = parse_instrument(_changed("laue_soft_ioc", ("suspenders", 0, "heartbeat"), "none"))
    assert "heartbeat of suspender beam" in [lack.missing for lack in find_missing_protection(file)]


GAPS = {
    "shutter": ["shutter"],
    "dose": ["dose"],
    "envelopes": ["envelope"],
    "suspenders": ["suspender"],
    "heartbeats": ["heartbeat"],
}


@pytest.mark.parametrize("part", GAPS)
def test_what_a_file_leaves_out_is_named_as_not_guarded(part):
    whole = load_instrument(shipped_instrument("laue_epics"))
    less = whole.model_copy(update={part: None if part in ("shutter", "dose") else ()})
    assert [
        lack.missing for lack in find_missing_protection(less) if lack not in find_missing_protection(whole)
    ] == GAPS[part]
    assert "max_speed of lower_arc, upper_arc" in [lack.missing for lack in find_missing_protection(whole)]


LARGE = {
    "dose": (("dose", "budget_s"), 1e5),
    "dead-man": (("operator", "deadman_s"), 8e4),
    "heartbeat server": (("heartbeats", 0, "period_s"), 3600.0),
    "waits of j1": (("axes", 0, "stall_s"), 8e4),
    "suspensions": (("suspensions",), {"per_minute": 1000}),
    "saturation": (("detector", "max_saturated"), 1.0),
    "envelope folded": (("envelopes", 0, "forbidden", "j2"), [75.0, 80.0]),
    "overrun of j1": (("axes", 0, "overrun"), 180.0),
    "shutter's status": (("devices", "shutter", "options"), {"status": "Open"}),
}


@pytest.mark.parametrize("gap", LARGE)
def test_a_number_that_switches_a_protection_off_is_named_as_not_guarded(gap):
    whole = load_instrument(shipped_instrument("laue_soft_ioc"))
    less = parse_instrument(_changed("laue_soft_ioc", *LARGE[gap]))
    usual = find_missing_protection(whole)
    assert [lack.missing for lack in find_missing_protection(less) if lack not in usual] == [gap]


def test_every_fault_of_the_surroundings_is_one_that_the_shipped_files_suspender_sees():
    around = pytest.importorskip("beamgym.hardware_bridge.practice.utilities", reason="needs the extra 'ioc'")
    readings = {"beam": (around.BEAM_MA, 0.0), "vacuum": (around.VACUUM_MBAR, around.BAD_VACUUM_MBAR)}
    for name in ("laue_soft_ioc", "arpes_soft_ioc"):
        entries = load_instrument(shipped_instrument(name)).suspenders
        assert [entry.name for entry in entries] == list(readings)
        for entry in entries:
            well, fault = (suspender(entry.name, value, entry.low, entry.high) for value in readings[entry.name])
            assert (well.allowed, fault.allowed) == (True, False), f"{entry.name} of {name}"
