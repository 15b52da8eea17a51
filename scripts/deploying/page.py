"""The operator's page beside the terminal: both are told everything, and the first answer of either counts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from beamgym.hardware_bridge.deployment import DeployedPolicy, Deployment, StopButton
from beamgym.hardware_bridge.deployment.events import Events, Several
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.operator_page import Access, HeldPolicy, Hold, LiveShow, OperatorPage, PageView
from beamgym.scripts.deploying.terminal import Terminal


@dataclass
class Watched:
    """A policy and its sinks, with a page or without.

    Parameters
    ----------
    policy, events : for the deployment
    terminal : says where the page is
    page : what was opened, and closes in the end; None without one
    """

    policy: DeployedPolicy
    events: Events
    terminal: Terminal
    page: OperatorPage | None = None
    hold: Hold | None = None

    def serve(self, deployment: Deployment) -> None:
        """Say where the page is; while a policy waits for the operator, his page is its sign of life."""
        if self.page is None or self.hold is None:
            return
        access: Any = self.page.shows.access
        self.hold.alive = lambda: access.holder() and deployment.touch()
        self.terminal.line(f"the page, for who may act: {self.page.link}")
        self.terminal.line(f"           to look only: {self.page.address}")


@contextmanager
def page_of(
    file: InstrumentFile, policy: DeployedPolicy, terminal: Terminal, button: StopButton, port: int | None
) -> Iterator[Watched]:
    """Yield a policy and its sinks, with a page on a port of this computer while this lasts; None serves none.

    Raises
    ------
    ValueError : the port is in use
    """
    if port is None:
        yield Watched(policy, terminal, terminal)
        return
    run, hold = f"{file.name}-{datetime.now():%Y%m%d-%H%M%S}", Hold()
    view = PageView(file, run=run, policy=policy.policy.name)
    held = replace(policy, policy=HeldPolicy(policy.policy, hold))
    with OperatorPage(LiveShow(view, Access(run), button.press, hold), port) as page:
        yield Watched(held, Several(terminal, view), terminal, page, hold)
