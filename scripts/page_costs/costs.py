"""What the operator's page costs in a real browser: from a frame to the glass, and the processor's time meanwhile."""

import os
import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

EDGE, FPS, FRAMES = 2048, 2.0, 20
_DIFFERENT = 4  # frames that take turns, so that none is in a cache
_SPOTS, _BACKGROUND, _BRIGHT = 64, 40.0, 2000
_WAIT_S = 30.0
_START_S = 3.0  # a browser goes on starting after its first page, which is no part of the page's costs
_DRAWN = "return document.getElementById('word').textContent"
_WORDS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")


def glass_ms(seed: int) -> float:
    """Return the milliseconds from a frame's event to the browser's glass, median of 20 of 2048², two a second."""
    return _shown(seed)[0]


def cpu_ms(seed: int) -> float:
    """Return the CPU milliseconds a second of server and browser together, at two such frames a second."""
    return _shown(seed)[1]


def _shown(seed: int) -> tuple[float, float]:
    """Show frames; returns the median time to the glass, ms, and the CPU time a second, ms."""
    from beamgym.hardware_bridge.deployment.events import FrameTaken
    from beamgym.hardware_bridge.instrument_file import load_instrument, shipped_instrument
    from beamgym.hardware_bridge.operator_page import Access, LiveShow, OperatorPage, PageView

    frames = _frames(seed)
    view = PageView(load_instrument(shipped_instrument("laue_soft_ioc")), run="speed")
    with OperatorPage(LiveShow(view, Access("speed"), lambda reason: None), 0) as page, _browser() as browser:
        browser.get(page.address)
        give_up = time.monotonic() + _WAIT_S
        while not browser.execute_script(_DRAWN) and time.monotonic() < give_up:
            time.sleep(0.1)
        time.sleep(_START_S)
        processes = _family(browser.service.process.pid)
        own, theirs, begun = time.process_time(), _cpu_s(processes), time.monotonic()
        for number in range(FRAMES):
            image, spots = frames[number % _DIFFERENT]
            view.report(FrameTaken(number, image, spots, number, 1.0 / FPS, time.time()))
            time.sleep(max(0.0, begun + (number + 1) / FPS - time.monotonic()))
        took = time.monotonic() - begun
        spent = time.process_time() - own + _cpu_s(processes) - theirs
        glass = browser.execute_script("return glassMs")
    if len(glass) < FRAMES:
        raise OSError(f"the browser painted {len(glass)} of {FRAMES} frames")
    return statistics.median(glass), 1000.0 * spent / took


def _frames(seed: int) -> list[tuple[Any, Any]]:
    """Return images like a Laue camera's, with the places of their spots."""
    random, made = np.random.default_rng(seed), []
    for _ in range(_DIFFERENT):
        image = random.poisson(_BACKGROUND, (EDGE, EDGE)).astype(np.uint16)
        spots = random.uniform(10, EDGE - 10, (_SPOTS, 2))
        for column, row in spots.astype(int):
            image[row - 3 : row + 4, column - 3 : column + 4] += _BRIGHT
        made.append((image, spots))
    return made


@contextmanager
def _browser() -> Iterator[Any]:
    """Yield a browser; raises ImportError, in one line, where there is none."""
    programs = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if find_spec("selenium") is None or None in programs:
        raise ImportError("no browser: pip install 'beamgym[browser]', apt-get install chromium chromium-driver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = programs[0]
    for word in _WORDS:
        options.add_argument(word)
    browser = webdriver.Chrome(options, webdriver.ChromeService(programs[1]))
    try:
        yield browser
    finally:
        browser.quit()


def _family(parent: int) -> list[int]:
    """Return a process and all that it has begun, by number."""
    found = [parent]
    for number in found:
        for children in Path(f"/proc/{number}/task").glob("*/children"):
            found += [int(child) for child in children.read_text().split()]
    return found


def _cpu_s(processes: list[int]) -> float:
    """Return the CPU seconds of processes so far; of one that has ended, none."""
    ticks = 0
    for number in processes:
        try:
            after_name = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(after_name[11]) + int(after_name[12])
    return ticks / os.sysconf("SC_CLK_TCK")
