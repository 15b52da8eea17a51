"""Crystals known by name: space group, cell and sites, each with its source."""

from dataclasses import dataclass

import numpy as np
from pymatgen.core import Lattice, Structure

from beamgym.physics.atoms import B_ISO


@dataclass(frozen=True)
class Site:
    """One crystallographic site: species and their occupancies, fractional position, B in Å²."""

    species: dict[str, float]
    position: tuple[float, float, float]
    b_iso: float


@dataclass(frozen=True)
class NamedCrystal:
    """A published structure: space group symbol, cell (Å, degrees), sites, source, and other names."""

    space_group: str
    cell: tuple[float, float, float, float, float, float]
    sites: tuple[Site, ...]
    source: str
    other_names: tuple[str, ...] = ()


def structure_of(crystal: NamedCrystal) -> Structure:
    """Build the pymatgen Structure, with each site's B as the site property ``b_iso`` (Å²)."""
    return Structure.from_spacegroup(
        crystal.space_group,
        Lattice.from_parameters(*crystal.cell),
        [site.species for site in crystal.sites],
        np.array([site.position for site in crystal.sites]),
        site_properties={B_ISO: [site.b_iso for site in crystal.sites]},
        tol=1e-3,
    )


NAMED_CRYSTALS: dict[str, NamedCrystal] = {
    "Si": NamedCrystal(
        "Fd-3m",
        (5.43102, 5.43102, 5.43102, 90, 90, 90),
        (Site({"Si": 1}, (0, 0, 0), 0.461),),
        "a: Mohr, Newell & Taylor, Rev. Mod. Phys. 88 (2016) 035009; B: Aldred & Hart, Proc. R. Soc. A 332 (1973) 223",
        ("silicon",),
    ),
}
