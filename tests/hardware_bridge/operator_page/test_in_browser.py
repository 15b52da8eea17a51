"""The page in a real browser, the same one for all of these tests: what it shows, sends and refuses."""

import json
import re
import time

import numpy as np
import pytest

pytest.importorskip("selenium", reason="a real browser needs the extra 'browser'")

from rigs.browsers import COMMAND, THERE, WHY, ask, buttons, make_browser, seen, until, words
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from beamgym.hardware_bridge.deployment.events.content import AxisMove, AxisReading, Proposal
from beamgym.hardware_bridge.deployment.events.events import AxesRead, CommandProposed, FrameTaken, StateChanged
from beamgym.hardware_bridge.operator_page.onlooker import Predicted

pytestmark = pytest.mark.skipif(not THERE, reason=WHY)


@pytest.fixture(scope="module")
def browser():
    made = make_browser()
    yield made
    made.quit()


@pytest.fixture
def window(browser):
    """The browser, with nothing open and nothing recorded."""
    for kind in ("performance", "browser"):
        browser.get_log(kind)
    yield browser
    browser.get("about:blank")


@pytest.fixture
def holding(served, window):
    """The same with a page that holds the run."""
    window.get(served.link)
    until(lambda: "This page holds the run" in words(window, "holder"))
    return window


def test_everything_comes_from_this_computer(served, window):
    served.view.report(FrameTaken(0, np.eye(64), np.array([[3.0, 4.0]]), 1, 1.0, time.time()))
    window.get(served.link)
    until(lambda: seen(window, "glass"))
    sent = [json.loads(entry["message"])["message"] for entry in window.get_log("performance")]
    asked_for = [each["params"]["request"]["url"] for each in sent if each["method"] == "Network.requestWillBeSent"]
    assert any("/frame/1.jpg" in url for url in asked_for)
    other = [url for url in asked_for if not re.match(rf"http://127\.0\.0\.1:{served.port}/|data:|about:blank", url)]
    assert other == []
    assert [entry for entry in window.get_log("browser") if entry["level"] == "SEVERE"] == []
    # the token is neither in the address that is shown, nor was it sent in one
    assert window.current_url == served.address
    assert served.shows.access.token not in "".join(asked_for)


def test_a_yes_takes_two_steps_and_only_keys_and_is_signed(served, holding):
    name = holding.find_element(By.ID, "name")
    name.send_keys("Ada", Keys.TAB)
    until(lambda: "as Ada" in words(holding, "holder"))
    answers = ask(served.view)
    until(lambda: "Approve…" in buttons(holding))
    assert "0.5000" in words(holding, "command")
    assert "post, 0.3 away on x" in words(holding, "facts")

    def focused():
        return holding.switch_to.active_element.text

    def tab_to(text):
        for _ in range(20):
            holding.switch_to.active_element.send_keys(Keys.TAB)
            if focused().startswith(text):
                return
        raise AssertionError(f"no {text}")

    tab_to("STOP")
    tab_to("Approve…")
    holding.switch_to.active_element.send_keys(Keys.ENTER)
    # the second key stroke of a slip decides nothing
    holding.switch_to.active_element.send_keys(Keys.ENTER)
    assert answers == []
    until(lambda: focused() == f"Yes: send command {COMMAND.sha256[:12]}")
    holding.switch_to.active_element.send_keys(Keys.ENTER)
    until(lambda: answers == ["yes"])
    assert answers[0].by == "Ada"
    until(lambda: not seen(holding, "ask"))


def test_a_link_that_is_opened_in_a_window_that_only_looked_takes_the_run(served, window):
    window.get(served.address)
    until(lambda: "it has no token" in words(window, "holder"))
    # a browser loads nothing anew for this: only what stands behind the # is another
    window.get(served.link)
    until(lambda: "This page holds the run" in words(window, "holder"))
    assert window.current_url == served.address


def test_of_two_pages_one_answer_counts_and_the_other_page_says_so(served, holding, visitor):
    second = visitor(served, "Bert")
    answers = ask(served.view)
    until(lambda: "Refuse" in buttons(holding))
    question = second.question()
    assert second.answer(question, "yes")[0] == 409
    buttons(holding)["Refuse"].click()
    until(lambda: answers == ["no"])
    second.post("/take", {"over": True})
    assert second.answer(question, "yes") == (
        409,
        "that question was answered or taken back meanwhile; nothing is sent",
    )
    until(lambda: "Bert holds the run on another page" in words(holding, "holder"))
    assert not seen(holding, "pause")


def test_a_stale_approval_is_refused_and_the_page_keeps_saying_so(served, holding, visitor):
    answers = ask(served.view)
    until(lambda: "Approve…" in buttons(holding))
    buttons(holding)["Approve…"].click()
    yes = until(lambda: buttons(holding).get(f"Yes: send command {COMMAND.sha256[:12]}"))
    until(yes.is_enabled)
    # this page's view of the question is held back while another command takes its place
    holding.execute_script("stale = now.questions[0]; take = () => {}")
    served.view.answer(visitor(served).question()["number"], COMMAND.sha256, "no", "the terminal")
    until(lambda: answers == ["no"])
    yes.click()
    until(lambda: "answered or taken back" in words(holding, "refusals"))
    assert answers == ["no"]


def test_the_stop_works_while_a_question_is_open_and_with_a_frozen_page(served, window, visitor):
    window.get(served.address)
    ask(served.view)
    until(lambda: seen(window, "ask"))
    assert "software stop, not the emergency stop" in words(window, "stop")
    window.find_element(By.ID, "stop").click()
    until(lambda: len(served.stops) == 1)
    assert window.find_element(By.ID, "stop").is_enabled()
    window.execute_script("setTimeout(() => { for (const end = Date.now() + 1500; Date.now() < end;); }, 0)")
    assert visitor(served).post("/stop")[0] == 200
    assert len(served.stops) == 2


def test_without_the_token_a_page_only_looks_and_stops(served, window):
    window.get(served.address)
    answers = ask(served.view)
    until(lambda: seen(window, "ask"))
    assert "This page only looks: it has no token." in words(window, "holder")
    assert buttons(window) == {}
    assert not any(seen(window, name) for name in ("take", "release", "pause", "name"))
    # what a page without it asks for all the same is refused, and said
    window.execute_script("act('/answer', { ...now.questions[0], answer: 'yes' })")
    until(lambda: "without the run's token" in words(window, "refusals"))
    assert answers == []
    window.find_element(By.ID, "stop").click()
    until(lambda: served.stops == ["stopped on the page by an operator, whose page has no token"])


def test_marks_are_told_apart_by_shape_belong_to_their_frame_and_can_be_hidden(served, window):
    places = np.array([[3.0, 4.0], [30.0, 40.0]])
    served.view.report(FrameTaken(0, np.eye(64), places, 1, 1.0, time.time()))
    served.view._seen(1, Predicted("indexed by 2 of 2 spots", places, places + 5.0, {"x": 0.5}, {"off_deg": 0.2}))
    window.get(served.link)
    until(lambda: len(window.find_elements(By.CSS_SELECTOR, "#spots .predicted")) == 2)
    assert words(window, "legend").split("\n") == ["found (2)", "predicted (2)", "at the goal (2)"]
    shapes = [each.get_attribute("outerHTML") for each in window.find_elements(By.CSS_SELECTOR, "#legend svg > *")]
    assert len({re.sub(r' class="[^"]*"', "", shape) for shape in shapes}) == 3
    assert "indexed by 2 of 2 spots" in words(window, "sight")
    assert "0.2 °" in words(window, "estimate").replace("\u00a0", " ")
    window.find_element(By.ID, "mark-predicted").click()
    until(lambda: not window.find_elements(By.CSS_SELECTOR, "#spots .predicted"))
    assert len(window.find_elements(By.CSS_SELECTOR, "#spots .found")) == 2
    served.view.report(FrameTaken(1, np.eye(64), places, 2, 1.0, time.time()))
    until(lambda: "frame 2" in words(window, "frameage") and not window.find_elements(By.CSS_SELECTOR, "#spots .goal"))


def test_an_axis_that_is_turned_by_hand_is_asked_for_beside_the_pattern_that_it_leads_to(served, holding, monkeypatch):
    places = np.array([[30.0, 40.0]])
    asked_where = []

    def ahead(at):
        asked_where.append(at.tolist())
        return Predicted("", places + 9.0, None, {}, {"off_deg": 0.1})

    monkeypatch.setattr(served.view._looking, "ahead", ahead)
    axes = tuple(AxisReading(name, "mm", 0.1, 0.1, -1.0, 1.0) for name in ("x", "y", "dwell"))
    served.view.report(AxesRead(0, axes))
    served.view.report(FrameTaken(0, np.eye(64), places, 1, 1.0, time.time()))
    served.view._seen(1, Predicted("indexed", places))
    move = AxisMove("x", "mm", 0.1, 0.4, -1.0, 1.0)
    served.view.report(CommandProposed(Proposal(1, (move,), False, True, False, None)))
    words_of_it = "Turn x clockwise by 0.30 mm, from 0.10 mm to 0.40 mm. Then type what it reads: "
    answers = ask(served.view, None, words_of_it, "axis")
    until(lambda: "An axis to turn by hand" in words(holding, "askhead"))
    assert words(holding, "asktext").strip() == words_of_it.strip()
    until(lambda: holding.find_elements(By.CSS_SELECTOR, "#spots .ahead"))
    assert asked_where[-1] == [0.4, 0.1, 0.1]
    assert "0.1 °" in words(holding, "ahead").replace("\u00a0", " ")
    holding.find_element(By.CSS_SELECTOR, "#answers input").send_keys("0,39", Keys.ENTER)
    until(lambda: answers == ["0,39"])


def test_simulation_looks_unlike_hardware_and_a_latched_guard_unlike_a_running_one(served, window):
    served.view.report(StateChanged("running"))
    window.get(served.address)
    until(lambda: words(window, "word") == "RUNNING")
    assert words(window, "kind") == "HARDWARE"
    look = "return getComputedStyle(document.querySelector('header')).background"
    hardware = window.execute_script(look)
    served.view._shown["run"]["simulation"] = True
    served.view.report(StateChanged("latched", "the beam is gone", 9))
    until(lambda: words(window, "word") == "LATCHED")
    assert words(window, "kind") == "SIMULATION"
    assert window.execute_script(look) != hardware
    assert "item 9 · the beam is gone" in words(window, "why")


def test_a_sample_is_mapped_with_its_best_site(served, window):
    for step, (x, points) in enumerate([(-0.5, 2.0), (0.5, 9.0), (0.0, 4.0)]):
        axes = tuple(AxisReading(name, "mm", x, x, -1.0, 1.0) for name in ("x", "y"))
        served.view.report(AxesRead(step, axes))
        served.view._path[-1]["score"] = points
    window.get(served.address)
    until(lambda: seen(window, "sites"))
    sizes = [float(each.get_attribute("r")) for each in window.find_elements(By.CSS_SELECTOR, "#map .site")]
    assert sizes == pytest.approx([4.0, 10.0, 4.0 + 6.0 * 2.0 / 7.0])
    assert "2 to 9; ringed: the best, at 0.5, 0.5" in words(window, "mapwords")
