"""`--check` before records as other people's IOCs have them: it arms, or says in one line what is wrong."""

import json

import pytest

pytest.importorskip("aioca", reason="the epics extra is not installed")

from odd_records import COLORS, GO, MODES, SEVERITIES, TYPES, camera, instrument, motor, shutter
from typer.testing import CliRunner

from beamgym.scripts import main

NAN = float("nan")

MOTORS = {
    "plain": ({}, 0, "no device contradicts the file"),
    "a coarse step": ({"MRES": 0.1}, 1, "the motor's step is 0.1 (MRES)"),
    "play that the file lacks": ({"BDST": -2.0}, 0, "give backlash: 2"),
    "a direction that is none": ({"DIR": "sideways"}, 1, "DIR is 'sideways', neither Pos nor Neg; mend the record"),
    "a status that is none": ({"MSTA": NAN}, 1, "MSTA is nan, no status word; mend the record"),
    "a position in words": ({"RBV": "nowhere"}, 1, "'nowhere', no number"),
}
MORE_MOTORS = {
    "no motor record": ({"RTYP": "ao"}, 1, "a record of the type 'ao'; an axis is a motor record"),
    "a server that says little": ({"absent": ("RTYP", "NAME", "DESC", "OUT", "FLNK")}, 0, "would arm"),
    "no stop": ({"absent": ("STOP",)}, 1, "no answer from PV odd:m.STOP"),
    "no limits": ({"LLM": 0.0, "HLM": 0.0, "DLLM": 0.0, "DHLM": 0.0}, 0, "only this program holds it; set them there"),
    "turned": ({"DIR": ("Neg", ["Pos", "Neg"])}, 0, "its direction is Neg, against the dial"),
    "no unit": ({"EGU": ""}, 1, "write deg there"),
    "another unit": ({"EGU": "mm"}, 1, "EGU is 'mm', the instrument file says 'deg'; mend one"),
    "no speed": ({"VELO": 0.0}, 1, "with which it never arrives; set another one"),
    "a slow motor": ({"VELO": 0.01}, 1, "is stopped after 35 s; give speed: 0.01"),
    "a position that is none": ({"RBV": NAN}, 1, "it reads nan"),
    "limits the wrong way round": ({"LLM": 10.0, "HLM": -10.0}, 1, "exclude every position"),
    "tighter limits": ({"LLM": -1.0, "HLM": 1.0}, 0, "give limits: [-1, 1]"),
    "other limits": ({"LLM": 6.0, "HLM": 9.0}, 1, "-5 to 5 and the motor's 6 to 9 exclude each other; correct one"),
    "a wide deadband": ({"RDBD": 0.1}, 0, "content 0.1 off its target (RDBD)"),
    "play that is none": ({"BDST": NAN}, 1, "its backlash is nan (BDST); set it to a number"),
    "stopped": ({"SPMG": ("Stop", GO)}, 1, "SPMG is Stop, not Go"),
    "in alarm": ({"SEVR": ("MAJOR", SEVERITIES)}, 1, "alarm MAJOR"),
    "moving": ({"DMOV": 0}, 1, "moves though it was not sent"),
    "on its switch": ({"HLS": 1}, 1, "high limit switch"),
    "no controller": ({"MSTA": 0x1002}, 1, "no contact to the controller"),
    "an offset that is none": ({"OFF": NAN}, 1, "are not all finite"),
    "words for a flag": ({"DMOV": "done"}, 1, "DMOV is 'done', not a number"),
}
CAMERAS = {
    "another shape": ({"shape": (8, 5)}, 1, "give shape: [8, 5]"),
    "trouble": ({"cam1:DetectorState_RBV": ("Error", ["Idle", "Error"])}, 1, "is Error; clear it at its own screen"),
}
MORE_CAMERAS = {
    "a turned shape": ({"shape": (6, 8)}, 1, "or transpose: true"),
    "small counts": ({"image1:DataType_RBV": ("UInt8", TYPES)}, 1, "give saturation: 255 or less"),
    "signed counts": ({"image1:DataType_RBV": ("Int16", TYPES)}, 1, "give saturation: 32767 or less"),
    "colours": ({"image1:ColorMode_RBV": ("RGB1", COLORS)}, 1, "set ColorMode to Mono"),
    "a stream": ({"cam1:ImageMode": ("Continuous", MODES)}, 1, "set it to Single"),
    "no counter": ({"absent": ("image1:UniqueId_RBV",)}, 1, "no answer from PV odd:image1:UniqueId_RBV"),
    "a region": ({"cam1:MaxSizeX_RBV": 12}, 0, "8 × 12 pixels and gives 8 × 6"),
}


def outcomes(odd_server, folder, motors, cameras):
    """The exit code and the output of a check before each odd motor and camera, by name."""
    pvs = motor("odd:chi") | motor("odd:phi") | camera("odd:") | shutter("odd:shutter:")
    for i, (fields, *_) in enumerate(motors.values()):
        pvs |= motor(f"odd{i}:m", **fields)
    for i, (fields, *_) in enumerate(cameras.values()):
        pvs |= camera(f"odd{i}:", **fields)
    server = odd_server(pvs)
    found = {}
    for i, name in enumerate(motors):
        found[f"motor: {name}"] = check(folder, instrument((f"odd{i}:m", "odd:chi")), f"odd{i}:")
    for i, name in enumerate(cameras):
        content = instrument()
        content["devices"]["camera"]["address"] = f"odd{i}:"
        found[f"camera: {name}"] = check(folder, content, f"odd{i}:")
    assert server.written() == []
    return found


def check(folder, content, prefix):
    # JSON is YAML.
    (folder / "odd.yaml").write_text(json.dumps(content))
    words = ["deploy", "index-and-move", "-i", str(folder / "odd.yaml"), "--check", "--out", str(folder / "out")]
    result = CliRunner().invoke(main.app, words)
    return result.exit_code, result.output.replace(prefix, "odd:")


def judge(found, motors, cameras):
    for sort, cases in (("motor", motors), ("camera", cameras)):
        for name, (_, code, said) in cases.items():
            exit_code, output = found[f"{sort}: {name}"]
            assert exit_code == code, (name, output)
            assert said in output, (name, output)
            # A refusal is the last line, and one line.
            if code:
                assert "Traceback" not in output
                assert said in output.splitlines()[-1], (name, output)


def test_odd_records_arm_or_are_refused_in_one_line(odd_server, tmp_path):
    judge(outcomes(odd_server, tmp_path, MOTORS, CAMERAS), MOTORS, CAMERAS)


@pytest.mark.slow
def test_many_more_odd_records_arm_or_are_refused_in_one_line(odd_server, tmp_path):
    judge(outcomes(odd_server, tmp_path, MORE_MOTORS, MORE_CAMERAS), MORE_MOTORS, MORE_CAMERAS)
