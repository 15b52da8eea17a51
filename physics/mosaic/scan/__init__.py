"""Scans of plates: where the beam goes, how frames are read, and what each crystal is."""

from beamgym.physics.mosaic.scan.analysis import analysed
from beamgym.physics.mosaic.scan.foreign import ForeignScan, read_foreign
from beamgym.physics.mosaic.scan.frames import FrameStore, TakenFrame
from beamgym.physics.mosaic.scan.panel import PanelFit, SeenSpots, fit_panel, moved_panel
from beamgym.physics.mosaic.scan.places import MARGIN_MM, places_in, short_route
from beamgym.physics.mosaic.scan.reading import GrainSeen, Reader, Reading
from beamgym.physics.mosaic.scan.scanned import PlateScan
from beamgym.physics.mosaic.scan.scanning import ScanSettings, scan_plate
from beamgym.physics.mosaic.scan.verdicts import LEAST_SHARE, SAME_DEG, SAME_UNCALIBRATED_DEG, Judge

__all__ = [
    "LEAST_SHARE",
    "MARGIN_MM",
    "SAME_DEG",
    "SAME_UNCALIBRATED_DEG",
    "ForeignScan",
    "FrameStore",
    "GrainSeen",
    "Judge",
    "PanelFit",
    "PlateScan",
    "Reader",
    "Reading",
    "ScanSettings",
    "SeenSpots",
    "TakenFrame",
    "analysed",
    "fit_panel",
    "moved_panel",
    "places_in",
    "read_foreign",
    "scan_plate",
    "short_route",
]
