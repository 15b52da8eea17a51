"""What the page's server grants and refuses, without a browser."""

import json
import socket
import time

import numpy as np
import pytest

from beamgym.hardware_bridge.deployment.events.content import AxisReading
from beamgym.hardware_bridge.deployment.events.events import AxesRead, Ended, FrameTaken, Note, StateChanged
from beamgym.hardware_bridge.operator_page.access import SILENT_S, Access, Refused
from beamgym.hardware_bridge.operator_page.serving import BODY_BYTES, STREAMS, OperatorPage


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


def raw(served, text, timeout_s=30.0):
    """Returns the lines that come back, until the server closes, for a request as it is."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=timeout_s) as line:
        line.sendall(text.replace("\n", "\r\n").replace("HOST", f"127.0.0.1:{served.port}").encode())
        return line.makefile("rb").read().decode().splitlines()


@pytest.mark.parametrize("verb", ["HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "CONNECT"])
def test_no_other_verb_is_answered_and_no_preflight_granted(served, verb):
    lines = raw(served, f"{verb} /stop HTTP/1.1\nHost: HOST\nOrigin: http://evil.example\n\n")
    assert lines[0].endswith("405 Method Not Allowed")
    assert "Allow: GET, POST" in lines
    assert not [line for line in lines if line.startswith("Access-Control")]
    assert lines[-1] == "" if verb == "HEAD" else "GET and POST" in lines[-1]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:PORT", 200),
        ("localhost:PORT", 200),
        ("127.0.0.1", 403),
        ("127.0.0.1.evil.example:PORT", 403),
        ("localhost.evil.example:PORT", 403),
        ("[::1]:PORT", 403),
        ("0.0.0.0:PORT", 403),
        ("localhost:1", 403),
    ],
)
def test_a_name_that_was_made_to_point_here_is_refused(served, visitor, host, status):
    assert visitor(served).get("/state", Host=host.replace("PORT", str(served.port)))[0] == status


def test_a_request_without_a_host_is_refused(served):
    assert raw(served, "GET / HTTP/1.0\n\n")[0].endswith("403 Forbidden")


@pytest.mark.parametrize(
    "lines",
    ["", "Content-Length: 2\nContent-Length: 4\n", "Content-Length: 2\nTransfer-Encoding: chunked\n"]
    + [f"Content-Length: {each}\n" for each in ("-1", "+2", "1_0", "2.0", "٢")],
)
def test_a_request_of_no_plain_length_is_refused(served, lines):
    about = f"Host: HOST\nOrigin: http://HOST\nContent-Type: application/json\n{lines}"
    assert raw(served, f"POST /stop HTTP/1.1\n{about}\n{{}}")[0].endswith("411 Length Required")
    assert served.stops == []


def test_who_sends_too_much_reads_why(served, visitor):
    status, why = visitor(served).post("/take", b"x" * 500_000)
    assert (status, why) == (413, f"at most {BODY_BYTES} bytes are read")


def test_who_sends_a_byte_now_and_then_keeps_no_connection_and_nobody_from_a_stop(served, visitor, monkeypatch):
    monkeypatch.setattr("beamgym.hardware_bridge.operator_page.serving.REQUEST_S", 0.5)
    slow = [socket.create_connection(("127.0.0.1", served.port), timeout=30.0) for _ in range(12)]
    for line in slow:
        line.sendall(b"POST /stop HT")
    assert visitor(served).post("/stop")[0] == 200
    for line in slow:
        # a byte each 0.1 s; the server closes although there is never a long silence
        line.settimeout(0.1)
        for _ in range(100):
            try:
                line.sendall(b"T")
                if line.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        else:
            raise AssertionError("a slow client keeps its connection")
        line.close()
    assert len(served.stops) == 1


def streaming(served):
    line = socket.create_connection(("127.0.0.1", served.port), timeout=30.0)
    line.sendall(f"GET /events?page=a HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n\r\n".encode())
    heard = line.makefile("rb")
    return line, heard, heard.readline()


def test_no_number_of_open_pages_keeps_anybody_from_a_stop(served, visitor):
    pages = [streaming(served) for _ in range(STREAMS + 2)]
    assert [first.split()[1] for _, _, first in pages] == [b"200"] * STREAMS + [b"503"] * 2
    assert visitor(served).post("/stop")[0] == 200
    for line, heard, _ in pages:
        heard.close()
        line.close()
    # a page that is gone is noticed at the next piece that is sent to it
    for _ in range(1000):
        served.view.change()
        line, heard, first = streaming(served)
        heard.close()
        line.close()
        if b"200" in first:
            return
    raise AssertionError("streams of pages that are gone stay open")


def test_an_open_page_is_told_the_end(served):
    line, heard, _ = streaming(served)
    served.view.report(Ended("run", "the beam is gone", ""))
    served.close()
    said = heard.read().decode()
    line.close()
    assert said.rstrip().endswith("event: over\ndata:")
    last = [row for row in said.splitlines() if row.startswith("data: {")][-1]
    assert json.loads(last[6:])["ended"]["problem"] == "the beam is gone"


def test_no_page_is_told_the_name_by_which_another_is_there(served, visitor):
    first, second = visitor(served, "a-secret-name"), visitor(served, "Bert")
    first.post("/take", {"operator": "Ada"})
    assert "a-secret-name" not in second.get("/state?page=Bert")[1].decode()
    assert second.post("/release")[0] == 200
    assert first.shown()["holder"] == {"operator": "Ada", "mine": True}


def test_nothing_is_foretold_before_a_frame_was_seen_or_of_places_that_are_none(served, visitor):
    first = visitor(served)
    assert first.get("/preview?x=0.1")[0] == 400
    served.view.report(AxesRead(1, tuple(AxisReading(each, "mm", 0.1, 0.1, -1.0, 1.0) for each in ("x", "y", "dwell"))))
    assert first.get("/preview?x=0.1")[0] == 409
    for place in ("nan", "1e999", "here"):
        assert first.get(f"/preview?x={place}")[0] == 400


def test_a_page_that_takes_nothing_more_is_let_go(served, monkeypatch):
    monkeypatch.setattr("beamgym.hardware_bridge.operator_page.serving.SEND_S", 0.3)
    line, heard, first = streaming(served)
    assert b"200" in first
    assert served._server._streams == 1
    for _ in range(200):
        # megabytes, so that no buffer takes them
        served.view.report(Note("x" * 1_000_000))
        time.sleep(0.05)
        if not served._server._streams:
            break
    assert served._server._streams == 0
    heard.close()
    line.close()


def test_a_page_without_a_name_cannot_hold_the_run():
    access = Access("run")
    with pytest.raises(Refused, match="needs a name"):
        access.take(access.token, "", "Ada")
    with pytest.raises(Refused, match="no page holds this run"):
        access.require_holder(access.token, "")
