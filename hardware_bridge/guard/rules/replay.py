"""Decides everything in an audit log again by the recorded readings, and reports decisions that differ.

The guard decides by pure functions and records with each decision its rule, its inputs and what came out, either as an
event "decision" or in the list ``decisions`` of the line of the command that it let pass or refused. The same inputs
must bring the same verdict; where they do not, the log is of another version, or a rule is no pure function. A command
must have gone where it was decided that it may go.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

from beamgym.hardware_bridge.guard.rules.decision import Decision
from beamgym.hardware_bridge.guard.rules.table import decide
from beamgym.hardware_bridge.records import read_log
from beamgym.physics.messages import named_line

Decide = Callable[[str, Mapping[str, Any]], Decision]
_AIMS = {"set": "target", "trigger": "exposure_s"}
"""Input of the rules that says where a command of this name goes."""

_DECIDED = ("item", "allowed")  # the wording of a refusal is no decision, and may get better


@dataclass(frozen=True)
class Difference:
    """A decision that comes out another way now.

    Parameters
    ----------
    line : number of the log's line that holds it
    rule : the rule's name, or the command's where it went elsewhere than was decided
    recorded, now : the verdict then and now; ``now`` is a text where the rule could not be asked. Of a command: where
        it went and what was decided, None where nothing was
    """

    line: int
    rule: str
    recorded: Any
    now: Any

    def __str__(self) -> str:
        if self.rule in _AIMS:
            why = "which nobody decided" if self.now is None else f"decided was {_words(self.now)}"
            return f"line {self.line}: {self.rule} went to {_words(self.recorded)}, {why}"
        return f"line {self.line}: {self.rule} said {_words(self.recorded)}, says {_words(self.now)} now"


@dataclass(frozen=True)
class ReplayReport:
    """What a replay found: how many decisions the log holds, and those that differ."""

    decisions: int
    differences: tuple[Difference, ...]

    @property
    def same(self) -> bool:
        """Whether every decision came out as recorded; a log without decisions proves nothing and is not the same."""
        return self.decisions > 0 and not self.differences

    def summary(self) -> str:
        """Return the report in one line."""
        if self.differences:
            count = f"{len(self.differences)} of {self.decisions} decisions differ"
            count = count if self.decisions else f"{len(self.differences)} commands have no decision"
            return f"{count}; the first in {self.differences[0]}"
        if not self.decisions:
            return "nothing to replay: the log holds no decisions"
        return f"all {self.decisions} decisions come out the same"


def replay(path: str | PathLike[str], rules: Decide = decide) -> ReplayReport:
    """Decide everything in a log again.

    Parameters
    ----------
    path : an audit log whose chain is whole; one that is not closed yet will do
    rules : decides by a rule's name and its inputs

    Raises
    ------
    ValueError : the log cannot be read, or was changed; the message names the line
    """
    count, differences, aims = 0, list[Difference](), _Aims()
    try:
        for line, members in read_log(path):
            entries = list(_decisions(members))
            count += len(entries)
            for entry in entries:
                differences += _again(line, entry, rules)
            differences += aims.compare(line, members, entries)
    except OSError as error:
        raise ValueError(f"cannot read the audit log {path}: {error.strerror}; check its path") from None
    return ReplayReport(count, tuple(differences))


def _decisions(members: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield what a line decided; an entry has "rule", "inputs" and either "verdict" or its members beside them."""
    data = members.get("data")
    # A log from elsewhere may hold anything; what it is not, it does not decide.
    if not isinstance(data, dict):
        return
    if members.get("event") == "decision":
        yield data
    listed = data.get("decisions", ())
    yield from (entry for entry in listed if isinstance(entry, dict)) if isinstance(listed, list) else ()


def _again(line: int, entry: Mapping[str, Any], rules: Decide) -> list[Difference]:
    rule, inputs = str(entry.get("rule")), entry.get("inputs")
    verdict = entry.get("verdict", entry)
    recorded = {key: verdict.get(key) for key in _DECIDED} if isinstance(verdict, dict) else verdict
    try:
        decision = rules(rule, inputs if isinstance(inputs, dict) else {})
    except Exception as error:  # a log from elsewhere may hold anything
        return [Difference(line, rule, recorded, named_line(error))]
    # Rules whose refusals are worded better today still decide the same.
    now = {key: getattr(decision, key) for key in _DECIDED}
    return [] if recorded == now else [Difference(line, rule, recorded, now)]


class _Aims:
    """Holds where every command went against what was decided about it, in its line and in that of its outcome."""

    def __init__(self) -> None:
        self._sent: dict[Any, tuple[str, Any]] = {}

    def compare(self, line: int, members: Mapping[str, Any], entries: list[Mapping[str, Any]]) -> Iterator[Difference]:
        """Yield the differences in a line."""
        command, data = members.get("command"), members.get("data")
        # Only the line before a send says where a command went; decisions may also stand with its outcome.
        announced = members.get("kind") == "before" and isinstance(command, str) and command in _AIMS
        if announced:
            self._sent[line] = str(command), data.get("value") if isinstance(data, dict) else None
        verb, value = self._sent.get(line if announced else members.get("id"), ("", None))
        if not verb:
            return
        inputs = [entry["inputs"] for entry in entries if isinstance(entry.get("inputs"), dict)]
        decided = [part[_AIMS[verb]] for part in inputs if _AIMS[verb] in part]
        # A command of which nothing was decided went past the guard.
        if announced and not decided:
            yield Difference(line, verb, value, None)
        yield from (Difference(line, verb, value, aim) for aim in decided if not _equal(aim, value))


def _equal(one: Any, other: Any) -> bool:
    """Whether two recorded numbers are the same; nan is equal to itself."""
    try:
        first, second = float(one), float(other)
    except (TypeError, ValueError, OverflowError):
        return bool(one == other)
    return first == second or (math.isnan(first) and math.isnan(second))


def _words(verdict: Any) -> str:
    if isinstance(verdict, dict) and {*_DECIDED} <= {*verdict}:
        return f"{'yes' if verdict['allowed'] else 'no'} (item {verdict['item']})"
    return repr(verdict)
