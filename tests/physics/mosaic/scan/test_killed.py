"""A scan that is killed, at any moment and by any means, loses the crystal in hand and no other."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from beamgym.physics.crystal import load_crystal
from beamgym.physics.mosaic.plate import PlateOptions, PlateWorld, draw_plate
from beamgym.physics.mosaic.scan import FrameStore, ScanSettings, scan_plate, scanning
from beamgym.physics.mosaic.scan.reading import Reader

CRYSTALS, KILLS = 24, 20
SETTINGS = ScanSettings(exposure_s=0.5, places=1, looks=0)

SCAN = """
import sys
from beamgym.physics.mosaic.plate import PlateOptions, PlateWorld
from beamgym.physics.mosaic.scan import FrameStore, ScanSettings, scan_plate

world = PlateWorld.drawn("Ca2RuO4", 8, PlateOptions.faultless(24))
scan_plate(world, world.outlines(), ScanSettings(exposure_s=0.5, places=1, looks=0), FrameStore(sys.argv[1], "p"))
"""


class Killed(Exception):
    """As a power failure."""


class Dying:
    """An instrument that dies at its k-th command, before or after it was obeyed."""

    def __init__(self, world, commands, after):
        self.world, self.left, self.after, self.visited = world, commands, after, []

    def __getattr__(self, name):
        return getattr(self.world, name)

    def move(self, target, mask):
        self.visited.append(tuple(np.round(target[0], 3)))
        return self._obeyed(lambda: self.world.move(target, mask))

    def acquire(self, settings, mask):
        return self._obeyed(lambda: self.world.acquire(settings, mask))

    def _obeyed(self, obey):
        self.left -= 1
        if self.left < 0 and not self.after:
            raise Killed
        done = obey()
        if self.left < 0:
            raise Killed
        return done


def test_twenty_kills_lose_the_crystal_in_hand_each(tmp_path, monkeypatch):
    crystal = load_crystal("Ca2RuO4")
    plate = draw_plate(crystal, 8, PlateOptions.faultless(CRYSTALS))
    world = PlateWorld.of(plate, crystal)
    ready = Reader(crystal, world.context.beam, world.context.detector)
    monkeypatch.setattr(scanning, "Reader", lambda *given: ready)  # preparing it twenty times takes longest
    rng, path, visits = np.random.default_rng(16), tmp_path / "frames.h5", []
    for _ in range(KILLS):
        kept = FrameStore(path, "p").names
        dying = Dying(world, int(rng.integers(0, 5)), bool(rng.integers(0, 2)))
        with pytest.raises(Killed):
            scan_plate(dying, plate.outlines, SETTINGS, FrameStore(path, "p"))
        now = FrameStore(path, "p").names
        assert set(kept) <= set(now), "what was kept is kept"
        assert len(dying.visited) - (len(now) - len(kept)) <= 1, "one crystal was in hand"
        visits += dying.visited
        if len(now) > CRYSTALS - 3:
            path.with_suffix(".parts").rename(tmp_path / f"full-{len(visits)}")
    last = Dying(world, 1000, False)
    scan = scan_plate(last, plate.outlines, SETTINGS, FrameStore(path, "p"))
    assert [one.verdict for one in scan.crystals] == ["indexed"] * CRYSTALS
    assert set(FrameStore(path, "p").names) == {outline.name for outline in plate.outlines}


@pytest.mark.slow
@pytest.mark.parametrize("kept_at_least", [1, 7])
def test_a_process_that_is_killed_loses_no_crystal_that_it_kept(tmp_path, kept_at_least):
    path = tmp_path / "frames.h5"
    process = subprocess.Popen([sys.executable, "-c", SCAN, str(path)])
    parts = Path(path.with_suffix(".parts"))
    give_up = time.monotonic() + 600.0
    while len(list(parts.glob("[0-9]*.h5"))) < kept_at_least and time.monotonic() < give_up:
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    kept = FrameStore(path, "p").names
    assert kept_at_least <= len(kept) < CRYSTALS
    world = PlateWorld.drawn("Ca2RuO4", 8, PlateOptions.faultless(CRYSTALS))
    counting = Dying(world, 1000, False)
    scan_plate(counting, world.outlines(), SETTINGS, FrameStore(path, "p"))
    assert len(counting.visited) == CRYSTALS - len(kept)
