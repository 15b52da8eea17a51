"""A real browser for tests: Debian's chromium and its driver, through Selenium."""

import asyncio
import shutil
import threading
import time

from selenium import webdriver
from selenium.webdriver.common.by import By

from beamgym.hardware_bridge.deployment.events.content import Question
from beamgym.hardware_bridge.records.shown_command import ShownCommand, ShownMove

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
THERE = bool(CHROMIUM and DRIVER)
WHY = "needs chromium: apt-get install chromium chromium-driver"

LONG_S = 60.0
MOVE = ShownMove("x", "mm", 0.0, 0.5, (-1.0, 1.0), 0.001)
COMMAND = ShownCommand((MOVE,), exposure_s=2.0, nearest_box="post, 0.3 away on x")
_WORDS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def make_browser(width=1280, height=1000):
    """Return a browser with a screen of a size, in pixels; it keeps all that it sends and says."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for word in _WORDS:
        options.add_argument(word)
    # a headless window is no narrower than 500 pixels; a device is
    options.add_experimental_option(
        "mobileEmulation", {"deviceMetrics": {"width": width, "height": height, "pixelRatio": 1.0}}
    )
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    made = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    made.set_script_timeout(LONG_S)
    return made


def until(true):
    """Return what a function returns as soon as it is true."""
    give_up = time.monotonic() + LONG_S
    while not (found := true()):
        assert time.monotonic() < give_up
        time.sleep(0.05)
    return found


def words(window, name):
    """Return the text of a part of the page."""
    return window.find_element(By.ID, name).text


def seen(window, name):
    """Whether a part of the page is shown."""
    return window.find_element(By.ID, name).is_displayed()


def buttons(window, within="answers"):
    """Return the buttons of a part of the page by their texts."""
    return {each.text: each for each in window.find_elements(By.CSS_SELECTOR, f"#{within} button")}


def ask(view, command=COMMAND, text="step 1: x by +0.5 mm. Do it?", about="command"):
    """Ask about a command until it is answered; the answers come into the list that is returned."""
    answers, question = [], Question(text, about, None, command)
    threading.Thread(target=lambda: answers.append(asyncio.run(view.ask(question))), daemon=True).start()
    return answers
