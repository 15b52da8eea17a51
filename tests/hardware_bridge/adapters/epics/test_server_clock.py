"""How far a server's clock is ahead, from records that it has just processed, whoever processed them before."""

import asyncio
import time

import pytest

pytest.importorskip("aioca", reason="the EPICS adapter needs the extra 'epics'")

from beamgym.hardware_bridge.adapters.epics.camera_records import ServerClock


class Record:
    """A record on a server whose clock is ahead; one that is put its own value again is not stamped anew."""

    def __init__(self, ahead_s):
        self.ahead_s, self.value = ahead_s, 0.0
        self.stamp_s = time.time() + ahead_s - 5.0

    async def put(self, value):
        if value != self.value:
            self.value, self.stamp_s = value, time.time() + self.ahead_s

    async def stamp(self):
        return self.stamp_s


def measured(record, *puts):
    async def go():
        clock = ServerClock()
        for value in puts:
            await clock.measure(record.put(value), record.stamp)
        return clock.offset_s()

    return asyncio.run(go())


@pytest.mark.parametrize("ahead_s", [0.0, -30.0, 4.0])
def test_the_difference_is_that_of_a_record_that_was_just_processed(ahead_s):
    offset_s, uncertain_s = measured(Record(ahead_s), 1.0)
    assert abs(offset_s - ahead_s) <= uncertain_s + 1e-6


def test_what_another_client_had_processed_before_says_nothing_about_the_clock():
    record = Record(0.0)

    async def go():
        clock = ServerClock()
        await clock.measure(record.put(1.0), record.stamp)
        # another client, or an axis that sets the exposure, a while before our own put of the same value
        record.value, record.stamp_s = 2.0, time.time() - 1.2
        await clock.measure(record.put(2.0), record.stamp)
        return clock.offset_s()

    offset_s, uncertain_s = asyncio.run(go())
    assert abs(offset_s) <= uncertain_s + 1e-6


def test_a_server_that_stamps_nothing_anew_is_not_measured():
    assert measured(Record(7.0), 0.0) is None
