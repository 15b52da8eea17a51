"""A deployment with a page: who is its sign of life while it waits."""

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
