"""`beamgym ioc` answers mistakes in one line, before anything is served; serving is tested with the hardware bridge."""

from contextlib import contextmanager

import pytest

from beamgym.scripts.ioc import ioc_command

pytest.importorskip("caproto", reason="the practice instrument needs the extra 'ioc'")


@pytest.fixture
def ioc(as_verb):
    return as_verb(ioc_command, columns=120)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("xps",), "unknown instrument 'xps'; choose one of laue, arpes"),
        (("laue", "--port", "0"), "port is 0; choose 1 to 65535"),
        (("laue", "--prefix", "a.b"), "prefix is 'a.b'"),
        (("laue", "--level", "awful"), "unknown level 'awful'; choose one of easy, real, hard"),
        (("laue", "-o", "goniometer"), "--option 'goniometer' is not NAME=VALUE"),
        (("laue", "-o", "colour=red"), "unknown option colour"),
        (("laue", "--record", "/no/such/folder/record.jsonl"), "cannot write"),
        (("laue", "--speed", "-1"), "speed is -1.0; choose a finite factor above 0"),
    ],
)
def test_mistakes_are_refused(ioc, words, message):
    result = ioc(*words)
    assert result.exit_code != 0
    assert message in str(result.exception)
    assert isinstance(result.exception, ValueError | TypeError)


def test_it_tells_that_it_gets_ready_until_it_listens(ioc, monkeypatch):
    from types import SimpleNamespace

    from beamgym.hardware_bridge.practice import soft_ioc

    told = []

    @contextmanager
    def telling(what, tell):
        told.append(what)
        yield
        told.append("over")

    def serve(options, ready):
        assert told == ["getting ready, which compiles the first time"]
        ready(SimpleNamespace(channels={"bgym:j1": None}))
        assert told[-1] == "over"

    monkeypatch.setattr("beamgym.scripts.ioc.telling_seconds", telling)
    monkeypatch.setattr(soft_ioc, "serve", serve)
    result = ioc("laue")
    assert result.exit_code == 0, result.output
    assert "laue: 1 PVs bgym:... on 127.0.0.1:5064" in result.output


def test_without_caproto_the_extra_is_named(ioc, monkeypatch):
    import sys

    floor = sys.modules["beamgym.hardware_bridge"]
    monkeypatch.setattr(floor, "practice", floor.practice)  # put back afterwards: the import below makes another one
    for name in [name for name in sys.modules if name.startswith("beamgym.hardware_bridge.practice")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "caproto", None)
    result = ioc("laue")
    assert "pip install 'beamgym[ioc]'" in str(result.exception)
