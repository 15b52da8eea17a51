"""Crystals known by name: space group, cell and sites, each with its source.

Coordinates and cells are room-temperature values of the work cited. Debye-Waller factors come from it where the source
says so; "B typical" marks values usual for such a site, which weaken high orders sensibly but were not measured on it.
"""

import warnings
from dataclasses import dataclass
from functools import cache

import numpy as np
from pymatgen.core import Lattice, Structure
from pymatgen.symmetry.groups import SpaceGroup

from beamgym.physics.crystal.cif import B_ISO


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
    with warnings.catch_warnings():
        # pymatgen has no full symbol for settings such as Pbnm; it needs none
        warnings.filterwarnings("ignore", message="Full symbol not available")
        keep_space_group(crystal.space_group)
        return Structure.from_spacegroup(
            crystal.space_group,
            Lattice.from_parameters(*crystal.cell),
            [site.species for site in crystal.sites],
            np.array([site.position for site in crystal.sites]),
            site_properties={B_ISO: [site.b_iso for site in crystal.sites]},
            tol=1e-3,
        )


@cache
def keep_space_group(symbol: str) -> SpaceGroup:
    """Return a space group and keep it: pymatgen forgets one that nobody holds, and Si takes half a second to make."""
    return SpaceGroup(symbol)


def _at(element: str, x: float, y: float, z: float, b_iso: float, occupancy: float = 1.0) -> Site:
    return Site({element: occupancy}, (x, y, z), b_iso)


_THIRD, _TWO_THIRDS = 1 / 3, 2 / 3
_PENG = "B: Peng, Ren, Dudarev & Whelan, Acta Cryst. A52 (1996) 456"

NAMED_CRYSTALS: dict[str, NamedCrystal] = {
    "Si": NamedCrystal(
        "Fd-3m",
        (5.43102, 5.43102, 5.43102, 90, 90, 90),
        (_at("Si", 0, 0, 0, 0.461),),
        "a: Mohr, Newell & Taylor, Rev. Mod. Phys. 88 (2016) 035009; B: Aldred & Hart, Proc. R. Soc. A 332 (1973) 223",
        ("silicon",),
    ),
    "Ge": NamedCrystal(
        "Fd-3m",
        (5.6579, 5.6579, 5.6579, 90, 90, 90),
        (_at("Ge", 0, 0, 0, 0.57),),
        f"a: Hom, Kiszenick & Post, J. Appl. Cryst. 8 (1975) 457; {_PENG}",
        ("germanium",),
    ),
    "Cu": NamedCrystal(
        "Fm-3m",
        (3.6149, 3.6149, 3.6149, 90, 90, 90),
        (_at("Cu", 0, 0, 0, 0.55),),
        f"a: Straumanis & Yu, Acta Cryst. A25 (1969) 676; {_PENG}",
        ("copper",),
    ),
    "W": NamedCrystal(
        "Im-3m",
        (3.1652, 3.1652, 3.1652, 90, 90, 90),
        (_at("W", 0, 0, 0, 0.16),),
        f"a: Wyckoff, Crystal Structures 1 (1963); {_PENG}",
        ("tungsten",),
    ),
    "NaCl": NamedCrystal(
        "Fm-3m",
        (5.6402, 5.6402, 5.6402, 90, 90, 90),
        (_at("Na", 0, 0, 0, 1.7), _at("Cl", 0.5, 0.5, 0.5, 1.4)),
        "a: Swanson & Fuyat, NBS Circular 539 II (1953) 41; B typical",
        ("halite", "rock salt"),
    ),
    "MgO": NamedCrystal(
        "Fm-3m",
        (4.2117, 4.2117, 4.2117, 90, 90, 90),
        (_at("Mg", 0, 0, 0, 0.31), _at("O", 0.5, 0.5, 0.5, 0.34)),
        "Hazen, Am. Mineral. 61 (1976) 266",
        ("periclase",),
    ),
    "SrTiO3": NamedCrystal(
        "Pm-3m",
        (3.905, 3.905, 3.905, 90, 90, 90),
        (_at("Sr", 0.5, 0.5, 0.5, 0.62), _at("Ti", 0, 0, 0, 0.44), _at("O", 0.5, 0, 0, 0.8)),
        "a: Hutton & Nelmes, J. Phys. C 14 (1981) 1713; B of Sr, Ti: Abramov et al., Acta Cryst. B51 (1995) 942",
        ("strontium titanate", "STO"),
    ),
    "Al2O3": NamedCrystal(
        "R-3c",
        (4.7589, 4.7589, 12.991, 90, 90, 120),
        (_at("Al", 0, 0, 0.3522, 0.20), _at("O", 0.3063, 0, 0.25, 0.25)),
        "Newnham & de Haan, Z. Kristallogr. 117 (1962) 235; B typical",
        ("sapphire", "corundum"),
    ),
    "quartz": NamedCrystal(
        "P3_221",
        (4.9160, 4.9160, 5.4054, 90, 90, 120),
        (_at("Si", 0.4697, 0, _TWO_THIRDS, 0.5), _at("O", 0.4135, 0.2669, 0.7858, 1.0)),
        "Levien, Prewitt & Weidner, Am. Mineral. 65 (1980) 920; B typical",
        ("SiO2", "alpha-quartz"),
    ),
    "YBa2Cu3O7": NamedCrystal(
        "Pmmm",
        (3.8210, 3.8826, 11.6720, 90, 90, 90),
        (
            _at("Y", 0.5, 0.5, 0.5, 0.29),
            _at("Ba", 0.5, 0.5, 0.1851, 0.66),
            _at("Cu", 0, 0, 0, 1.0),
            _at("Cu", 0, 0, 0.3557, 0.51),
            _at("O", 0, 0, 0.1600, 0.6),
            _at("O", 0.5, 0, 0.3776, 0.8),
            _at("O", 0, 0.5, 0.3778, 0.9),
            _at("O", 0, 0.5, 0, 1.5, occupancy=0.9),
        ),
        "Nozik, Kuklina, Schuster, Weiss & Matz, Kristallografiya 36 (1991) 217 (YBa2Cu3O6.9)",
        ("YBCO",),
    ),
    "La2-xSrxCuO4": NamedCrystal(
        "I4/mmm",
        (3.7793, 3.7793, 13.2260, 90, 90, 90),
        (
            Site({"La": 0.925, "Sr": 0.075}, (0, 0, 0.3605), 0.45),
            _at("Cu", 0, 0, 0, 0.35),
            _at("O", 0, 0.5, 0, 0.8),
            _at("O", 0, 0, 0.1824, 1.5),
        ),
        "Cava, Santoro, Johnson & Rhodes, Phys. Rev. B 35 (1987) 6716 (x = 0.15); B typical",
        ("La1.85Sr0.15CuO4", "LSCO"),
    ),
    "Ca2RuO4": NamedCrystal(
        "Pbca",
        (5.4097, 5.4924, 11.9613, 90, 90, 90),
        (
            _at("Ca", 0.0086, 0.0474, 0.3518, 0.73),
            _at("Ru", 0, 0, 0, 0.30),
            _at("O", 0.1991, 0.3013, 0.0234, 0.91),
            _at("O", -0.0576, -0.0154, 0.1646, 0.90),
        ),
        "Braden, André, Nakatsuji & Maeno, Phys. Rev. B 58 (1998) 847 (295 K)",
    ),
    "Sr4Ru3O10": NamedCrystal(
        "Pbam",
        (5.5280, 5.5260, 28.651, 90, 90, 90),
        (
            _at("Ru", 0, 0, 0, 0.32),
            _at("Ru", 0, 0, 0.1402, 0.32),
            _at("Ru", 0.5, 0, 0.3598, 0.32),
            _at("Ru", 0.5, 0, 0.5, 0.32),
            _at("Sr", 0.5, 0, 0.0699, 0.63),
            _at("Sr", 0.5, 0, 0.2038, 0.63),
            _at("Sr", 0, 0, 0.2961, 0.63),
            _at("Sr", 0, 0, 0.4301, 0.63),
            _at("O", 0.2028, 0.2971, 0, 1.4),
            _at("O", 0.2721, 0.2271, 0.1392, 1.3),
            _at("O", 0.2266, 0.2275, 0.3608, 1.2),
            _at("O", 0.2966, 0.2964, 0.5, 1.1),
            _at("O", 0, 0, 0.0695, 0.87),
            _at("O", 0, 0, 0.2130, 0.47),
            _at("O", 0.5, 0, 0.2871, 0.63),
            _at("O", 0.5, 0, 0.4303, 0.87),
        ),
        "Crawford et al., Phys. Rev. B 65 (2002) 214412",
    ),
    "YFe2Ge2": NamedCrystal(
        "I4/mmm",
        (3.9617, 3.9617, 10.421, 90, 90, 90),
        (_at("Y", 0, 0, 0, 0.5), _at("Fe", 0, 0.5, 0.25, 0.4), _at("Ge", 0, 0, 0.3789, 0.5)),
        "Venturini & Malaman, J. Alloys Compd. 235 (1996) 201; B typical",
    ),
    "FePS3": NamedCrystal(
        "C2/m",
        (5.947, 10.300, 6.7222, 90, 107.16, 90),
        (
            _at("Fe", 0, 0.3326, 0, 0.9),
            _at("P", 0.0570, 0, 0.1692, 0.6),
            _at("S", 0.7518, 0, 0.2472, 0.8),
            _at("S", 0.2490, 0.1657, 0.2485, 0.8),
        ),
        "Ouvrard, Brec & Rouxel, Mater. Res. Bull. 20 (1985) 1181; B typical",
    ),
    "FePSe3": NamedCrystal(
        "R-3",
        (6.262, 6.262, 19.80, 90, 90, 120),
        (
            _at("Fe", 0, 0, _THIRD, 0.9),
            _at("P", 0, 0, 0.0563, 0.6),
            _at("Se", 0.3400, 0.0060, 0.0833, 0.8),
        ),
        "cell: Wiedenmann, Rossat-Mignod, Louisy, Brec & Rouxel, Solid State Commun. 40 (1981) 1067; coordinates "
        "made to give the bond lengths P-P 2.23, P-Se 2.18, Fe-Se 2.63 and 2.67 Å, not refined ones; B typical",
    ),
    "KFe3(OH)6(SO4)2": NamedCrystal(
        "R-3m",
        (7.315, 7.315, 17.224, 90, 90, 120),
        (
            _at("K", 0, 0, 0, 1.8),
            _at("Fe", 0, 0.5, 0.5, 0.7),
            _at("S", 0, 0, 0.3088, 0.6),
            _at("O", 0, 0, 0.3936, 1.2),
            _at("O", 0.2234, -0.2234, -0.0545, 1.0),
            _at("O", 0.1268, -0.1268, 0.1357, 1.0),
            _at("H", 0.1815, -0.1815, 0.0962, 2.0),
        ),
        "Menchetti & Sabelli, N. Jb. Miner. Mh. (1976) 406, H moved to 0.97 Å from O; B typical",
        ("jarosite",),
    ),
    "Bi2Se3": NamedCrystal(
        "R-3m",
        (4.143, 4.143, 28.636, 90, 90, 120),
        (_at("Bi", 0, 0, 0.399, 1.0), _at("Se", 0, 0, 0, 0.9), _at("Se", 0, 0, 0.206, 0.9)),
        "Nakajima, J. Phys. Chem. Solids 24 (1963) 479; B typical",
        ("bismuth selenide",),
    ),
    "WSe2": NamedCrystal(
        "P6_3/mmc",
        (3.282, 3.282, 12.96, 90, 90, 120),
        (_at("W", _THIRD, _TWO_THIRDS, 0.25, 0.4), _at("Se", _THIRD, _TWO_THIRDS, 0.6211, 0.6)),
        "Schutte, de Boer & Jellinek, J. Solid State Chem. 70 (1987) 207; B typical",
    ),
    "MoO3": NamedCrystal(
        "Pbnm",
        (3.9628, 13.855, 3.6964, 90, 90, 90),
        (
            _at("Mo", 0.0867, 0.1016, 0.25, 0.5),
            _at("O", 0.4994, 0.4351, 0.25, 0.9),
            _at("O", 0.5212, 0.0866, 0.25, 0.7),
            _at("O", 0.0373, 0.2214, 0.25, 1.2),
        ),
        "Kihlborg, Ark. Kemi 21 (1963) 357; B typical",
        ("molybdite",),
    ),
    "4H-SiC": NamedCrystal(
        "P6_3mc",
        (3.0730, 3.0730, 10.053, 90, 90, 120),
        (
            _at("Si", 0, 0, 0, 0.25),
            _at("Si", _THIRD, _TWO_THIRDS, 0.25, 0.25),
            _at("C", 0, 0, 0.1875, 0.30),
            _at("C", _THIRD, _TWO_THIRDS, 0.4375, 0.30),
        ),
        "Gomes de Mesquita, Acta Cryst. 23 (1967) 610 (ideal coordinates); B typical",
        ("SiC", "SiC-4H"),
    ),
    "kyanite": NamedCrystal(
        "P-1",
        (7.1262, 7.8520, 5.5724, 89.99, 101.11, 106.03),
        (
            _at("Al", 0.3254, 0.7040, 0.4582, 0.35),
            _at("Al", 0.2974, 0.6989, 0.9505, 0.35),
            _at("Al", 0.0998, 0.3862, 0.6403, 0.35),
            _at("Al", 0.1120, 0.9175, 0.1649, 0.35),
            _at("Si", 0.2962, 0.0649, 0.7066, 0.30),
            _at("Si", 0.2910, 0.3317, 0.1892, 0.30),
            _at("O", 0.1095, 0.1468, 0.1288, 0.40),
            _at("O", 0.1230, 0.6856, 0.1812, 0.40),
            _at("O", 0.2747, 0.4545, 0.9547, 0.40),
            _at("O", 0.2831, 0.9354, 0.9353, 0.40),
            _at("O", 0.1084, 0.1520, 0.6669, 0.40),
            _at("O", 0.1219, 0.6307, 0.6389, 0.40),
            _at("O", 0.2822, 0.4453, 0.4288, 0.40),
            _at("O", 0.2915, 0.9467, 0.4659, 0.40),
            _at("O", 0.5008, 0.2749, 0.2440, 0.40),
            _at("O", 0.5015, 0.2312, 0.7553, 0.40),
        ),
        "Winter & Ghose, Am. Mineral. 64 (1979) 573; B typical",
        ("Al2SiO5",),
    ),
    "Ca2Ru1-xMnxO4": NamedCrystal(
        "Pbca",
        (5.4097, 5.4924, 11.9613, 90, 90, 90),
        (
            _at("Ca", 0.0086, 0.0474, 0.3518, 0.73),
            Site({"Ru": 0.9, "Mn": 0.1}, (0, 0, 0), 0.30),
            _at("O", 0.1991, 0.3013, 0.0234, 0.91),
            _at("O", -0.0576, -0.0154, 0.1646, 0.90),
        ),
        "x = 0.1 keeps Pbca with Mn on the site of Ru: Qi, Korneta, Parkin, Hu & Cao, Phys. Rev. B 85 (2012) 165143; "
        "cell and coordinates are those of Ca2RuO4, not refined ones",
        ("Ca2Ru0.9Mn0.1O4",),
    ),
}
