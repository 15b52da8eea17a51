"""`python -m beamgym.hardware_bridge.plans.approve FOLDER`: a human answers at a terminal what a FileApprover asks."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from beamgym.hardware_bridge.plans.approvers import QUESTION, answer_to
from beamgym.physics.files import write_text

_LOOK_S = 0.2


def answer_questions(
    folder: Path, ask: Callable[[str], str] = input, wait: Callable[[], object] = lambda: time.sleep(_LOOK_S)
) -> None:
    """Put every question that comes to a human and write the answer, until input ends or Ctrl-C.

    Parameters
    ----------
    folder : of the ``FileApprover``
    ask : shows a text and returns the line typed
    wait : called while there is no question that was not answered
    """
    answered = ""
    while True:
        question = _waiting(folder)
        if question is None or question["number"] == answered:
            wait()
            continue
        try:
            line = ask(question["text"])
        except EOFError:
            return
        answered = question["number"]
        if _waiting(folder) != question:
            print("that question was taken back; the answer is dropped")
            continue
        write_text(answer_to(folder, answered), f"{line}\n")


def _waiting(folder: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads((folder / QUESTION).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content


def main(words: Sequence[str]) -> int:
    """Answer the questions of a folder; returns the exit code."""
    if len(words) != 1 or not Path(words[0]).is_dir():
        print("usage: python -m beamgym.hardware_bridge.plans.approve FOLDER", file=sys.stderr)
        return 2
    print(f"waiting for questions in {words[0]}; Ctrl-C ends")
    try:
        answer_questions(Path(words[0]))
    except KeyboardInterrupt:
        print()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
