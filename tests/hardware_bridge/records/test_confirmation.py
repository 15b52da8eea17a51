"""A yes holds for one policy, plan, instrument file and set of limits; when one changes it is asked for anew."""

import asyncio
import json
import time

import pytest

from beamgym.hardware_bridge.instrument_file.entries import ConfirmEntry
from beamgym.hardware_bridge.instrument_file.load import load_instrument, shipped_instrument
from beamgym.hardware_bridge.records.confirmation import (
    Confirmation,
    NotConfirmed,
    bundle_digest,
    content_digest,
    store_of,
    subject,
)

POLICY = content_digest("a policy")
PLAN = {"max_steps": 20, "dose_s": 1200.0}


@pytest.fixture
def hardware():
    """An instrument file that is no simulation and asks for nothing by itself."""
    return load_instrument(shipped_instrument("laue_soft_ioc")).model_copy(update={"simulation": False})


class Human:
    """Gives the same answer to every question, and remembers the questions."""

    def __init__(self, answer):
        self.answer = answer
        self.questions = []

    def __call__(self, question):
        self.questions.append(question)
        return self.answer


def _start(bound, mode, file, store, answer="yes"):
    human = Human(answer)
    asked, allowed = asyncio.run(Confirmation(bound, mode, file, store, human).start())
    assert bool(asked) == bool(human.questions)
    return asked, allowed


def test_the_first_run_is_asked_once_and_its_yes_is_kept(hardware, tmp_path):
    store, bound = tmp_path / "kept.json", subject(POLICY, PLAN, hardware)
    asked, allowed = _start(bound, "first", hardware, store)
    assert allowed
    assert asked.startswith("no run on this instrument file was confirmed yet. Run it (")
    assert bound.digest()[:12] in asked
    assert _start(bound, "first", hardware, store) == ("", True)


def test_a_no_is_not_kept(hardware, tmp_path):
    store, bound = tmp_path / "kept.json", subject(POLICY, PLAN, hardware)
    assert not _start(bound, "first", hardware, store, "no")[1]
    assert not store.exists()
    assert _start(bound, "first", hardware, store)[0]


def test_a_no_to_a_command_takes_the_kept_yes_back(hardware, tmp_path):
    store, bound = tmp_path / "kept.json", subject(POLICY, PLAN, hardware)
    other = subject(POLICY, PLAN | {"max_steps": 5}, hardware)
    for each in (bound, other):
        assert _start(each, "first", hardware, store)[1]
    confirm = Confirmation(bound, "first", hardware, store, Human("no"))
    assert not asyncio.run(confirm.ask("step 1: j1 by 3 deg?"))
    asked, allowed = _start(bound, "first", hardware, store)
    assert asked
    assert allowed
    assert _start(other, "first", hardware, store) == ("", True)


@pytest.mark.parametrize("answer", ["", "n", "yess", "ja", None, 1, False])
def test_anything_but_yes_is_no(hardware, answer):
    assert not _start(subject(POLICY, PLAN, hardware), "first", hardware, None, answer)[1]


def test_another_policy_plan_or_instrument_is_asked_again_and_named(hardware, tmp_path):
    store = tmp_path / "kept.json"
    _start(subject(POLICY, PLAN, hardware), "first", hardware, store)
    other = hardware.model_copy(update={"name": "other"})
    for bound, what in (
        (subject(content_digest("b"), PLAN, hardware), "the policy is another one"),
        (subject(POLICY, {**PLAN, "max_steps": 21}, hardware), "the plan is another one"),
        (subject(POLICY, PLAN, other), "the instrument file is another one"),
    ):
        asked, allowed = _start(bound, "first", hardware, store, "no")
        assert what in asked
        assert not allowed


def test_a_wider_limit_is_asked_again_and_a_narrower_one_is_not(hardware, tmp_path):
    store = tmp_path / "kept.json"
    _start(subject(POLICY, PLAN, hardware, {"j1": (-10.0, 10.0)}), "first", hardware, store)
    assert _start(subject(POLICY, PLAN, hardware, {"j1": (-5.0, 10.0)}), "first", hardware, store) == ("", True)
    asked, _ = _start(subject(POLICY, PLAN, hardware, {"j1": (-10.0, 10.1)}), "first", hardware, store)
    assert "the limits of j1 are wider" in asked


def test_never_needs_a_run_that_was_confirmed_before(hardware, tmp_path):
    store, bound = tmp_path / "kept.json", subject(POLICY, PLAN, hardware)
    with pytest.raises(NotConfirmed, match="run it once with --confirm first"):
        Confirmation(bound, "never", hardware, store, Human("yes")).start_question()
    _start(bound, "first", hardware, store)
    assert _start(bound, "never", hardware, store) == ("", True)


def test_never_runs_a_simulation_without_a_question():
    file = load_instrument(shipped_instrument("laue_soft_ioc"))
    assert _start(subject(POLICY, PLAN, file), "never", file, None) == ("", True)


def test_every_command_is_asked_about_and_an_exposure_ends_a_step(hardware):
    confirmation = Confirmation(subject(POLICY, PLAN, hardware), "every", hardware)
    whys = []
    for _ in range(3):
        whys += [confirmation.why_ask({"j1": 5.0, "j2": 0.0}), confirmation.why_ask({}, exposes=True)]
        confirmation.exposed()
    assert whys == ["step 0", "", "step 1", "", "step 2", ""]


def test_the_files_own_wishes_are_asked_in_every_mode(hardware):
    entry = ConfirmEntry(every_n_steps=2, larger_than={"j1": 10.0})
    file = hardware.model_copy(update={"confirm": entry, "simulation": True})
    confirmation = Confirmation(subject(POLICY, PLAN, file), "never", file)
    whys = []
    for _ in range(5):
        whys.append(confirmation.why_ask({"j1": 9.9}))
        confirmation.exposed()
    whys += [confirmation.why_ask({"j2": 100.0, "j1": -10.1}), confirmation.why_ask({"j2": 100.0})]
    assert whys == ["", "", "step 2", "", "step 4", "step 5, j1 by more than 10", ""]


def test_nobody_there_and_no_answer_in_time_are_no(hardware):
    def closed(question):
        raise EOFError

    async def later(question):
        await asyncio.sleep(60)

    async def awaited(question):
        return "yes"

    bound = subject(POLICY, PLAN, hardware)
    assert asyncio.run(Confirmation(bound, "first", hardware, None, closed).start())[1] is False
    assert asyncio.run(Confirmation(bound, "first", hardware, None, later, timeout_s=0.05).start())[1] is False
    assert asyncio.run(Confirmation(bound, "first", hardware, None, awaited).start())[1] is True
    slow = Confirmation(bound, "first", hardware, None, lambda question: time.sleep(2), timeout_s=0.05)
    assert asyncio.run(slow.start())[1] is False


def test_a_bundles_digest_sees_every_byte_and_name(tmp_path):
    (tmp_path / "policy.onnx").write_bytes(b"abc")
    (tmp_path / "manifest.json").write_bytes(b"{}")
    first = bundle_digest(tmp_path)
    (tmp_path / "policy.onnx").write_bytes(b"abd")
    second = bundle_digest(tmp_path)
    (tmp_path / "policy.onnx").rename(tmp_path / "policy2.onnx")
    assert len({first, second, bundle_digest(tmp_path)}) == 3
    with pytest.raises(ValueError, match="is no bundle"):
        bundle_digest(tmp_path / "absent")


def test_a_forged_or_broken_store_is_one_line_and_not_believed(hardware, tmp_path):
    store, bound = store_of(tmp_path / "mine.yaml"), subject(POLICY, PLAN, hardware, {"j1": (-1.0, 1.0)})
    assert store.name == "mine.yaml.confirmed.json"
    _start(bound, "first", hardware, store)
    content = json.loads(store.read_text(encoding="utf-8"))
    content["confirmed"][0]["limits"][0][2] = 90.0
    for text in (json.dumps(content), "{}", "[1]", "no json"):
        store.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=r"holds no confirmations \(.*\); remove it"):
            Confirmation(bound, "first", hardware, store)


def test_a_yes_that_cannot_be_kept_is_one_line(hardware, tmp_path):
    with pytest.raises(ValueError, match="cannot keep the answer in"):
        _start(subject(POLICY, PLAN, hardware), "first", hardware, tmp_path / "nowhere" / "kept.json")


def test_an_unknown_mode_is_named(hardware):
    with pytest.raises(ValueError, match="unknown mode 'sometimes'; choose every, first, never"):
        Confirmation(subject(POLICY, PLAN, hardware), "sometimes", hardware)
