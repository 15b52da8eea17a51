"""How a move under way is ended before its time: by a stop, after which it ends well, or by an abort."""

import asyncio
from collections.abc import Callable
from typing import Any

STOPPED, ABORTED = "stopped", "aborted"


class Interruption:
    """Of one move; make it in the guard's loop.

    Parameters
    ----------
    check_latch : raises GuardRefused where the guard is latched

    Attributes
    ----------
    reason : is done with the reason with which the move is to end
    over : is set when the move has ended
    """

    def __init__(self, check_latch: Callable[[], None]) -> None:
        self.reason: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.over = asyncio.Event()
        self._check_latch = check_latch

    @property
    def given(self) -> bool:
        """Whether the move is to end."""
        return self.reason.done()

    def give(self, reason: str) -> None:
        """Have the move end; the first reason counts."""
        if not self.given:
            self.reason.set_result(reason)

    def check_abort(self) -> None:
        """Raise GuardRefused where an abort gave the reason."""
        # After an abort the command fails; after a pause of the RunEngine it must end well, or the plan fails.
        if self.given and self.reason.result() == ABORTED:
            self._check_latch()

    async def unless_given(
        self, waiting: "asyncio.Future[Any]", following: "asyncio.Future[None] | None" = None
    ) -> Any:
        """Return what is waited for, or None where the move was stopped first; raises GuardRefused after an abort.

        Parameters
        ----------
        waiting : what is waited for
        following : ends only by what it found, which is raised
        """
        watched = {waiting, self.reason} if following is None else {waiting, self.reason, following}
        await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        # Before the others: the abort that follows what it found has interrupted the move, too.
        if following is not None and following.done():
            following.result()
        if not self.given:
            return waiting.result()
        self.check_abort()
        return None
