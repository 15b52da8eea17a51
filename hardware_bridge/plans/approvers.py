"""Who answers a deployment's questions in the process that owns the RunEngine; no policy can reach it.

One approver is registered for the process, before plans run: by the startup file of a queue server, or of blueapi. Each
plan takes the one of its start and keeps it. In a terminal, such as IPython, the terminal is asked by itself.
"""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from beamgym.hardware_bridge.deployment.events import Question
from beamgym.hardware_bridge.terminal import ask_terminal
from beamgym.physics.files import write_text

QUESTION = "question.json"
"""The file of a ``FileApprover`` that holds the question which waits."""

_LOOK_S = 0.2
_OTHERS = 0o022  # may be written by others than its owner


class Approver(Protocol):
    """Answers questions: a human stands behind it."""

    async def ask(self, question: Question) -> str:
        """Return the human's answer: "yes" or "y" is a yes; to "re-arm" a name; everything else is a no.

        Called in the RunEngine's loop, and cancelled when the answer is no longer waited for. Raises EOFError where
        nobody is there, which is a no.
        """
        ...


class TerminalApprover:
    """Asks whoever sits at the terminal of this process."""

    async def ask(self, question: Question) -> str:
        """Put the question to the terminal and return the line that is typed."""
        return await ask_terminal(question.text, partial(print, end="", flush=True))


class FileApprover:
    """Asks by a file and waits for another one, for a RunEngine whose process has no terminal.

    The question stands in ``question.json``: its number, its text and, of a command, the whole command with its hash.
    It is answered by a file ``NUMBER.answer`` with one line; ``python -m beamgym.hardware_bridge.plans.approve FOLDER``
    writes it for a human who types. Both are removed afterwards. Whoever can write into the folder can say yes.

    Parameters
    ----------
    folder : made, for this user alone, where it is missing

    Raises
    ------
    ValueError : others may write into the folder
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.folder.stat().st_mode & _OTHERS:
            raise ValueError(f"others may write into {self.folder}, and so say yes; run: chmod go-w {self.folder}")

    async def ask(self, question: Question) -> str:
        """Write the question, and return the line that answers it."""
        path, answer = self.folder / QUESTION, answer_to(self.folder, question.number)
        write_text(path, json.dumps(content_of(question), indent=1) + "\n")
        try:
            while not answer.exists():
                await asyncio.sleep(_LOOK_S)
            return answer.read_text(encoding="utf-8").strip()
        finally:
            # Taken back too: nobody is to answer what is no longer asked.
            for done in (path, answer):
                done.unlink(missing_ok=True)


class NobodyToAsk:
    """There is nobody: every question is a no."""

    async def ask(self, question: Question) -> str:
        """Raise EOFError."""
        raise EOFError("nobody can be asked in this process; see register_approver")


_registered: list[Approver] = []


def register_approver(approver: Approver | None) -> None:
    """Let an approver answer the questions of every plan that begins from now on in this process.

    Parameters
    ----------
    approver : such as ``FileApprover("approvals")``; None goes back to the terminal, where there is one

    Raises
    ------
    TypeError : it cannot be asked
    """
    if approver is not None and not asyncio.iscoroutinefunction(getattr(approver, "ask", None)):
        raise TypeError(
            f"{type(approver).__name__} cannot be asked; add `async def ask(self, question)`, returning text"
        )
    _registered[:] = [] if approver is None else [approver]


def present_approver() -> Approver:
    """Return who is asked by a plan that begins now."""
    if _registered:
        return _registered[0]
    return TerminalApprover() if sys.stdin is not None and _is_terminal() else NobodyToAsk()


def answer_to(folder: Path, number: str) -> Path:
    """Return the file that answers a question."""
    return folder / f"{number}.answer"


def content_of(question: Question) -> Mapping[str, Any]:
    """Return a question as JSON has it."""
    proposal = question.proposal
    command = None if proposal is None else {**asdict(proposal), "sha256": proposal.sha256}
    return {"number": question.number, "about": question.about, "text": question.text, "command": command}


def _is_terminal() -> bool:
    try:
        return os.isatty(sys.stdin.fileno())
    except (OSError, ValueError):
        return False
