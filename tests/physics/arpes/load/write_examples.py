"""Writes the example files of this folder with the libraries of others; run where they are installed.

    pip install xarray h5netcdf netCDF4 astropy
    python tests/physics/arpes/load/write_examples.py

All hold the counts of ``cut()``, or of a map of 3 x 2 sites of it, under the names and units of other programs.
"""

from pathlib import Path

import numpy as np

HERE = Path(__file__).parent / "examples"
ENERGY = np.linspace(-0.5, 0.1, 61)
ANGLE = np.linspace(-10.0, 10.0, 21)
HV, WORK_FUNCTION = 21.2, 4.3
X, Y = np.array([0.1, 0.2, 0.3]), np.array([5.0, 5.5])


def cut(seed=0, scale=40.0):
    """Counts (61, 21), energy by angle: a line that crosses the Fermi level, another one below, and a background."""
    energy, angle = ENERGY[:, None], ANGLE[None, :]
    lines = sum(np.exp(-0.5 * ((energy - band) / 0.04) ** 2) for band in (0.03 * angle - 0.1, -0.35 + 0.0 * angle))
    mean = scale * (lines + 0.05) / (1.0 + np.exp(energy / 0.015))
    return np.random.default_rng(seed).poisson(mean + 0.05)


def site_map():
    """Counts (2, 3, 61, 21): y, x, energy, angle; the last site is the brightest."""
    return np.array([[cut(10 * row + column, 20.0 * (1 + row + column)) for column in range(3)] for row in range(2)])


def write_xarray():
    import xarray

    erlab = xarray.DataArray(
        cut().T, dims=("alpha", "eV"), coords={"alpha": ANGLE, "eV": ENERGY, "hv": HV, "sample_temp": 20.0}, name="cut"
    )
    erlab.to_netcdf(HERE / "erlab.nc", engine="h5netcdf", invalid_netcdf=False)
    pyarpes = xarray.DataArray(
        cut().astype(np.float32),
        dims=("eV", "phi"),
        coords={"eV": ENERGY, "phi": np.radians(ANGLE), "hv": HV, "theta": 0.1},
        attrs={"location": "ALS-BL403", "probe_polarization_theta": 0.0, "energy_notation": "Binding"},
    )
    pyarpes.to_netcdf(HERE / "pyarpes.nc", engine="netcdf4")
    kinetic = xarray.DataArray(
        cut()[::-1].astype(np.int16),
        dims=("energy", "angle"),
        coords={
            "energy": ("energy", (ENERGY[::-1] + HV - WORK_FUNCTION) * 1e3, {"units": "meV"}),
            "angle": ("angle", 1e3 * np.radians(ANGLE), {"units": "mrad"}),
        },
        attrs={"hv": HV, "workfunction": WORK_FUNCTION},
        name="spectrum",
    )
    kinetic.to_netcdf(HERE / "classic.nc", engine="scipy")
    filled = xarray.DataArray(
        np.where(np.arange(6).reshape(2, 3, 1, 1) == 4, np.nan, site_map()),
        dims=("y", "x", "eV", "alpha"),
        coords={"y": ("y", Y, {"units": "mm"}), "x": ("x", X, {"units": "mm"}), "eV": ENERGY, "alpha": ANGLE},
        name="map",
    )
    packed = {"map": {"dtype": "int16", "_FillValue": -1, "zlib": True}}
    filled.transpose("x", "y", "alpha", "eV").to_netcdf(HERE / "map.nc", engine="netcdf4", encoding=packed)


def write_astropy():
    from astropy.io import fits

    spectra = site_map().sum(axis=3).reshape(6, -1)
    columns = [
        fits.Column("time", "1D", "sec", array=np.arange(6.0)),
        fits.Column("X", "1D", "mm", array=np.tile(X, 2) + 1e-5 * np.arange(6)),
        fits.Column("Y", "1D", "mm", array=np.repeat(Y, 3)),
        fits.Column("Swept_Spectra0", f"{ENERGY.size}J", "arb", array=spectra),
    ]
    table = fits.BinTableHDU.from_columns(columns, name="data")
    for key, value in (("TDESC4", "eV"), ("TRPIX4", 1), ("TRVAL4", ENERGY[0]), ("TDELT4", ENERGY[1] - ENERGY[0])):
        table.header[key] = value
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(HERE / "als.fits", overwrite=True)
    image = fits.PrimaryHDU(cut().T.astype(np.int16))
    axes = (("Energy", "eV", ENERGY), ("Slit", "deg", ANGLE))
    for number, (name, unit, axis) in enumerate(axes, start=1):
        image.header[f"CTYPE{number}"], image.header[f"CUNIT{number}"] = name, unit
        image.header[f"CRPIX{number}"], image.header[f"CRVAL{number}"] = 1.0, axis[0]
        image.header[f"CDELT{number}"] = axis[1] - axis[0]
    image.writeto(HERE / "image.fits", overwrite=True)


if __name__ == "__main__":
    write_xarray()
    write_astropy()
