"""What the page's server grants and refuses, without a browser."""

import json
import socket

import numpy as np
import pytest

from beamgym.hardware_bridge.deployment.events.events import FrameTaken, StateChanged
from beamgym.hardware_bridge.operator_page.access import SILENT_S, Access, Refused
from beamgym.hardware_bridge.operator_page.serving import BODY_BYTES, OperatorPage


def test_the_page_needs_nothing_from_anywhere_else(served, visitor):
    first = visitor(served)
    status, page = first.get("/")
    assert status == 200
    assert b"http" not in page.replace(b"http-equiv", b"")
    for name in (b"words", b"picture", b"page"):
        assert b'<script src="/%b.js" defer>' % name in page
        script = first.get(f"/{name.decode()}.js")[1].replace(b"http://www.w3.org/2000/svg", b"")
        assert b"http" not in script
    assert b"url(" not in first.get("/page.css")[1].replace(b"url(#hatch)", b"")


def test_the_server_listens_on_loopback_alone(served):
    assert served._server.server_address[0] == "127.0.0.1"


def test_a_port_in_use_is_one_line(served):
    with pytest.raises(ValueError, match=f"on port {served.port}: Address already in use; give another one"):
        OperatorPage(served.shows, served.port)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": None},
        {"Host": "evil.example:8765"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Content_Type": "text/plain"},
        {"Content_Type": "application/x-www-form-urlencoded"},
    ],
    ids=str,
)
def test_what_another_site_sends_is_refused(served, visitor, headers):
    first = visitor(served)
    assert first.post("/take")[0] == 200
    for path in ("/stop", "/take", "/answer", "/pause", "/release"):
        assert first.post(path, **headers)[0] in (403, 415)
    assert served.stops == []
    assert first.shown()["paused_by"] == ""


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Sec_Fetch_Site": "cross-site"}]
)
def test_another_site_does_not_even_look(served, visitor, headers):
    assert visitor(served).get("/state", **headers)[0] == 403


def test_without_the_token_a_page_looks_and_stops_and_does_nothing_else(served, visitor):
    served.view.report(StateChanged("running"))
    guest = visitor(served, "guest")
    guest.token = ""
    assert guest.shown()["state"]["state"] == "running"
    for path in ("/take", "/answer", "/pause", "/turn", "/release", "/go-on"):
        status, line = guest.post(path)
        assert (status, "without the run's token" in line) == (403, True)
    assert guest.post("/stop")[0] == 200
    assert served.stops == ["stopped on the page by guest, whose page has no token"]


def test_a_token_of_another_run_is_told_from_a_wrong_one(served, visitor):
    first = visitor(served)
    first.token = Access("run-0").token
    assert first.post("/take") == (403, "this token is of run-0; this run is run-1: take its own link")
    first.token = served.shows.access.token[:-1] + "?"
    assert "without the run's token" in first.post("/take")[1]


def test_a_second_operator_sees_that_a_first_one_holds_the_run(served, visitor):
    first, second = visitor(served, "Ada"), visitor(served, "Bert")
    assert first.post("/take")[0] == 200
    assert second.shown()["holder"] == {"operator": "Ada", "mine": False}
    assert first.shown()["holder"] == {"operator": "Ada", "mine": True}
    assert second.post("/take") == (409, "Ada holds this run on another page")
    assert second.post("/pause")[0] == 409
    assert second.post("/stop")[0] == 200
    assert second.post("/take", {"over": True})[0] == 200
    assert first.post("/pause")[0] == 409
    assert first.shown()["holder"]["operator"] == "Bert"


def test_who_is_gone_holds_a_run_no_more():
    now = [0.0]
    access = Access("run-1", clock=lambda: now[0])
    access.take(access.token, "a", "Ada")
    now[0] = SILENT_S
    assert access.holder() == ("a", "Ada")
    access.seen("a")
    now[0] = 2.0 * SILENT_S + 1.0
    assert access.holder() is None
    with pytest.raises(Refused, match="no page holds this run"):
        access.require_holder(access.token, "a")


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"[]", 400), (b"{", 400), (b"[" * 4000, 400), (b"{}" + b" " * BODY_BYTES, 413)],
    ids=["a list", "half", "brackets", "too long"],
)
def test_a_body_that_is_no_small_object_is_refused(served, visitor, body, status):
    assert visitor(served).post("/take", body)[0] == status


def test_there_is_nothing_else_that_a_page_can_do(served, visitor):
    first = visitor(served)
    first.post("/take")
    for path in ("/move", "/", "/state", "/../answer", "/arm"):
        assert first.post(path)[0] == 404


def test_a_name_is_shown_without_what_is_no_letter(served, visitor):
    first = visitor(served)
    first.post("/take", {"operator": "A\n\x1b[31mda" + "x" * 100})
    assert first.shown()["holder"]["operator"] == ("A[31mda" + "x" * 100)[: len(first.shown()["holder"]["operator"])]
    assert len(first.shown()["holder"]["operator"]) <= 40


def test_a_frame_comes_as_a_picture_no_larger_than_a_screen_and_keeps_its_spots(served, visitor):
    import io

    from PIL import Image

    image = np.full((2048, 2048), 100, np.uint16)
    image[1001, 777] = 5000
    served.view.report(FrameTaken(0, image, None, 1, 1.0, 0.0))
    status, content = visitor(served).get("/frame/1.jpg")
    shown = np.asarray(Image.open(io.BytesIO(content)))
    assert (status, shown.shape) == (200, (1024, 1024))
    assert np.unravel_index(shown.argmax(), shown.shape) == (500, 388)
    assert visitor(served).get("/frame/2.jpg")[0] == 404


def test_the_stream_sends_the_present_at_once_and_every_change(served):
    with socket.create_connection(("127.0.0.1", served.port), timeout=30.0) as line:
        line.sendall(f"GET /events?page=a HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n\r\n".encode())
        heard = line.makefile("rb")

        def next_state():
            while not (row := heard.readline()).startswith(b"data: {"):
                assert row
            return json.loads(row[6:])["state"]["state"]

        assert next_state() == "connecting"
        served.view.report(StateChanged("running"))
        assert next_state() == "running"
