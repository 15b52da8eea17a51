"""Reads PVs that a server may lack, all at once and within one bound: settings that only some records have."""

import asyncio
from collections.abc import Mapping
from typing import Any

from beamgym.hardware_bridge.adapters.epics.channels import aioca

LOOK_S = 3.0
"""What a server has is found within this time, also on a busy computer; what it lacks takes as long, seconds."""


async def read_optional(pvs: Mapping[str, str], timeout_s: float = LOOK_S) -> dict[str, Any]:
    """Return what is served of some PVs, by their short names; the missing ones are left out.

    Parameters
    ----------
    pvs : short name → PV
    timeout_s : a server answers within this time, seconds

    Returns
    -------
    Values of aioca with their limits and units; an enumeration as its word

    Notes
    -----
    Not typed signals of ophyd-async: those fail as a whole where one PV is missing.
    """
    found = await asyncio.gather(*(_read(pv, timeout_s) for pv in pvs.values()))
    return {short: value for short, value in zip(pvs, found, strict=True) if value is not None}


async def _read(pv: str, timeout_s: float) -> Any:
    value = await aioca.caget(pv, format=aioca.FORMAT_CTRL, timeout=timeout_s, throw=False)
    if not value.ok:
        return None
    words = getattr(value, "enums", None)
    if words and isinstance(value, int) and 0 <= int(value) < len(words):
        return str(words[int(value)])
    return value


def number(found: Mapping[str, Any], short: str) -> float | None:
    """Return a value as a number; None where it is missing or is none."""
    try:
        return float(found[short])
    except (KeyError, TypeError, ValueError):
        return None


def text(found: Mapping[str, Any], short: str) -> str | None:
    """Return a value as text without blanks around it; None where it is missing."""
    return str(found[short]).strip() if short in found else None
