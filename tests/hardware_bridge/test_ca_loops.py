"""A server that is lost is told by the guard, not by libca past everything else."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("aioca", reason="Channel Access needs the extra 'epics'")

LOSE = """
import asyncio, os, signal, sys

import aioca

from beamgym.hardware_bridge.ca_loops import forget_channels, quiet_channels

async def main():
    channel = sys.argv[1]
    await aioca.connect(channel, timeout=60)
    if sys.argv[3] == "quiet":
        quiet_channels()
    os.kill(int(sys.argv[2]), signal.SIGKILL)
    while (await aioca.cainfo(channel, wait=False)).state == 2:  # connected
        await asyncio.sleep(0.05)
    await asyncio.sleep(1.0)  # libca prints, if it does, when it has told the channel
    forget_channels(asyncio.get_running_loop())

asyncio.run(main())
"""


def lose(special_ioc, how):
    """What a client prints whose server is killed."""
    ioc = special_ioc("laue")
    words = [sys.executable, "-c", LOSE, "bgym:j1.RBV", str(ioc._process.pid), how]
    environment = {**os.environ, **ioc.environment}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=300, check=True)
    return done.stderr


@pytest.mark.slow
def test_libca_says_nothing_of_a_server_that_was_killed_once_it_was_told_to_be_quiet(special_ioc):
    assert "circuit" in lose(special_ioc, "loud").lower()
    quiet = lose(special_ioc, "quiet").lower()
    assert "circuit" not in quiet
    assert "exception" not in quiet
