"""What to try when a pattern was not indexed, the likeliest reason first."""

from dataclasses import dataclass

from beamgym.physics.laue.wavelengths import band_words

FEW_PEAKS, MANY_PEAKS = 12, 80
"""Fewer peaks than the first seldom fix an orientation; more than the second are seldom all of one crystal."""
CENTRE_MM = 1.5
"""How far a search looks for the centre, mm."""
NEARLY = 0.3
"""Share of the peaks that a nearly right geometry explains; another crystal or a wrong camera explains fewer."""


@dataclass(frozen=True)
class Attempt:
    """What an attempt was made with.

    Parameters
    ----------
    peaks : how many were found or listed
    matched : how many the best guess explained, 0 where there was none
    from_image : whether peaks were found in an image, rather than read from a list
    stated_camera : whether the geometry is a person's words, not a calibration
    searched_camera : whether the camera was looked for about the stated one
    shadow : column, row and distance in mm from the stated centre of a collimator's shadow; None where none was seen
    masked : whether parts of the image were left out
    cells : how many crystals were tried
    band_kev : lowest and highest photon energy; of neutrons hc/λ
    one_based : whether a list's first pixel was taken as 1
    radiation : "xray" or "neutron"
    """

    peaks: int
    matched: int = 0
    from_image: bool = True
    stated_camera: bool = True
    searched_camera: bool = True
    shadow: tuple[float, float, float] | None = None
    masked: bool = False
    cells: int = 1
    band_kev: tuple[float, float] = (5.0, 25.0)
    one_based: bool = False
    radiation: str = "xray"


def remedies(attempt: Attempt) -> tuple[str, ...]:
    """Return what to try, one sentence each, the likeliest to help first."""
    nearly = attempt.peaks > 0 and attempt.matched / attempt.peaks >= NEARLY
    false_peaks, camera, crystal = _false_peaks(attempt), _camera(attempt), _crystal(attempt)
    if attempt.peaks < FEW_PEAKS:
        ordered = [*_few_peaks(attempt), *camera, *crystal]
    elif attempt.peaks > MANY_PEAKS and not attempt.masked and not nearly:
        ordered = [*false_peaks, *camera, *crystal]
    else:
        ordered = [*camera, *false_peaks, *crystal]
    return (
        *_shadow(attempt),
        *ordered,
        "a mirrored picture is not the reason: it indexes as well, to a wrong orientation",
    )


def _few_peaks(attempt: Attempt) -> list[str]:
    if not attempt.from_image:
        return ["list more peaks: a dozen at least, the weaker ones too"]
    return [
        "where the picture shows spots without a circle, lower --threshold (4, then 3)",
        "dark spots on light ground, as on film: --invert",
        "expose longer, or bring the film nearer",
    ]


def _false_peaks(attempt: Attempt) -> list[str]:
    if not attempt.from_image:
        return ["take out of the list what is no spot; leave the brightest 40"]
    masked = [] if attempt.masked else ["circles on letters, rims or the beam hole: --max-radius MM, or --mask"]
    return [*masked, "circles on nothing: --threshold 8, or --max-peaks 40"]


def _shadow(attempt: Attempt) -> list[str]:
    if attempt.shadow is None or attempt.shadow[2] <= CENTRE_MM:
        return []
    column, row, away = attempt.shadow
    return [
        f"the beam may meet the film in the shadow that was seen, {away:.1f} mm from where you said: "
        f"--center {column:.0f} {row:.0f}"
    ]


def _camera(attempt: Attempt) -> list[str]:
    found = []
    if not attempt.from_image and not attempt.one_based:
        found.append("a list of a program that counts pixels from 1 (LaueTools, ImageJ's ROI): --one-based")
    found += _words(attempt) if attempt.stated_camera else _file(attempt)
    return [*found, _band(attempt)]


def _words(attempt: Attempt) -> list[str]:
    searched = attempt.searched_camera
    again = [] if searched else ["leave out --no-search-camera: the camera is then looked for about the stated one"]
    return [
        *again,
        "measure the distance from the sample, not from its holder, to the film anew: "
        + ("it was looked for within 10 %" if searched else "3 % matter")
        + " (--distance)",
        "look up where the beam meets the film, in pixels of this very picture: "
        + (f"it was looked for within {CENTRE_MM:g} mm" if searched else "1 mm matters")
        + " (--center)",
        "check the pixel size: a scan's --dpi, a binned or shrunken image, a picture saved smaller (--pixel)",
        "check where the film stands: back-reflection, transmission or side (--camera)",
    ]


def _file(attempt: Attempt) -> list[str]:
    again = [] if attempt.searched_camera else ["look for the camera within 10 % of its distance: --search-camera"]
    return ["check that the geometry file is of this camera, in this place, at this binning", *again]


def _band(attempt: Attempt) -> str:
    band = band_words(attempt.band_kev, attempt.radiation)
    if attempt.radiation == "neutron":
        return f"check --wavelength: it is {band}; the shortest decides which reflections can be there"
    return (
        f"check --band: it is {band}; the upper end is the tube's voltage, the lower what air and windows let through"
    )


def _crystal(attempt: Attempt) -> list[str]:
    several = [] if attempt.cells > 1 else ["another crystal: give every one that it may be, --cif A.cif --cif B.cif"]
    return [*several, "several crystals in the beam: shift the sample, or narrow the collimator"]
