"""The scan of a plate over Channel Access says of each crystal what the scan of the same simulated plate says."""

import numpy as np
import pytest

from beamgym.hardware_bridge.deployment import Deployment, Options
from beamgym.hardware_bridge.plates import ScanPlan, scan_over
from beamgym.hardware_bridge.practice.simulated import EmulatedSample
from beamgym.hardware_bridge.records.audit_check import verify_log
from beamgym.physics.mosaic.scan import FrameStore, ScanSettings, scan_plate
from beamgym.physics.orientation import misorientation_deg

CRYSTALS, MOST_DIFFERENT = 20, 1
SETTINGS = ScanSettings(exposure_s=2.0, places=2, looks=1)

pytestmark = pytest.mark.slow


def test_twenty_crystals_are_judged_as_in_simulation(special_ioc, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ioc = special_ioc("mosaic", speed=1e6, options={"crystals": CRYSTALS})
    sample = EmulatedSample("mosaic", {"crystals": CRYSTALS})
    sample.reset(0)
    plate = sample.world.world
    outlines = plate.outlines()
    simulated = scan_plate(plate, outlines, SETTINGS)
    deployment = Deployment(ScanPlan(), "mosaic_soft_ioc", Options(yes=True, confirm="never"))
    store = FrameStore(tmp_path / "frames.h5", "practice plate")
    real = scan_over(deployment, outlines, SETTINGS, store)
    pairs = list(zip(simulated.crystals, real.crystals, strict=True))
    different = [one.name for one, other in pairs if one.verdict != other.verdict]
    assert len(different) <= MOST_DIFFERENT, different
    assert sum(one.verdict == "indexed" for one in real.crystals) >= CRYSTALS // 2
    assert 0.0 < real.instrument_s < 3600.0
    both = [(one, other) for one, other in pairs if one.verdict == other.verdict == "indexed"]
    turns = [misorientation_deg(one.orientation, other.orientation, real.rotations) for one, other in both]
    assert np.max(turns) < 0.1
    (log,) = (tmp_path / "out").glob("deploy-*/audit.jsonl")
    assert verify_log(log).ok
    truth = ioc.truth()
    assert (truth["moving"], truth["shutter_open"]) == ([], False)
