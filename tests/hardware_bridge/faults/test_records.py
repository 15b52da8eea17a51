"""Dry run, confirmation, log, replay, identity and pickles: what is put, and what is on the disk, over Channel Access.

Items 12, 13, 14, 15, 19 and 20 of the guard. Each drive ends with the audit log held against what the instrument
received, see ``agreed_log``.
"""

import ast
import asyncio
import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("bluesky", reason="driving the practice instrument needs the extra 'hardware'")
pytest.importorskip("aioca", reason="driving the practice instrument needs the extra 'epics'")

import beamgym.hardware_bridge
from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.direction_check.check import DirectionReport
from beamgym.hardware_bridge.direction_check.motion import ImageFlags
from beamgym.hardware_bridge.direction_check.record import write_direction_record
from beamgym.hardware_bridge.guard.rules.decision import GuardRefused
from beamgym.hardware_bridge.guard.rules.replay import replay
from beamgym.hardware_bridge.guard.rules.table import decide
from beamgym.hardware_bridge.instrument_file.load import load_instrument, shipped_instrument
from beamgym.hardware_bridge.records.audit import AuditError, AuditLog
from beamgym.hardware_bridge.records.audit_check import verify_log
from beamgym.hardware_bridge.records.confirmation import Confirmation, subject


async def move_x(guard):
    await guard.axes["x"].set(0.1)


async def one_step(guard):
    await guard.axes["x"].set(0.2)
    await guard.axes["dwell"].set(0.5)
    await guard.detector.trigger()


# 12: dry run


async def everything(guard):
    """Do everything that a guard lets one do."""
    await one_step(guard)
    await guard.axes["x"].stop()
    await guard.detector.stop()
    await guard.shutter.set(0)
    assert await guard.safe_return()
    guard.abort("a test")
    assert (await guard.aborted()).complete


def test_item_12_a_dry_run_puts_nothing_at_all(bench):
    b = bench()
    b.ioc.put("shutter:Open", 1)  # even a shutter that is found open stays so
    before = b.ioc.truth()
    b.drive(everything, dry_run=True)
    after = b.ioc.truth()
    assert b.ioc.puts() == []
    assert {key: after[key] for key in ("positions", "shutter_open", "frames")} == {
        key: before[key] for key in ("positions", "shutter_open", "frames")
    }
    kinds = [line.get("event", line["kind"]) for line in b.lines()]
    assert kinds.count("dry run") >= 3
    assert "before" not in kinds


def test_item_12_the_same_without_a_dry_run_is_received(bench):
    b = bench()
    b.drive(everything)
    assert b.received("x.VAL")[0] == 0.2
    assert b.received("cam1:Acquire")[0] == 1
    assert b.received("shutter:Open")[:2] == [1, 0]


def test_item_12_a_dry_run_refuses_what_a_run_would(bench):
    b = bench()
    with pytest.raises(GuardRefused, match="its limits are -1 to 1"):
        b.drive(lambda guard: guard.axes["x"].set(3.0), dry_run=True)
    assert b.ioc.puts() == []


# 13: confirmation

PLAN = {"max_steps": 20}


class Human:
    """Answers as told, and remembers what was asked."""

    def __init__(self, answer):
        self.answer, self.questions = answer, []

    def __call__(self, question):
        self.questions.append(question)
        return self.answer


def confirmation(bench, human, store=None, policy="a" * 64, plan=PLAN, motor_limits=None):
    return Confirmation(subject(policy, plan, bench.file, motor_limits), "first", bench.file, store, human)


def test_item_13_a_first_run_that_nobody_confirms_moves_nothing(bench, tmp_path):
    b, human = bench(), Human("no")
    asked = confirmation(b, human, tmp_path / "given.json")
    with pytest.raises(GuardRefused, match="nobody confirmed") as refused:
        b.drive(move_x, confirm=asked)
    assert refused.value.item == 13
    assert asked.bound.digest()[:12] in human.questions[0]
    assert b.ioc.puts() == []
    assert not (tmp_path / "given.json").exists()
    b = bench(without=(13,))
    b.drive(move_x, confirm=confirmation(b, human))
    assert b.received("x.VAL") == [0.1]


NARROW, WIDE = {"x": (-0.5, 0.5)}, {"x": (-0.9, 0.9)}


@pytest.mark.parametrize(
    ("now", "asked"),
    [
        ({}, ""),
        ({"policy": "b" * 64}, "the policy is another one"),
        ({"plan": {"max_steps": 21}}, "the plan is another one"),
        ({"motor_limits": WIDE}, "the limits of x are wider"),
    ],
)
def test_item_13_a_yes_holds_for_this_policy_plan_and_limits_and_for_no_other(bench, tmp_path, now, asked):
    store, human = tmp_path / "given.json", Human("no")
    b = bench()
    given = confirmation(b, Human("yes"), store, motor_limits=NARROW)
    assert asyncio.run(given.start())[1]
    again = confirmation(b, human, store, **{"motor_limits": NARROW, **now})
    if not asked:
        b.drive(move_x, confirm=again)
        assert human.questions == []
        assert b.received("x.VAL") == [0.1]
        return
    with pytest.raises(GuardRefused, match=asked) as refused:
        b.drive(move_x, confirm=again)
    assert refused.value.item == 13
    assert again.bound.digest()[:12] in human.questions[0]
    assert b.ioc.puts() == []


def test_item_13_an_answer_that_was_changed_on_the_disk_is_none(bench, tmp_path):
    store, b = tmp_path / "given.json", bench()
    asyncio.run(confirmation(b, Human("yes"), store, motor_limits=NARROW).start())
    store.write_text(store.read_text().replace("-0.5", "-0.9"))
    with pytest.raises(ValueError, match="does not match its own hash"):
        confirmation(b, Human("no"), store, motor_limits=WIDE)


def ask_often(content):
    content["confirm"] = {"every_n_steps": 2, "larger_than": {"x": 0.3}}


async def long_move(guard):
    await guard.axes["x"].set(0.2)
    await guard.axes["x"].set(0.9)


async def three_steps(guard):
    for place in (0.1, 0.2, 0.3):
        await guard.axes["x"].set(place)
        await guard.detector.trigger()


@pytest.mark.parametrize(
    ("work", "received", "all_of_it"),
    [(long_move, [0.2], [0.2, 0.9]), (three_steps, [0.1, 0.2], [0.1, 0.2, 0.3])],
)
def test_item_13_long_moves_and_every_second_step_are_asked_for(bench, work, received, all_of_it):
    for without, expected in (((), received), ((13,), all_of_it)):
        b, human = bench(change=ask_often, without=without), Human("yes")
        asked = confirmation(b, human)

        async def go(guard, human=human):
            human.answer = "no"
            await work(guard)

        if without:
            b.drive(go, confirm=asked)
        else:
            with pytest.raises(GuardRefused, match="nobody confirmed: step"):
                b.drive(go, confirm=asked)
        assert b.received("x.VAL") == expected


# 14: the log


@pytest.fixture
def real_log(bench):
    """A log of one real step over Channel Access, closed."""
    b = bench()
    b.drive(one_step)
    return b


def test_item_14_every_command_has_its_line_and_nothing_can_be_changed(real_log, tmp_path):
    raw, head = real_log.log.read_bytes(), verify_log(real_log.log).head
    lines = raw.splitlines(keepends=True)
    middle = next(n for n, line in enumerate(lines) if b'"command":"set"' in line and b'"kind":"before"' in line)
    changed = lines[middle].replace(b'"value":0.2', b'"value":0.3')
    assert changed != lines[middle]
    forgeries = {
        "changed": (*lines[:middle], changed, *lines[middle + 1 :]),
        "taken out": (*lines[:middle], *lines[middle + 1 :]),
        "moved": (*lines[:middle], lines[middle + 1], lines[middle], *lines[middle + 2 :]),
        "put in twice": (*lines[: middle + 1], lines[middle], *lines[middle + 1 :]),
        "cut off the end": tuple(lines[:-2]),
    }
    assert verify_log(real_log.log, head).ok
    for how, forged in forgeries.items():
        path = tmp_path / "forged.jsonl"
        path.write_bytes(b"".join(forged))
        report = verify_log(path, head)
        assert report.problem, how
        assert report.line in (middle + 1, middle + 2, len(lines) - 1), how
        if how != "cut off the end":  # only the noted head can tell that
            with pytest.raises(ValueError, match="keep it as it is and start a new log"):
                AuditLog(path)
        assert path.read_bytes() == b"".join(forged)


def test_item_14_a_second_session_only_appends(real_log):
    raw = real_log.log.read_bytes()
    real_log.drive(move_x)
    longer = real_log.log.read_bytes()
    assert longer.startswith(raw)
    assert len(longer) > len(raw)
    assert verify_log(real_log.log).sessions == 2


def test_item_14_nothing_moves_that_the_log_cannot_hold(bench, monkeypatch):
    b = bench()

    async def go(guard):
        def full(content):
            raise guard.audit._failed(OSError(errno.ENOSPC, "No space left on device"))

        with monkeypatch.context() as patch:
            patch.setattr(guard.audit, "_append", full)
            with pytest.raises(AuditError, match="No space left on device; nothing moves"):
                await guard.axes["x"].set(0.1)
            await guard.aborted()
        guard.audit._broken = ""  # so that the log can be closed

    b.drive(go)
    assert b.ioc.puts() == []


CRASH = """
import asyncio, sys
from beamgym.hardware_bridge.records.audit import AuditLog
from beamgym.hardware_bridge.adapters.connect import connect
from beamgym.hardware_bridge.guard.guard import Guard
from beamgym.hardware_bridge.guard.life import DeadMan
from beamgym.hardware_bridge.instrument_file.load import load_instrument, shipped_instrument

async def main():
    file = load_instrument(shipped_instrument("arpes_soft_ioc"))
    given = {"confirm": lambda question: True, "deadman": DeadMan(), "answer_s": 10.0}
    guard = Guard(file, connect(file), AuditLog(sys.argv[1]), **given)
    await guard.arm()
    await guard.axes["x"].set(0.8)

asyncio.run(main())
"""


@pytest.mark.slow
def test_item_14_a_process_that_is_killed_leaves_a_log_that_says_unknown(arpes_ioc, agreed_log, tmp_path):
    arpes_ioc.put("x.VELO", 0.0005)
    log = tmp_path / "audit.jsonl"
    process = subprocess.Popen([sys.executable, "-c", CRASH, str(log)], env={**os.environ, **arpes_ioc.environment})
    try:
        while not arpes_ioc.truth()["moving"]:
            assert process.poll() is None
    finally:
        process.kill()
        process.wait()
    assert len(verify_log(log).pending) == 1
    AuditLog(log).close()
    report = agreed_log(log, arpes_ioc).log
    assert len(report.unknown) == 1
    assert report.sessions == 2


# 15: replay


def test_item_15_the_log_of_a_real_run_decides_the_same_again_and_shows_a_changed_rule(bench):
    b = bench()

    async def go(guard):
        await one_step(guard)
        with pytest.raises(GuardRefused):
            await guard.axes["y"].set(2.0)

    b.drive(go)
    report = replay(b.log)
    assert report.same
    found = {d["rule"] for line in b.lines() for d in line.get("data", {}).get("decisions", ())}
    assert {"limits", "step", "envelope", "arrival", "armed", "deadman", "suspender", "dose", "fresh"} <= found

    def stricter(rule, inputs):
        return decide(rule, {**inputs, "tolerance": -1.0} if rule == "arrival" else inputs)

    def laxer(rule, inputs):
        return decide(rule, {**inputs, "file_limits": [-9, 9], "motor_limits": None} if rule == "limits" else inputs)

    (lax,) = replay(b.log, laxer).differences
    assert lax.rule == "limits"
    assert "said no (item 1), says yes" in str(lax)
    strict = replay(b.log, stricter).differences
    assert {difference.rule for difference in strict} == {"arrival"}
    assert len(strict) == 2  # x and the dwell


# 19: identity


def as_hardware(content):
    content["simulation"] = False


def as_hardware_that_names_no_identity(content):
    content["simulation"] = False
    del content["identity"], content["devices"]["identity"]


def another_server(content):
    content["identity"]["expected"] = "beamgym-simulation-2"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (as_hardware, "the server calls itself 'beamgym-simulation', the file says hardware"),
        (another_server, "this may be real hardware"),
        (as_hardware_that_names_no_identity, "the server calls itself 'beamgym-simulation', the file says hardware"),
    ],
)
def test_item_19_a_simulation_is_no_hardware_and_hardware_no_simulation(bench, change, words):
    b = bench(change=change)
    with pytest.raises(GuardRefused, match=words) as refused:
        b.drive(move_x)
    assert refused.value.item == 19
    assert b.ioc.puts() == []
    # Item 4 finds it out later: as hardware these motors are fifty times faster than they say.
    b = bench(change=change, without=(4, 19))
    b.drive(move_x)
    assert b.received("x.VAL") == [0.1]


def test_item_19_where_nobody_answers_nothing_is_simulated_instead(bench):
    def nowhere(content):
        for device in content["devices"].values():
            device["address"] = device["address"].replace("bgym:", "nobody:")

    b = bench(change=nowhere)
    with pytest.raises(DeviceError, match="no answer from PV"):
        b.drive(move_x)
    assert b.guard.state == "closed"
    assert b.ioc.puts() == []


# 20: pickles

WATCHED = """
import json, pickle, sys

called = []

def who():
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_code.co_filename.endswith(("<string>", "pickle.py")):
        frame = frame.f_back
    return frame.f_code.co_filename

def hook(event, args):
    if event == "pickle.find_class":
        called.append(who())

def watched(work):
    def call(*args, **named):
        called.append(who())
        return work(*args, **named)
    return call

sys.addaudithook(hook)
pickle.load, pickle.loads = watched(pickle.load), watched(pickle.loads)
pickle.loads(pickle.dumps(len))
alive, called[:] = len(called), []

from beamgym.scripts.main import app

ends = []
for words in json.loads(sys.argv[1]):
    try:
        app(words, standalone_mode=False)
        ends.append(0)
    except SystemExit as end:
        ends.append(end.code)
    except Exception as error:
        ends.append(str(error))
    print("MARK", flush=True)
files = [m.__file__ for n, m in list(sys.modules.items()) if n.startswith("beamgym.") and getattr(m, "__file__", None)]
print(json.dumps({"alive": alive, "called": called, "ends": ends, "files": files}))
"""


PAYLOAD = b"cos\nsystem\n(S'touch pwned'\ntR."
"""A pickle; whoever opens it leaves the file `pwned` behind."""


@pytest.fixture
def here(tmp_path):
    """A folder with an instrument file that passed its direction check, and pickles that nobody should open."""
    path = tmp_path / "soft.yaml"
    shutil.copyfile(shipped_instrument("laue_soft_ioc"), path)
    file = load_instrument(path)
    report = DirectionReport({axis.name: "right" for axis in file.axes}, ImageFlags(), (), True, ("as the file says",))
    write_direction_record(path, file, report)
    for name in ("policy.pkl", "vecnormalize.pkl", "soft.yaml.pkl", "soft.yaml.signs.pkl", "model.zip"):
        (tmp_path / name).write_bytes(PAYLOAD)
    return tmp_path


def opens_pickles(path):
    """Return what a module imports or calls that could unpickle."""
    found = []
    for node in ast.walk(ast.parse(Path(path).read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found += [n for n in names if n.split(".")[0] in ("pickle", "dill", "cloudpickle", "joblib", "shelve", "torch")]
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            found += [] if getattr(node.value, "value", None) is False else ["allow_pickle"]
    return found


DEPLOYING = (
    "hardware_bridge/**/*.py",
    "scripts/deploy*/*.py",
    "scripts/deploy.py",
    "envs/bundles/*.py",
    "agents/policies/*.py",
)


def test_item_20_no_module_on_the_way_of_a_deployment_can_unpickle():
    root = Path(beamgym.hardware_bridge.__file__).parents[1]
    modules = [path for pattern in DEPLOYING for path in root.glob(pattern)]
    assert len(modules) > 50
    assert {path.name: opens_pickles(path) for path in modules if opens_pickles(path)} == {}


def test_item_20_the_search_for_pickles_finds_them(tmp_path):
    path = tmp_path / "module.py"
    for line in ("import pickle", "from joblib import load", "from torch import load", "x(allow_pickle=True)"):
        path.write_text(line)
        assert opens_pickles(path)
    path.write_text("import json\nnumpy.load(path, allow_pickle=False)")
    assert opens_pickles(path) == []


@pytest.mark.slow
def test_items_12_and_20_a_deployment_unpickles_nothing_and_its_dry_run_puts_nothing(laue_ioc, here, agreed_log):
    common = ["deploy", "laue-align-si", "-i", "soft.yaml", "--yes", "--confirm", "never"]
    runs = [[*common, "--dry-run", "--out", "dry"], [*common, "--max-steps", "1", "--out", "wet"]]
    runs += [["deploy", name, "-i", "soft.yaml", "--yes"] for name in ("policy.pkl", "model.zip")]
    process = subprocess.Popen(
        [sys.executable, "-c", WATCHED, json.dumps(runs)],
        cwd=here,
        env={**os.environ, **laue_ioc.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said, dry_puts = [], None
    for line in process.stdout:
        said.append(line)
        if line == "MARK\n" and dry_puts is None:
            dry_puts = laue_ioc.puts()
    assert process.wait() == 0, "".join(said)
    process.stdout.close()
    told = json.loads(next(line for line in reversed(said) if line.startswith('{"alive"')))
    assert told["alive"] >= 1  # the watch sees what it should see
    assert told["ends"] == [0, 1, 1, 1], "".join(said)  # one step is no success; a pickle is no policy
    assert dry_puts == []
    assert any(record["kind"] == "frame" for record in laue_ioc.records())
    # numba's own cache of our compiled kernels is the one thing that is a pickle; it is no input of anybody
    strangers = [name for name in told["called"] if f"{os.sep}numba{os.sep}core{os.sep}" not in name]
    assert strangers == []
    assert not (here / "pwned").exists()
    assert {path: opens_pickles(path) for path in told["files"] if opens_pickles(path)} == {}
    (log,) = (here / "wet").glob("deploy-*/audit.jsonl")
    agreed_log(log, laue_ioc)
