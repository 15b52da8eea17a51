"""The two things that a page can show: a run as it is now, with what may be done to it, and one that is over."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol

from numpy.typing import NDArray

from beamgym.hardware_bridge.operator_page.access import Access, Refused
from beamgym.hardware_bridge.operator_page.hold import Hold
from beamgym.hardware_bridge.operator_page.person import Person
from beamgym.hardware_bridge.operator_page.view import PageView

Body = Mapping[str, Any]


class Shows(Protocol):
    """What a page is served from."""

    @property
    def access(self) -> Access | None:
        """Who may act; None where nobody can."""
        ...

    @property
    def version(self) -> int:
        """Grows with every change."""
        ...

    def wait(self, version: int, seconds: float) -> None:
        """Return when the version is another one, or after so many seconds."""
        ...

    def shown(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Return what is shown, as JSON has it."""
        ...

    def image(self, number: int) -> NDArray[Any] | None:
        """Return the image of a frame (rows, columns), where there is one now."""
        ...

    def seen(self, page: str) -> None:
        """Note that a page is there."""
        ...

    def do(self, path: str, token: str, page: str, body: Body) -> dict[str, Any]:
        """Do what a page asks; raises Refused."""
        ...


class LiveShow:
    """A run as it is now.

    Parameters
    ----------
    view : its present, and its questions
    access : who may act
    stop : stops it in good order, called with the reason; from any thread
    hold : makes it wait before its next command
    person : takes the decisions of a person at the page; None where a policy decides
    """

    def __init__(
        self,
        view: PageView,
        access: Access,
        stop: Callable[[str], object],
        hold: Hold | None = None,
        person: Person | None = None,
    ) -> None:
        self.view, self.access, self.hold = view, access, hold or Hold()
        self._stop, self._person = stop, person
        self._stopped_by = ""
        self._held: tuple[str, str] | None = None
        # Everything but the stop: only the page that holds the run.
        self._acts: dict[str, Callable[[Body, str], None]] = {
            "/answer": self._answer,
            "/turn": self._take_turn,
            "/pause": lambda body, operator: self.hold.hold(operator),
            "/go-on": lambda body, operator: self.hold.go_on(),
        }

    @property
    def version(self) -> int:
        """Grows with every change."""
        return self.view.version

    def wait(self, version: int, seconds: float) -> None:
        """Return when something has changed, or after so many seconds."""
        with self.view.changed:
            self.view.changed.wait_for(lambda: self.view.version != version, seconds)

    def shown(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Return the present."""
        held = self.access.holder()
        holder = None if held is None else {"page": held[0], "operator": held[1]}
        now = {"live": True, "holder": holder, "paused_by": self.hold.by, "stopped_by": self._stopped_by}
        return {**self.view.shown(), **now}

    def image(self, number: int) -> NDArray[Any] | None:
        """Return the image of a frame, where it is the last one."""
        return self.view.image(number)

    def seen(self, page: str) -> None:
        """Note that a page is there; who holds the run may be another one since the last look."""
        self.access.seen(page)
        held = self.access.holder()
        if held != self._held:
            self._held = held
            self.view.change()

    def do(self, path: str, token: str, page: str, body: Body) -> dict[str, Any]:
        """Do what a page asks.

        Whoever sees the page may stop the run, as whoever stands before an instrument may; everything else needs the
        token, and is for the page that holds the run.

        Raises
        ------
        Refused : it may not, or it is too late
        """
        if path == "/stop":
            self._stopped_by = self._stopped_by or _operator(body)
            self._stop(f"stopped on the page by {self._stopped_by}")
        elif path == "/take":
            self.access.take(token, page, _operator(body), body.get("over") is True)
        elif path == "/release":
            self.access.release(page)
        elif path in self._acts:
            operator = self.access.require_holder(token, page)
            self._acts[path](body, operator)
        else:
            raise Refused(HTTPStatus.NOT_FOUND, "the page can answer, pause, and stop, and do nothing else")
        self.view.change()
        return {}

    def _take_turn(self, body: Body, operator: str) -> None:
        if self._person is None:
            raise Refused(HTTPStatus.CONFLICT, "a policy decides in this run; a person can answer, pause and stop")
        if self.view.ended:
            raise Refused(HTTPStatus.CONFLICT, "the run has ended; nothing is sent")
        self._person.take(body)

    def _answer(self, body: Body, operator: str) -> None:
        self.view.answer(*(str(body.get(name, "")) for name in ("number", "sha256", "answer")))


def _operator(body: Body) -> str:
    # a name is shown on every page and in a line of the log
    name = "".join(each for each in str(body.get("operator", "")) if each.isprintable())[:40].strip()
    return name or "an operator"
