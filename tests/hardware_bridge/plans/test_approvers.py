"""Who is asked by a plan: a file, a terminal, or nobody; and that a plan keeps the one of its start."""

import asyncio
import io
import json
import threading

import pytest

from beamgym.hardware_bridge.deployment.events import AxisMove, Proposal, Question
from beamgym.hardware_bridge.plans import approvers
from beamgym.hardware_bridge.plans.approve import answer_questions, main
from beamgym.hardware_bridge.plans.approvers import (
    FileApprover,
    NobodyToAsk,
    TerminalApprover,
    present_approver,
    register_approver,
)
from beamgym.hardware_bridge.plans.plans import find_spot


@pytest.fixture(autouse=True)
def _nobody_registered():
    yield
    register_approver(None)


def test_a_question_in_a_file_is_answered_by_a_human_at_another_terminal(tmp_path):
    folder, shown = tmp_path / "approvals", []
    approver = FileApprover(folder)
    move = AxisMove("x", "mm", 0.0, 0.5, -1.0, 1.0)
    proposal = Proposal(1, (move,), declares=False, moves=True, limited=False, spots=None)
    question = Question("x moves by 0.5 mm. Do it? [yes/no] ", "command", proposal)

    def type_yes(text):
        shown.append(text)
        command = json.loads((folder / "question.json").read_text())["command"]
        assert command["sha256"] == proposal.sha256
        return "yes"

    class Ended(Exception):
        pass

    def wait():
        if shown:
            raise Ended

    def human():
        with pytest.raises(Ended):
            answer_questions(folder, type_yes, wait)

    answering = threading.Thread(target=human)
    answering.start()
    assert asyncio.run(approver.ask(question)) == "yes"
    answering.join()
    assert shown == [question.text]
    assert list(folder.iterdir()) == []


def test_a_question_that_is_no_longer_asked_leaves_no_file_behind(tmp_path):
    async def taken_back():
        asking = asyncio.ensure_future(FileApprover(tmp_path / "a").ask(Question("Go on?", "start")))
        while not (tmp_path / "a" / "question.json").exists():
            await asyncio.sleep(0.0)
        asking.cancel()
        await asyncio.wait({asking})

    asyncio.run(taken_back())
    assert list((tmp_path / "a").iterdir()) == []


def test_an_answer_that_comes_too_late_answers_no_other_question(tmp_path):
    FileApprover(tmp_path)
    (tmp_path / "question.json").write_text(json.dumps({"number": "1", "text": "Go on?"}))

    def slow(text):
        (tmp_path / "question.json").write_text(json.dumps({"number": "2", "text": "And now?"}))
        return {"Go on?": "yes", "And now?": "no"}[text]

    def wait():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        answer_questions(tmp_path, slow, wait)
    assert not (tmp_path / "1.answer").exists()
    assert (tmp_path / "2.answer").read_text() == "no\n"


def test_a_folder_into_which_others_may_write_is_refused(tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(ValueError, match=r"others may write into .*open, and so say yes; run: chmod go-w"):
        FileApprover(tmp_path / "open")


def test_who_answers_must_be_one_who_can_be_asked():
    with pytest.raises(TypeError, match="object cannot be asked; add `async def ask"):
        register_approver(object())


def test_the_terminal_is_asked_where_there_is_one_and_somebody_else_where_he_is_registered(monkeypatch, tmp_path):
    monkeypatch.setattr(approvers, "_is_terminal", lambda: True)
    assert isinstance(present_approver(), TerminalApprover)
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    assert asyncio.run(TerminalApprover().ask(Question("Go on? ", "start"))) == "yes"
    mine = FileApprover(tmp_path / "a")
    register_approver(mine)
    assert present_approver() is mine


def test_where_nobody_can_be_asked_a_plan_says_so_before_anything_connects(bench, engine, monkeypatch):
    monkeypatch.setattr(approvers, "_is_terminal", lambda: False)
    assert isinstance(present_approver(), NobodyToAsk)
    stage = bench()
    with pytest.raises(ValueError, match=r"nobody can be asked in this process.*register_approver"):
        engine(find_spot("raster", "instrument.yaml", "mine.py"))
    assert stage.truth()["frames"] == 0


def test_who_is_registered_while_a_plan_runs_answers_the_next_one(bench, engine, human):
    bench()

    class Intruder:
        async def ask(self, question):
            raise AssertionError("the plan asks whom it found at its start")

    def answer(question):
        register_approver(Intruder())
        return "yes"

    human.answer = answer
    engine(find_spot("raster", "instrument.yaml", "mine.py", confirm="every", max_steps=2))
    assert [question.about for question in human.questions] == ["start", "command", "command"]


def test_the_helper_says_how_it_is_called(capsys):
    assert main([]) == 2
    assert "usage: python -m beamgym.hardware_bridge.plans.approve FOLDER" in capsys.readouterr().err
