"""Why an episode failed, in words, by what the policy believed and by the truth."""

import math

from beamgym.scripts.laue_gallery.replay import Replayed

MISTAKEN_DEG = 5.0
"""Further off than this it is another orientation, and no misfit of camera and axes."""
SURE = 0.997
FEW_SPOTS = 8
"""Fewer of the crystal's spots than these are told to have been too few."""


def why(episode: Replayed) -> str:
    """Return in a line why an episode did not end aligned; "aligned" of one that did."""
    tolerance = episode.context.tolerance_deg
    if episode.declared and episode.error_deg <= tolerance:
        return "aligned"
    reason = _reason(episode)
    return f"{reason}; {_spots(episode)}"


def _reason(episode: Replayed) -> str:
    error, tolerance = f"{episode.error_deg:.2g}°", f"{episode.context.tolerance_deg:g}°"
    when = "declared" if episode.declared and not episode.forced else "budget spent"
    if episode.error_deg <= episode.context.tolerance_deg:
        return f"{when}: aligned, and never said so{_sure(episode)}"
    if episode.believed is None:
        return f"{when}: {'no orientation found, ' if episode.tells else ''}{error} off"
    if episode.mistaken_deg > MISTAKEN_DEG:
        return f"{when}: took another orientation, {episode.mistaken_deg:.0f}° from the true one{_sure(episode)}"
    if when == "declared":
        return f"{when}: right orientation, yet {error} off with a tolerance of {tolerance}{_sure(episode)}"
    if episode.undecided:
        return f"{when}: two orientations stayed open, {error} off"
    return f"{when}: right orientation, never sure of {tolerance}, {error} off{_sure(episode)}"


def _sure(episode: Replayed) -> str:
    """Say how sure the policy was, where it says so."""
    if math.isnan(episode.certain):
        return ""
    return f", stated probability {episode.certain:.4f}" if episode.certain >= SURE else f", p = {episode.certain:.2f}"


def _spots(episode: Replayed) -> str:
    """Say how many of the last frame's spots the truth explains, and how many what was believed."""
    found, truly = len(episode.found_px), episode.explained(episode.true)
    few = ", too few" if truly < FEW_SPOTS else ""
    told = f"of {found} spots the truth explains {truly}{few}"
    return told if episode.believed is None else f"{told}, what was believed {episode.explained(episode.believed)}"
