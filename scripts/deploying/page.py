"""The operator's page beside the terminal: both are told everything, and the first answer of either counts."""

import os
import shutil
import subprocess
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from beamgym.hardware_bridge.deployment import DeployedPolicy, Deployment, StopButton, deployed_policy
from beamgym.hardware_bridge.deployment.events import Events, Several
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.operator_page import (
    PERSON,
    Access,
    HeldPolicy,
    Hold,
    LiveShow,
    OperatorPage,
    PageView,
    Person,
)
from beamgym.scripts.deploying.policy import read_policy
from beamgym.scripts.deploying.terminal import Terminal

PICTURE = "page.png"
"""The page as it was at the end of a run, in the run's folder."""

_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
_SETTLE_MS, _PATIENCE_S = 3000, 60.0


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
    _pictured: bool = False

    def serve(self, deployment: Deployment, opened: bool = False) -> None:
        """Say where the page is, or open it; while a policy waits for the operator, his page is its sign of life."""
        if self.page is None or self.hold is None:
            return
        access: Any = self.page.shows.access

        def alive() -> None:
            if access.holder() is not None:
                deployment.touch()

        self.hold.alive = alive
        self.terminal.line(f"the page, for who may act: {self.page.link}")
        self.terminal.line(f"           to look only: {self.page.address}")
        self._pictured = opened and not open_in_browser(self.page.address)
        if self._pictured:
            self.terminal.line("there is no browser with a screen here; open a link yourself")

    def picture(self, folder: Path) -> None:
        """Write ``page.png`` as the page is now, where it was to be opened and there is no screen."""
        path = folder / PICTURE
        if self._pictured and self.page is not None and folder.is_dir() and screenshot(self.page.address, path):
            self.terminal.line(f"      page  {path}")


def open_in_browser(address: str) -> bool:
    """Open an address in this computer's browser; False where it has none with a screen.

    Not a link with a token: what a browser is started with can be read by everybody on the computer.
    """
    screen = sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    # without a screen a browser of text would take the terminal
    return screen and webbrowser.open(address)


def screenshot(address: str, path: Path) -> bool:
    """Write an address as a browser shows it, 1280 pixels wide; False where there is no chromium, or it fails."""
    program = next((found for name in _CHROMIUMS if (found := shutil.which(name))), None)
    if program is None:
        return False
    # its sandbox does not run as root
    words = ["--headless=new", "--disable-gpu", "--hide-scrollbars", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:  # its helpers may write for a moment longer
        words += [f"--user-data-dir={profile}", f"--virtual-time-budget={_SETTLE_MS}", "--window-size=1280,1000"]
        try:
            command = [program, *words, f"--screenshot={path.resolve()}", f"{address}?still"]
            subprocess.run(command, check=True, capture_output=True, timeout=_PATIENCE_S)
        except (OSError, subprocess.SubprocessError):
            return False
    return path.is_file()


@contextmanager
def page_of(
    file: InstrumentFile, name: str, terminal: Terminal, button: StopButton, port: int | None
) -> Iterator[Watched]:
    """Yield a policy and its sinks, with a page on a port of this computer while this lasts.

    Parameters
    ----------
    file : the instrument
    name : of the policy; "person" is whoever holds the page
    terminal : the other sink
    button : that the page's stop presses
    port : of the page; None serves none

    Raises
    ------
    ValueError : the port is in use, there is no such policy, or a person is to play without a page
    """
    if port is None:
        if name == PERSON:
            raise ValueError("a person plays on the operator's page; give --page too")
        yield Watched(read_policy(name, file), terminal, terminal)
        return
    run, hold = f"{file.name}-{datetime.now():%Y%m%d-%H%M%S}", Hold()
    view = PageView(file, run=run, policy=name)
    person = Person(view, hold) if name == PERSON else None
    policy = deployed_policy(person, file) if person is not None else read_policy(name, file)
    held = replace(policy, policy=HeldPolicy(policy.policy, hold))
    with OperatorPage(LiveShow(view, Access(run), button.press, hold, person), port) as page:
        yield Watched(held, Several(terminal, view), terminal, page, hold)
