"""Words of the command line read: crystals, targets, and where the axes stand."""

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import typer

from beamgym.physics.arrays import Float64Array
from beamgym.physics.crystal import Crystal, load_crystal
from beamgym.physics.goniometer import Goniometer, Target, parse_target
from beamgym.physics.laue.indexing import BAND_KEV
from beamgym.physics.laue.wavelengths import NEUTRON_BAND_A, band_of_wavelengths
from beamgym.scripts.indexing.camera_options import CameraOptions


def read_target(crystal: Crystal, text: str) -> Target:
    """Read a target such as "pose [001] beam [110] up"; the words beam and up may be left out."""
    return parse_target(crystal, re.sub(r"\s+", " ", re.sub(r"\b(beam|up)\b", "", text)).strip())


def load_crystals(cifs: Sequence[Path] | None, names: Sequence[str] | None, radiation: str) -> list[Crystal]:
    """Load every crystal that was named, and tell on stderr what was noted of it."""
    specs: list[Path | str] = [*(cifs or ()), *(names or ())]
    if not specs:
        raise ValueError("give the crystal once, or every one that it may be: --cif FILE or --crystal NAME")
    if radiation not in ("xray", "neutron"):
        raise ValueError(f"--radiation is xray or neutron, got {radiation!r}")
    kind: Literal["xray", "neutron"] = "neutron" if radiation == "neutron" else "xray"
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        crystals = [load_crystal(spec, kind) for spec in specs]
    for note in notes:
        typer.echo(f"note: {note.message}", err=True)
    return crystals


def radiation_of(word: str | None, geometry: CameraOptions) -> str:
    """Return the radiation that was named; else neutron for a cylindrical plate, which is said, and xray for others."""
    if word is not None or not geometry.is_cylinder:
        return word or "xray"
    typer.echo("note: a cylindrical plate: neutrons are assumed; --radiation says it", err=True)
    return "neutron"


def wavelength_of(wavelength: tuple[float, float] | None, band_a: str | None) -> tuple[float, float] | None:
    """Return the wavelengths, Å, of either option; raises ValueError for both, or for what is no two numbers."""
    if band_a is None:
        return wavelength
    if wavelength is not None:
        raise ValueError("--wavelength and --band-a say the same thing: give one of them")
    try:
        shortest, longest = (float(part) for part in re.split(r"[,;:\s-]+", band_a.strip()))
    except ValueError:
        raise ValueError(
            f"--band-a wants the shortest and longest wavelength in Å, as in 0.8,4; got {band_a!r}"
        ) from None
    return shortest, longest


def read_band(
    band_kev: tuple[float, float] | None, wavelength_a: tuple[float, float] | None, radiation: str
) -> tuple[float, float]:
    """Return the band (lowest, highest) hc/λ in keV that --band or --wavelength states; without either, the usual one.

    Raises
    ------
    ValueError : both were given, photon energies for neutrons, or lengths that are no band
    """
    if band_kev is not None and wavelength_a is not None:
        raise ValueError("--band and --wavelength say the same thing: give one of them")
    if band_kev is not None and radiation == "neutron":
        raise ValueError(
            f"--band is of photon energies in keV, and the radiation is neutron: give the shortest and longest "
            f"wavelength in Å, such as --wavelength {NEUTRON_BAND_A[0]:g} {NEUTRON_BAND_A[1]:g}"
        )
    if wavelength_a is None and radiation == "neutron":
        wavelength_a = NEUTRON_BAND_A
        typer.echo("note: neutrons of {:g} to {:g} Å are assumed; --wavelength says it".format(*wavelength_a), err=True)
    if wavelength_a is not None:
        return band_of_wavelengths(wavelength_a, radiation)
    return band_kev or BAND_KEV


def read_positions(stage: Goniometer, text: str | None, option: str = "--at", relative: bool = False) -> Float64Array:
    """Read "phi=12.5, chi=3"; axes not named stand at home, or are not turned where the numbers are relative."""
    positions = np.zeros(len(stage.axes)) if relative else stage.home()
    for part in filter(None, re.split(r"[,;\s]+", re.sub(r"\s*=\s*", "=", text or ""))):
        name, _, value = part.partition("=")
        if name not in stage.names:
            raise ValueError(f"{stage.name} has no axis {name!r}; its axes are {', '.join(stage.names)}")
        try:
            positions[stage.names.index(name)] = float(value)
        except ValueError:
            raise ValueError(f"{option} wants axis=position, as in {name}=12.5, got {part!r}") from None
    return positions if relative else stage.check_positions(positions)
