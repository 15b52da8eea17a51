"""A wait tells that it goes on, and a short one says nothing."""

import threading

from beamgym.scripts.deploying.waiting import telling_seconds


def test_a_long_wait_tells_how_long_it_has_taken():
    told, second = [], threading.Event()

    def tell(line):
        told.append(line)
        if len(told) == 2:
            second.set()

    with telling_seconds("compiling", tell, every_s=0.01):
        assert second.wait(30.0)
    assert all(line.startswith("compiling: ") and line.endswith(" s") for line in told)
    count = len(told)
    assert not [thread for thread in threading.enumerate() if thread.name == "telling" and thread.is_alive()]
    assert len(told) == count


def test_a_short_wait_says_nothing():
    told = []
    with telling_seconds("compiling", told.append, every_s=600.0):
        pass
    assert told == []
