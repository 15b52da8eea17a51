"""Scans of a diffractometer: what a counter counts of a mosaic crystal, and n simulated instruments that scan."""

from beamgym.physics.diffractometer.scans.asked import (
    AZIMUTH,
    CENTRE,
    CENTRE_POINTS,
    COUNT,
    POINTS,
    SCAN,
    ScanFrame,
    ScanSettings,
)
from beamgym.physics.diffractometer.scans.beams import BEAMS, MonoBeam, SlitCounter, SpectralLine, counter, mono_beam
from beamgym.physics.diffractometer.scans.centring import Centring, CentringScan, centring_scans
from beamgym.physics.diffractometer.scans.counting import ScanSample, background, counted, drawn, rates, widths_of
from beamgym.physics.diffractometer.scans.levels import SCAN_LEVELS, ScanErrors, scan_errors
from beamgym.physics.diffractometer.scans.paths import (
    ENVELOPE_DEG,
    SETTLE_S,
    ScanPath,
    axis_path,
    azimuth_path,
    check_envelope,
    room_of,
    within_envelope,
)
from beamgym.physics.diffractometer.scans.profiles import (
    SIGNIFICANT,
    ScanPeak,
    largest_peak,
    peaks_of,
    points_until_peak,
)
from beamgym.physics.diffractometer.scans.reaching import nearest_positions
from beamgym.physics.diffractometer.scans.reflecting import Reflecting, reflecting
from beamgym.physics.diffractometer.scans.sharpening import (
    CentringError,
    SharpOrientation,
    axes_across,
    sharpened,
    sharpest_places,
)
from beamgym.physics.diffractometer.scans.ways import centring_way, first_way, way_of
from beamgym.physics.diffractometer.scans.world import FIRST_COUNT_S, ScanWorld, nothing_scanned

__all__ = [
    "AZIMUTH",
    "BEAMS",
    "CENTRE",
    "CENTRE_POINTS",
    "COUNT",
    "ENVELOPE_DEG",
    "FIRST_COUNT_S",
    "POINTS",
    "SCAN",
    "SCAN_LEVELS",
    "SETTLE_S",
    "SIGNIFICANT",
    "Centring",
    "CentringError",
    "CentringScan",
    "MonoBeam",
    "Reflecting",
    "ScanErrors",
    "ScanFrame",
    "ScanPath",
    "ScanPeak",
    "ScanSample",
    "ScanSettings",
    "ScanWorld",
    "SharpOrientation",
    "SlitCounter",
    "SpectralLine",
    "axes_across",
    "axis_path",
    "azimuth_path",
    "background",
    "centring_scans",
    "centring_way",
    "check_envelope",
    "counted",
    "counter",
    "drawn",
    "first_way",
    "largest_peak",
    "mono_beam",
    "nearest_positions",
    "nothing_scanned",
    "peaks_of",
    "points_until_peak",
    "rates",
    "reflecting",
    "room_of",
    "scan_errors",
    "sharpened",
    "sharpest_places",
    "way_of",
    "widths_of",
    "within_envelope",
]
