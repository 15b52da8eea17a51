"""The page in a real browser: Debian's chromium and its driver, through Selenium."""

import json
import re
import shutil
import time

import numpy as np
import pytest

pytest.importorskip("selenium", reason="a real browser needs the extra 'browser'")

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from beamgym.hardware_bridge.deployment.events.content import AxisReading, Question
from beamgym.hardware_bridge.deployment.events.events import AlarmRaised, AxesRead, FrameTaken, StateChanged
from beamgym.hardware_bridge.records.shown_command import ShownCommand, ShownMove

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium: apt-get install chromium chromium-driver"),
]

LONG_S = 60.0
MOVE = ShownMove("x", "mm", 0.0, 0.5, (-1.0, 1.0), 0.001)
COMMAND = ShownCommand((MOVE,), exposure_s=2.0, nearest_box="post, 0.3 away on x")
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")


@pytest.fixture
def browser():
    """Call it for a browser with a window of a size; it is ended with the test."""
    made = []

    def make(width=1280, height=1000):
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", *QUIET):
            options.add_argument(word)
        # a headless window is no narrower than 500 pixels; a device is
        options.add_experimental_option(
            "mobileEmulation", {"deviceMetrics": {"width": width, "height": height, "pixelRatio": 1.0}}
        )
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        made.append(webdriver.Chrome(options, webdriver.ChromeService(DRIVER)))
        made[-1].set_script_timeout(LONG_S)
        return made[-1]

    yield make
    for each in made:
        each.quit()


def until(true):
    """Return what a function returns as soon as it is true."""
    give_up = time.monotonic() + LONG_S
    while not (found := true()):
        assert time.monotonic() < give_up
        time.sleep(0.05)
    return found


def words(window, name):
    return window.find_element(By.ID, name).text


def seen(window, name):
    return window.find_element(By.ID, name).is_displayed()


def buttons(window):
    return {each.text: each for each in window.find_elements(By.CSS_SELECTOR, "#answers button")}


@pytest.fixture
def asked(served):
    """Call it with a command: it is asked about until it is answered; the answers come into the list it returns."""
    import asyncio
    import threading

    def ask(command=COMMAND):
        answers = []
        question = Question("step 1: x by +0.5 mm. Do it?", "command", None, command)
        threading.Thread(target=lambda: answers.append(asyncio.run(served.view.ask(question))), daemon=True).start()
        return answers

    return ask


def test_everything_comes_from_this_computer(served, browser):
    served.view.report(FrameTaken(0, np.eye(64), np.array([[3.0, 4.0]]), 1, 1.0, time.time()))
    window = browser()
    window.get(served.link)
    until(lambda: seen(window, "glass"))
    sent = [json.loads(entry["message"])["message"] for entry in window.get_log("performance")]
    asked_for = [each["params"]["request"]["url"] for each in sent if each["method"] == "Network.requestWillBeSent"]
    assert any("/frame/1.jpg" in url for url in asked_for)
    other = [url for url in asked_for if not re.match(rf"http://127\.0\.0\.1:{served.port}/|data:", url)]
    assert other == []
    assert [entry for entry in window.get_log("browser") if entry["level"] == "SEVERE"] == []
    # the token is neither in the address that is shown, nor was it sent in one
    assert window.current_url == served.address
    assert served.shows.access.token not in "".join(asked_for)


def test_a_yes_takes_two_steps_and_only_keys(served, browser, asked):
    window = browser()
    window.get(served.link)
    until(lambda: "This page holds the run" in words(window, "holder"))
    answers = asked()
    until(lambda: "Approve…" in buttons(window))
    assert "0.5000" in words(window, "command")
    assert "post, 0.3 away on x" in words(window, "facts")

    def focused():
        return window.switch_to.active_element.text

    def tab_to(text):
        for _ in range(20):
            window.switch_to.active_element.send_keys(Keys.TAB)
            if focused().startswith(text):
                return
        raise AssertionError(f"no {text}")

    tab_to("STOP")
    tab_to("Approve…")
    window.switch_to.active_element.send_keys(Keys.ENTER)
    # the second key stroke of a slip decides nothing
    window.switch_to.active_element.send_keys(Keys.ENTER)
    assert answers == []
    until(lambda: focused() == f"Yes: send command {COMMAND.sha256[:12]}")
    window.switch_to.active_element.send_keys(Keys.ENTER)
    until(lambda: answers == ["yes"])
    until(lambda: not seen(window, "ask"))


def test_of_two_pages_one_answer_counts_and_the_other_page_says_so(served, browser, asked, visitor):
    window, second = browser(), visitor(served, "Bert")
    window.get(served.link)
    until(lambda: "This page holds the run" in words(window, "holder"))
    answers = asked()
    until(lambda: "Refuse" in buttons(window))
    question = second.question()
    assert second.answer(question, "yes")[0] == 409
    buttons(window)["Refuse"].click()
    until(lambda: answers == ["no"])
    second.post("/take", {"over": True})
    assert second.answer(question, "yes") == (
        409,
        "that question was answered or taken back meanwhile; nothing is sent",
    )
    until(lambda: "Bert holds this run on another page" in words(window, "holder"))


def test_the_stop_works_while_a_question_is_open_and_with_a_frozen_page(served, browser, asked, visitor):
    window = browser()
    window.get(served.address)
    asked()
    until(lambda: seen(window, "ask"))
    assert "software stop, not the emergency stop" in words(window, "stop")
    window.find_element(By.ID, "stop").click()
    until(lambda: len(served.stops) == 1)
    assert window.find_element(By.ID, "stop").is_enabled()
    window.execute_script("setTimeout(() => { for (const end = Date.now() + 3000; Date.now() < end;); }, 0)")
    assert visitor(served).post("/stop")[0] == 200
    assert len(served.stops) == 2


def test_a_page_that_is_opened_anew_shows_the_present_and_one_whose_run_is_gone_says_that_it_is_blind(served, browser):
    first = browser()
    first.get(served.address)
    until(lambda: words(first, "word") == "CONNECTING")
    first.quit()
    served.view.report(StateChanged("latched", "the beam is gone", 9))
    served.view.report(AlarmRaised("the beam is gone", 9))
    second = browser()
    second.get(served.address)
    until(lambda: words(second, "word") == "LATCHED")
    assert "item 9 · the beam is gone" in words(second, "why")
    assert "ALARM (item 9): the beam is gone" in words(second, "alarm")
    served.close()
    until(lambda: seen(second, "blind"))
    assert "THIS PAGE IS BLIND" in words(second, "blind")


def test_a_narrow_screen_shows_everything_below_each_other(served, browser, asked):
    served.view.report(FrameTaken(0, np.eye(64), None, 1, 1.0, time.time()))
    served.view.report(AxesRead(1, tuple(AxisReading(name, "mm", 0.1, 0.1, -1.0, 1.0) for name in ("x", "y"))))
    window = browser(360, 740)
    window.get(served.link)
    asked()
    until(lambda: seen(window, "ask") and seen(window, "glass") and seen(window, "map"))
    assert window.execute_script("return document.documentElement.scrollWidth") <= 360
    window.execute_script("scrollTo(0, document.body.scrollHeight)")
    place = window.find_element(By.ID, "stop").rect
    top = window.execute_script("return document.getElementById('stop').getBoundingClientRect().top")
    assert place["width"] > 300
    assert 0 <= top < 100


def test_nothing_is_said_by_colour_alone_and_every_word_stands_out(served, browser):
    window, marks = browser(), set()
    window.get(served.address)
    states = ("armed", "running", "suspended", "latched", "closed")
    for state in states:
        served.view.report(StateChanged(state))
        until(lambda state=state: words(window, "word") == state.upper())
        marks.add(words(window, "sign"))
    assert len(marks) == len(states)
    contrast = """
        const parts = (colour) => (colour.match(/[0-9.]+/g) || []).map(Number);
        const linear = (c) => c <= 10 ? c / 3294 : ((c / 255 + 0.055) / 1.055) ** 2.4;
        const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
        const ground = (each) => {
            const colour = each ? parts(getComputedStyle(each).backgroundColor) : [255, 255, 255];
            return colour[3] === 0 ? ground(each.parentElement) : colour;
        };
        const said = (each) => [...each.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
        const all = [...document.querySelectorAll("body *")].filter((e) => e.offsetParent && !e.disabled && said(e));
        return all.map((each) => {
            const both = [light(parts(getComputedStyle(each).color)), light(ground(each))];
            return [each.textContent.trim().slice(0, 30), (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05)];
        });
    """
    # 4.5 to 1: WCAG 2.1, level AA, of text
    assert [pair for pair in window.execute_script(contrast) if pair[1] < 4.5] == []
