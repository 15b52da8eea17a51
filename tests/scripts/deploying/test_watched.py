"""A deployment with a page: who is its sign of life while it waits."""

import sys

import pytest

from beamgym.hardware_bridge.instrument_file.load import load_instrument, shipped_instrument

pytest.importorskip("bluesky", reason="deploying needs the extra 'hardware'")

from beamgym.hardware_bridge.deployment.session.stop import StopButton
from beamgym.scripts.deploying.page import page_of
from beamgym.scripts.deploying.terminal import Terminal


class Deployment:
    touched = 0

    def touch(self):
        self.touched += 1


def test_who_holds_the_page_is_the_sign_of_life_of_a_policy_that_waits_and_nobody_else(capsys):
    deployment, button = Deployment(), StopButton()
    file = load_instrument(shipped_instrument("laue_soft_ioc"))
    with page_of(file, "index-and-move", Terminal(), button, 0) as watched:
        watched.serve(deployment)
        watched.hold.alive()
        assert deployment.touched == 0
        access = watched.page.shows.access
        access.take(access.token, "a", "Ada")
        watched.hold.alive()
        assert deployment.touched == 1
        watched.page.shows.do("/stop", "", "b", {"operator": "Bert"})
    assert button.reason == "stopped on the page by Bert, whose page has no token"
    said = capsys.readouterr().out
    assert watched.page.link in said
    assert access.token in watched.page.link


def test_the_policy_on_a_page_is_bound_to_the_same_yes():
    file = load_instrument(shipped_instrument("laue_soft_ioc"))
    with (
        page_of(file, "index-and-move", Terminal(), StopButton(), None) as plain,
        page_of(file, "index-and-move", Terminal(), StopButton(), 0) as watched,
    ):
        assert watched.policy.digest == plain.policy.digest
        assert watched.policy.policy.name == "index-and-move"


@pytest.fixture
def no_screen(monkeypatch):
    """A computer without a screen."""
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)


def shown_without_a_screen(tmp_path):
    file = load_instrument(shipped_instrument("laue_soft_ioc"))
    with page_of(file, "index-and-move", Terminal(), StopButton(), 0) as watched:
        watched.serve(Deployment(), opened=True)
        watched.picture(tmp_path)


def test_without_a_browser_a_page_that_was_to_be_opened_is_said_and_the_run_goes_on(
    no_screen, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("webbrowser.open", lambda address: pytest.fail("a browser of text would take the terminal"))
    shown_without_a_screen(tmp_path)
    assert "there is no browser with a screen here; open a link yourself" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


STAND_IN = """#!/bin/sh
echo "$@" > WORDS
for each; do case $each in --screenshot=*) out=${each#*=};; esac; done
LAST
"""
"""In chromium's place: it writes down its words, and a picture where they say."""


@pytest.mark.parametrize(("last", "said"), [("echo picture > $out", True), ("exit 1", False)])
def test_without_a_screen_the_page_is_written_as_a_picture_where_a_browser_can(
    no_screen, tmp_path, monkeypatch, capsys, last, said
):
    program = tmp_path / "bin" / "chromium"
    program.parent.mkdir()
    program.write_text(STAND_IN.replace("WORDS", str(tmp_path / "words")).replace("LAST", last))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    shown_without_a_screen(tmp_path)
    words = (tmp_path / "words").read_text().split()
    assert words[-1].endswith("/?still")
    assert "#" not in words[-1]  # what a browser is started with is seen by everybody: no token
    assert (tmp_path / "page.png").is_file() is said
    assert (f"page  {tmp_path / 'page.png'}" in capsys.readouterr().out) is said


def test_a_browser_is_opened_without_the_token(monkeypatch):
    opened = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    file = load_instrument(shipped_instrument("laue_soft_ioc"))
    with page_of(file, "index-and-move", Terminal(), StopButton(), 0) as watched:
        watched.serve(Deployment(), opened=True)
        assert opened == [watched.page.address]
