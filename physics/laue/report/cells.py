"""Of several cells, which fits: every one is tried on the same peaks, and the most telling answer wins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from beamgym.physics.crystal import Crystal
from beamgym.physics.laue.indexing import SolvedPattern


@dataclass(frozen=True)
class CellAnswer:
    """How well one crystal explains a pattern.

    Parameters
    ----------
    crystal : what was tried
    solved : its orientation; None where there is none
    reason : why there is none, one line; empty otherwise
    error : what the attempt raised; None where it succeeded
    """

    crystal: Crystal
    solved: SolvedPattern | None
    reason: str = ""
    error: ValueError | None = None

    @property
    def merit_per_peak(self) -> float:
        """Figure of merit for every peak of the pattern, those left over included; 0 without an answer."""
        if self.solved is None:
            return 0.0
        return self.solved.indexed.figure_of_merit / max(self.solved.pattern.count, 1)


def solve_cells(crystals: Sequence[Crystal], solve_one: Callable[[Crystal], SolvedPattern]) -> tuple[CellAnswer, ...]:
    """Try every crystal, and return the answers, the best figure of merit per peak first.

    Parameters
    ----------
    crystals : one or more
    solve_one : indexes the pattern as one crystal; as ``solve`` does, it raises ValueError where it cannot

    Raises
    ------
    ValueError : no crystal fits: the reason of the only one, or every reason in one line
    """
    answers = sorted((_tried(crystal, solve_one) for crystal in crystals), key=lambda a: -a.merit_per_peak)
    if answers and answers[0].solved is not None:
        return tuple(answers)
    if len(answers) == 1 and answers[0].error is not None:
        raise answers[0].error
    kind = type(answers[0].error) if answers and answers[0].error is not None else ValueError
    raise kind("no crystal fits: " + "; ".join(f"{answer.crystal.name}: {answer.reason}" for answer in answers))


def _tried(crystal: Crystal, solve_one: Callable[[Crystal], SolvedPattern]) -> CellAnswer:
    try:
        return CellAnswer(crystal, solve_one(crystal))
    except ValueError as error:
        return CellAnswer(crystal, None, str(error), error)
