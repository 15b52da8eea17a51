"""`beamgym deploy` before anything connects: mistakes are one line, and no code of a bundle or of torch is run."""

import json
import shutil
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from beamgym.agents.policies.find import zoo
from beamgym.hardware_bridge.instrument_file.load import load_instrument, shipped_instrument
from beamgym.scripts import main
from beamgym.scripts.deploying import modes
from beamgym.scripts.deploying.policy import read_policy

pytest.importorskip("bluesky", reason="deploying needs the extra 'hardware'")

SOFT = "laue_soft_ioc"
BUNDLE = "laue-align-si"


def deploy(*words):
    return CliRunner().invoke(main.app, ["deploy", *(str(word) for word in words)])


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def hardware(here):
    """The practice instrument's file, as if it were real hardware."""
    text = shipped_instrument(SOFT).read_text(encoding="utf-8")
    path = here / "hardware.yaml"
    path.write_text(text.replace("simulation: true", "simulation: false"), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "name an instrument"),
        ((BUNDLE,), "name an instrument"),
        (("-i", "nobody"), "no instrument file 'nobody' is shipped"),
        ((BUNDLE, "-i", "nowhere.yaml"), "there is no instrument file nowhere.yaml"),
        ((BUNDLE, "-i", "nobody"), "no instrument file 'nobody' is shipped"),
        ((BUNDLE, "-i", SOFT, "--check", "--signs"), "--check and --signs were asked for at once"),
        ((BUNDLE, "-i", SOFT, "--confirm", "sometimes"), "--confirm is 'sometimes'"),
        ((BUNDLE, "-i", SOFT, "--json", "/nowhere/x.json"), "directory that exists"),
        ((BUNDLE, "-i", SOFT, "--token", "nowhere"), "no file nowhere"),
        (("no-such-policy", "-i", SOFT), "unknown policy 'no-such-policy'"),
        (("true-pose", "-i", SOFT), "needs the truth"),
        ((BUNDLE, "-i", "arpes_soft_ioc"), "was made for beamgym/LaueAlign-v0, not for beamgym/ArpesSpot-v0"),
        ((BUNDLE, "-i", "laue_manual_filedrop"), "not for instrument"),
        (("--verify", "nowhere.jsonl"), "cannot read"),
        (("--record", "record.jsonl"), "name the log too: --verify"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(here, words, says):
    result = deploy(*words)
    assert result.exit_code == 1
    (line,) = [line for line in result.output.splitlines() if line.strip()]
    assert line.startswith("error: ")
    assert says in line
    assert not list(here.iterdir())


@pytest.mark.parametrize("option", [("--yes",), ("--practice", "3")])
def test_what_is_for_simulations_is_refused_on_hardware(hardware, option):
    result = deploy(BUNDLE, "-i", hardware, *option)
    assert result.exit_code == 1
    assert "real hardware" in result.output


@pytest.mark.parametrize("policy", ["random", "no-op"])
def test_a_policy_that_does_not_look_where_it_goes_gets_no_hardware(hardware, policy):
    result = deploy(policy, "-i", hardware)
    assert result.exit_code == 1
    assert f"{policy} does not look where it goes" in result.output
    assert read_policy(policy, load_instrument(shipped_instrument(SOFT))).policy.name == policy


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("crystal: Si", "crystal: Unobtainium", "laue: crystal: "),
        ("target: pose [001] [110]", "target: pose [001]", "laue: target: "),
        ('"bgym:j1", options: {reply_s: 10.0}', '"bgym:j1", options: {replys: 10.0}', "'j1': no option 'replys'"),
        (
            '"bgym:identity", options: {reply_s: 10.0}',
            '"bgym:identity", options: {reply_s: soon}',
            "'reply_s' is 'soon'",
        ),
    ],
)
def test_what_a_file_names_and_nobody_knows_is_refused_before_a_folder_is_made(here, before, after, says):
    text = shipped_instrument(SOFT).read_text(encoding="utf-8")
    assert before in text
    (here / "mine.yaml").write_text(text.replace(before, after), encoding="utf-8")
    result = deploy("index-and-move", "-i", here / "mine.yaml")
    assert result.exit_code == 1
    (line,) = [line for line in result.output.splitlines() if line.strip()]
    assert says in line
    assert [path.name for path in here.iterdir()] == ["mine.yaml"]


def test_hardware_without_its_sign_test_is_refused_before_anything_connects(hardware):
    result = deploy(BUNDLE, "-i", hardware)
    assert result.exit_code == 1
    assert "no direction check was made with" in result.output
    assert [path.name for path in hardware.parent.iterdir()] == ["hardware.yaml"]


@pytest.mark.parametrize("name", ["model.zip", "policy.pth", "policy.onnx"])
def test_a_file_that_only_its_own_code_could_read_is_no_policy(here, name):
    (here / name).write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")
    result = deploy(here / name, "-i", SOFT)
    assert result.exit_code == 1
    assert "only bundles are deployed" in result.output
    assert not (here / "pwned").exists()


def test_a_bundle_with_a_changed_byte_is_refused(here):
    shutil.copytree(zoo()[BUNDLE], here / "changed")
    graph = here / "changed" / "policy.onnx"
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)
    result = deploy(here / "changed", "-i", SOFT)
    assert result.exit_code == 1
    assert "policy.onnx was changed" in result.output


@pytest.mark.parametrize("env_id", ["beamgym/LaueAlign-v7", "beamgym/LaueZone-v0"])
def test_a_bundle_of_another_environment_is_refused_though_its_spaces_are_equal(here, env_id):
    other = shutil.copytree(zoo()[BUNDLE], here / "other")
    manifest = json.loads((other / "manifest.json").read_text(encoding="utf-8"))
    (other / "manifest.json").write_text(json.dumps(manifest | {"env_id": env_id}), encoding="utf-8")
    result = deploy(other, "-i", SOFT)
    assert result.exit_code == 1
    (line,) = [line for line in result.output.splitlines() if line.strip()]
    assert f"bundle other was made for {env_id}, not for beamgym/LaueAlign-v0; give a bundle of" in line


def test_a_bundle_for_another_crystal_is_refused_in_one_line(here):
    text = shipped_instrument(SOFT).read_text(encoding="utf-8")
    (here / "germanium.yaml").write_text(text.replace("crystal: Si", "crystal: Ge"), encoding="utf-8")
    result = deploy(BUNDLE, "-i", here / "germanium.yaml")
    assert result.exit_code == 1
    assert "train on this crystal" in result.output


@pytest.mark.parametrize(("instrument", "policy"), [(SOFT, "calibrating"), ("arpes_soft_ioc", "shipped")])
def test_without_a_name_the_best_measured_policy_is_taken_and_said(here, monkeypatch, instrument, policy):
    taken = []
    monkeypatch.setattr(
        "beamgym.scripts.deploying.page.read_policy", lambda name, file: taken.append(name) or read_policy(name, file)
    )
    monkeypatch.setitem(modes.MODES, "run", lambda deployment, terminal: {})
    result = deploy("-i", instrument, "--yes")
    assert result.exit_code == 0, result.output
    assert taken == [policy]
    assert f"policy: {policy}, " in result.output


def test_a_yes_to_a_procedure_is_bound_to_its_version_and_its_text():
    file = load_instrument(shipped_instrument(SOFT))
    procedure, bundle = read_policy("index-and-move", file), read_policy(BUNDLE, file)
    assert any(name.startswith("beamgym ") for name in procedure.files)
    assert "beamgym.agents.baselines.align.index_and_move" in procedure.files
    assert set(bundle.files) == {"policy.onnx", "reference.npz", "CARD.md", "manifest.json"}
    assert procedure.digest != bundle.digest
    assert read_policy("index-and-move", file).digest == procedure.digest


def test_deploying_imports_neither_torch_nor_sb3():
    code = (
        "import sys, json\n"
        "import beamgym.scripts.deploy, beamgym.scripts.deploying.modes\n"
        "from beamgym.hardware_bridge.instrument_file.load import load_instrument, shipped_instrument\n"
        "from beamgym.scripts.deploying.policy import read_policy\n"
        f"file = load_instrument(shipped_instrument({SOFT!r}))\n"
        f"names = [read_policy(name, file).policy.name for name in ({BUNDLE!r}, 'index-and-move')]\n"
        "found = sorted({name.split('.')[0] for name in sys.modules} & {'torch', 'stable_baselines3', 'tensorboard'})\n"
        "print(json.dumps([names, found]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [[BUNDLE, "index-and-move"], []]
