"""What the kernels of spot lists read: the panel's raster, a table of rays, and what weighs a reflection."""

from typing import Any, NamedTuple

NO_SLAB, THICK_SLAB, PLATE = 0, 1, 2


class Panel(NamedTuple):
    """The pixel raster: ``pixel_mm`` and the numbers of rows and columns. Where the panel stands is passed apart.

    ``radius_mm`` above 0 bends it to a cylinder, which it touches along its middle column.
    """

    pixel_mm: float
    rows: int
    columns: int
    radius_mm: float = 0.0


class Rays(NamedTuple):
    """A reflection table as the kernels read it: m rays with k harmonics of e elements.

    ``single`` (3, m) float32 unit vectors; ``window`` (2, m) float32 smallest and largest sin θ at which some harmonic
    is in the band; ``exact`` (m, 4) the unit vector and its |q| in 1/Å; ``first`` (m + 1,) where a ray's harmonics
    begin; ``harmonic`` (k, 3 + 2e) its order, then Σ f0 S and every element's S, real and imaginary parts. What one
    spot needs lies together: the tables of a large cell are far larger than the nearest cache.

    ``row`` (m,) int32 is the ray's row of the reflection table. Where the rays are ranked, ``bound`` (m,) falls: no
    spot of a ray is brighter while sin θ stays within ``sines`` (2,); (1, 0) where they are in the table's order.
    """

    single: Any
    window: Any
    exact: Any
    first: Any
    harmonic: Any
    row: Any
    bound: Any
    sines: Any


class Physics(NamedTuple):
    """What weighs a reflection.

    ``grid`` (g, 2 + 2e) holds weight, µ (1/mm), then f′ and f″ of every element on a uniform grid of energies that
    starts at ``low_kev`` with ``per_kev`` points per keV. ``polarised`` is False for neutrons, ``polarisation`` the
    beam's degree; ``perfect`` means |F| in place of |F|². ``mode`` is NO_SLAB, THICK_SLAB or PLATE, ``surface`` (3,)
    the face's normal in the crystal's Cartesian frame, ``whole`` whether the beam's footprint lies on the crystal.
    ``layered`` tells whether the detector stops oblique rays more than ``weight`` says, ``depth`` (g,) is its µt.
    """

    low_kev: float
    per_kev: float
    grid: Any
    polarised: bool
    polarisation: float
    perfect: bool
    mode: int
    thickness_mm: float
    surface: Any
    whole: bool
    layered: bool
    depth: Any
