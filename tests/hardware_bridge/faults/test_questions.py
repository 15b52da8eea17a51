"""What a human is shown before a command is what then moves, by the instrument's own truth, and nothing else does."""

import re

import pytest

pytest.importorskip("caproto", reason="the practice instrument needs the extra 'ioc'")

from beamgym.hardware_bridge.guard.rules.decision import GuardRefused
from beamgym.hardware_bridge.instrument_file import ConfirmEntry
from beamgym.hardware_bridge.records.confirmation import Confirmation, content_digest, subject

TARGETS = {"j1": 0.0, "j2": 0.0, "j3": 2.5, "j5": 7.25}
"""The first axis that is sent stays where it is; a later one makes the long move."""

BOX = {"name": "cryostat", "forbidden": {"j3": [40.0, 60.0], "j5": [20.0, 90.0]}, "margin": 1.0}


class Human:
    """Answers yes, after ``meanwhile``; keeps the questions."""

    def __init__(self, bench, meanwhile=lambda: None):
        self.questions, self._meanwhile = [], meanwhile
        file = bench.file.model_copy(update={"simulation": False, "confirm": ConfirmEntry()})
        bound = subject(content_digest("a policy"), {}, file)
        self.confirmation = Confirmation(bound, "every", file, None, self)

    def __call__(self, question):
        self.questions.append(question)
        if "Do it?" in question:
            self._meanwhile()
        return True

    def commands(self):
        return [question for question in self.questions if "Do it?" in question]


def boxed(content):
    content["envelopes"] = [BOX]


async def command(guard, targets=None):
    """Send several axes as one command, as ``BlueskyInstrument.move_plan`` does."""
    targets = targets or TARGETS
    guard.announce(targets)
    moving = [guard.axes[name].set(target) for name, target in targets.items()]
    for status in moving:
        await status


def test_one_question_shows_every_axis_as_it_then_really_moves(bench):
    b = bench("laue", boxed)
    human = Human(b)
    before = b.ioc.truth()["positions"]
    b.drive(command, confirm=human.confirmation)
    after = b.ioc.truth()["positions"]
    (question,) = human.commands()
    first, *facts = question.splitlines()
    assert first.startswith("step 0: ")
    shown = {name: float(by) for name, by in re.findall(r"^  (j\d) .* by ([-+][\d.e-]+) ", question, re.M)}
    for name, position in after.items():
        assert position - before[name] == pytest.approx(shown.get(name, 0.0), abs=0.05), (name, question)
    assert abs(shown["j5"]) > 5.0
    assert "cryostat, " in question
    assert "then an exposure of " in question
    assert "s left" in question
    assert any(re.fullmatch(r"  hash [0-9a-f]{12}", line) for line in facts)


def test_axes_that_are_not_announced_together_are_asked_about_one_by_one(bench):
    b = bench("laue")
    human = Human(b)

    async def alone(guard):
        for name in ("j3", "j5"):
            await guard.axes[name].set(TARGETS[name])

    b.drive(alone, confirm=human.confirmation)
    first, second = (question.splitlines()[0] for question in human.commands())
    assert ("j3 by " in first, "j5 by " in first) == (True, False)
    assert ("j3 by " in second, "j5 by " in second) == (False, True)


def test_a_limit_that_is_changed_while_the_human_thinks_is_no_part_of_the_yes(bench):
    b = bench("laue")
    human = Human(b, lambda: b.ioc.put("j5.HLM", 60.0))
    with pytest.raises(GuardRefused, match="j5: HLM was changed"):
        b.drive(command, confirm=human.confirmation)
    # Asked once more where the reading of the new limit overtakes the watch that ends the run.
    assert 1 <= len(human.commands()) <= 2
    assert b.received(":j5.VAL") == []


def test_an_axis_that_another_client_moves_while_the_human_thinks_is_not_sent(bench):
    b = bench("laue")
    human = Human(b, lambda: b.ioc.put("sim:fault:foreign_move", "j5"))
    with pytest.raises(GuardRefused):
        b.drive(command, confirm=human.confirmation)
    assert b.guard.latched_item == 17
    assert b.received(":j5.VAL") == []


def test_the_way_back_is_asked_about_once_and_as_a_whole(bench):
    b = bench("laue")
    human = Human(b)

    async def there_and_back(guard):
        await command(guard)
        await guard.safe_return()

    b.drive(there_and_back, confirm=human.confirmation)
    _, back = human.commands()
    assert "no exposure follows" in back
    assert "j5 by " in back.splitlines()[0]
