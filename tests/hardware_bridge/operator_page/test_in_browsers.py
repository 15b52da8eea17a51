"""The page in browsers that are killed, narrow, many, or of somebody who means harm."""

import http.server
import json
import shutil
import threading
import time

import numpy as np
import pytest

pytest.importorskip("selenium", reason="a real browser needs the extra 'browser'")

from rigs.browsers import LONG_S, THERE, WHY, ask, buttons, make_browser, seen, until, words
from selenium.webdriver.common.by import By

from beamgym.hardware_bridge.deployment.events.content import AxisReading
from beamgym.hardware_bridge.deployment.events.events import AlarmRaised, AxesRead, Ended, FrameTaken, StateChanged
from beamgym.hardware_bridge.operator_page.replay import read_recording
from beamgym.hardware_bridge.operator_page.serving import OperatorPage
from beamgym.hardware_bridge.records.audit import AuditLog

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not THERE, reason=WHY)]


@pytest.fixture
def browser():
    """Call it for a browser with a screen of a size; it is ended with the test."""
    made = []

    def make(width=1280, height=1000):
        made.append(make_browser(width, height))
        return made[-1]

    yield make
    for each in made:
        each.quit()


def test_a_page_that_is_opened_anew_shows_the_present_and_one_whose_run_is_gone_says_that_it_is_blind(served, browser):
    first = browser()
    first.get(served.address)
    until(lambda: words(first, "word") == "CONNECTING")
    # killed, not closed
    first.service.process.kill()
    served.view.report(StateChanged("latched", "the beam is gone", 9))
    served.view.report(AlarmRaised("the beam is gone", 9))
    second = browser()
    second.get(served.address)
    until(lambda: words(second, "word") == "LATCHED")
    assert "item 9 · the beam is gone" in words(second, "why")
    assert "ALARM (item 9): the beam is gone" in words(second, "alarm")
    # as a process that was killed: without a word
    served._server.end_streams = lambda wake: None
    served._server.shutdown()
    second.execute_script("EventSource.prototype.addEventListener = () => {}; heard -= 7000; ages()")
    until(lambda: seen(second, "blind"))
    assert "THIS PAGE IS BLIND" in words(second, "blind")


def test_a_page_says_when_the_run_has_ended_and_asks_no_more(served, browser):
    window = browser()
    window.get(served.link)
    until(lambda: "This page holds the run" in words(window, "holder"))
    served.view.report(Ended("run", "", "abc"))
    served.close()
    until(lambda: "The run has ended" in words(window, "blind"))
    window.get_log("browser")
    time.sleep(3.0)
    assert [entry for entry in window.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_a_page_comes_back_to_the_present_when_its_network_does(served, browser):
    window = browser()
    window.get(served.link)
    until(lambda: "This page holds the run" in words(window, "holder"))
    off = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    window.execute_cdp_cmd("Network.enable", {})
    window.execute_cdp_cmd("Network.emulateNetworkConditions", off)
    # an open stream survives the emulation: it is closed as a lost one is
    window.execute_script("window.stop()")
    served.view.report(StateChanged("suspended", "the beam is low"))
    window.execute_cdp_cmd("Network.emulateNetworkConditions", {**off, "offline": False})
    until(lambda: words(window, "word") == "SUSPENDED")


def test_of_many_pages_in_one_browser_every_one_shows_the_present_and_stops(served, browser):
    window = browser()
    window.get(served.link)
    for _ in range(7):
        window.switch_to.new_window("tab")
        window.get(served.address)
    served.view.report(StateChanged("running"))
    for number, handle in enumerate(window.window_handles):
        window.switch_to.window(handle)
        until(lambda: words(window, "word") == "RUNNING")
        window.find_element(By.ID, "stop").click()
        until(lambda number=number: len(served.stops) == number + 1)


EVIL = """<!doctype html><title>evil</title><img src="TARGETframe/1.jpg"><iframe src="TARGET"></iframe>
<script src="TARGETpage.js"></script>
<form id="form" method="post" action="TARGETstop" enctype="text/plain" target="sink">
<input name='{"operator":"x","a":"' value='"}'></form>
<iframe name="sink"></iframe>
<script>
window.done = [];
const tell = (what) => (outcome) => done.push([what, String(outcome)]);
const body = '{"operator":"evil"}', json = { "Content-Type": "application/json" };
fetch("TARGETstop", { method: "POST", body }).then(tell("plain"), tell("plain"));
fetch("TARGETstop", { method: "POST", body, mode: "no-cors" }).then((a) => tell("no-cors")(a.type), tell("no-cors"));
fetch("TARGETstop", { method: "POST", body, headers: json }).then(tell("json"), tell("json"));
fetch("TARGETstate").then(tell("state"), tell("state"));
new EventSource("TARGETevents").onerror = tell("events");
navigator.sendBeacon("TARGETstop", new Blob([body], { type: "text/plain" }));
document.getElementById("form").submit();
</script>"""


def test_another_site_in_the_same_browser_can_neither_act_nor_look(served, browser, visitor):
    served.view.report(FrameTaken(0, np.eye(64), None, 1, 1.0, time.time()))
    content = EVIL.replace("TARGET", served.address).encode()

    class Evil(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *given):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Evil) as evil:
        threading.Thread(target=evil.serve_forever, daemon=True).start()
        window = browser()
        window.get(f"http://127.0.0.1:{evil.server_address[1]}/")
        done = until(lambda: len(found := window.execute_script("return done")) >= 5 and found)
        assert {what: outcome for what, outcome in done if what != "events"} == {
            "plain": "TypeError: Failed to fetch",
            "no-cors": "TypeError: Failed to fetch",
            "json": "TypeError: Failed to fetch",
            "state": "TypeError: Failed to fetch",
        }
        assert window.execute_script("return document.images[0].naturalWidth") == 0
        assert window.execute_script("return typeof draw") == "undefined"
        evil.shutdown()
    # what was sent without being readable was refused as well
    assert visitor(served).shown()["stopped_by"] == ""
    assert served.stops == []


def test_a_narrow_screen_shows_everything_below_each_other(served, browser):
    served.view.report(FrameTaken(0, np.eye(64), None, 1, 1.0, time.time()))
    served.view.report(AxesRead(1, tuple(AxisReading(name, "mm", 0.1, 0.1, -1.0, 1.0) for name in ("x", "y"))))
    window = browser(360, 740)
    window.get(served.link)
    ask(served.view)
    until(lambda: seen(window, "ask") and seen(window, "glass") and seen(window, "map"))
    assert window.execute_script("return document.documentElement.scrollWidth") <= 360
    window.execute_script("scrollTo(0, document.body.scrollHeight)")
    place = window.find_element(By.ID, "stop").rect
    top = window.execute_script("return document.getElementById('stop').getBoundingClientRect().top")
    assert place["width"] > 300
    assert 0 <= top < 100


CONTRAST = """
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
        return [each.textContent.trim().slice(0, 30), (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05),
                parseFloat(getComputedStyle(each).fontSize)];
    });
"""


def test_nothing_is_said_by_colour_alone_and_every_word_stands_out_and_is_large_enough(served, browser):
    window, marks = browser(), set()
    window.get(served.link)
    ask(served.view)
    states = ("armed", "running", "suspended", "latched", "closed")
    for state in states:
        served.view.report(StateChanged(state))
        until(lambda state=state: words(window, "word") == state.upper())
        marks.add(words(window, "sign"))
    assert len(marks) == len(states)
    found = window.execute_script(CONTRAST)
    # 4.5 to 1: WCAG 2.1, level AA, of text
    assert [row for row in found if row[1] < 4.5] == []
    assert [row for row in found if row[2] < 12.0] == []


def test_a_log_that_does_not_verify_is_not_drawn(tmp_path, browser, file):
    from beamgym.hardware_bridge.instrument_file.load import shipped_instrument

    folder = tmp_path / "deploy-1"
    folder.mkdir()
    shutil.copyfile(shipped_instrument("arpes_practice"), folder / "instrument.yaml")
    with AuditLog(folder / "audit.jsonl") as log:
        log.event("armed")
    window = browser()
    with OperatorPage(read_recording(folder), 0) as page:
        window.get(page.address)
        until(lambda: words(window, "word") == "ARMED")
        assert words(window, "kind") == "REPLAY of a run on hardware"
        assert not any(seen(window, name) for name in ("stop", "who", "broken"))
    text = (folder / "audit.jsonl").read_text(encoding="utf-8")
    (folder / "audit.jsonl").write_text(text.replace('"armed"', '"calmed"'), encoding="utf-8")
    with OperatorPage(read_recording(folder), 0) as page:
        window.get(page.address)
        until(lambda: "THIS LOG DOES NOT VERIFY" in words(window, "broken"))
        assert not any(seen(window, name) for name in ("state", "axes", "log", "picture"))


PRESS = """
    const all = [...document.querySelectorAll("#answers button")].filter((each) => !each.disabled);
    const found = all.find((each) => each.textContent.startsWith(arguments[0]));
    if (found) found.click();
    return Boolean(found);
"""


def test_a_person_plays_by_the_page_alone(watched, browser):
    run = watched(person=True, confirm="every", max_steps=3)
    window = browser()
    window.get(run.page.link)

    def approve():
        for text in ("Approve…", "Yes: "):
            until(lambda text=text: window.execute_script(PRESS, text))

    approve()
    until(lambda: seen(window, "turn"))
    x = json.loads(window.execute_script("return JSON.stringify(now.axes[0])"))
    field = window.find_element(By.NAME, "x")
    field.clear()
    field.send_keys("-0.125" if x["readback"] > 0 else "0.125")
    field.submit()
    approve()
    until(lambda: seen(window, "turn"))
    buttons(window, "turnform")["I am done: declare"].click()
    run._thread.join(LONG_S)
    assert (run.ended.policy, run.ended.ending, run.ended.moves) == ("person", "declared", 1)
