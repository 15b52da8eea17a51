"""Small sound files of every kind that a user hands over, and how each is read. All are written here."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import fabio.cbfimage
import fabio.edfimage
import h5py
import numpy as np
from PIL import Image

from beamgym.hardware_bridge.instrument_file import load_instrument, shipped_instrument
from beamgym.physics.crystal import load_crystal
from beamgym.physics.goniometer import goniometer
from beamgym.physics.laue.files import load_detector, read_image, read_peaks
from beamgym.physics.laue.peaks import PeakFinder

SHAPE = (40, 50)
COUNTS = np.random.default_rng(7).poisson(30.0, SHAPE)

QUARTZ = """data_quartz
_cell_length_a 4.9137
_cell_length_b 4.9137
_cell_length_c 5.4047
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 120
_space_group_name_H-M_alt 'P 32 2 1'
_space_group_IT_number 154
_chemical_formula_sum 'O2 Si'
_cell_formula_units_Z 3
loop_
_space_group_symop_operation_xyz
'x,y,z'
'y,x,2/3-z'
'-y,x-y,z+2/3'
'-x,-x+y,1/3-z'
'-x+y,-x,1/3+z'
'x-y,-y,-z'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
_atom_site_U_iso_or_equiv
Si1 Si 0.4697(2) 0 0 1 0.0066
O1 O 0.4135(2) 0.2669(1) 0.1191(1) 1 0.0126
"""
SALT = """# from an older program
data_global
_chemical_name_mineral Halite
_publ_section_title
;
 A text; with a semicolon
;
_symmetry_space_group_name_H-M 'F m -3 m'
_cell_length_a 5.640
_cell_length_b 5.640
_cell_length_c 5.640
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_aniso_U_11
Na   0.00000   0.00000   0.00000 0.02
Cl   0.50000   0.50000   0.50000 ?
"""
HEAD = """name: fuzzed
axes:
  - {name: rotation, vector: [1, 0, 0], limits: [-180, 180], speed: 2.0}
  - {name: lower_arc, vector: [0, 1, 0], limits: [-20, 20], step: 0.01}
  - {name: upper_arc, vector: [0, 0, 1], limits: [-20, 20], sign: -1}
"""
PONI = """# Nota: C-Order, 1 refers to the Y axis, 2 to the X axis
# Calibration done at Mon Jan  1 10:00:00 2024
poni_version: 2.1
Detector: Detector
Detector_config: {"pixel1": 0.0001, "pixel2": 0.0001, "max_shape": [400, 512], "orientation": 3}
Distance: 0.07
Poni1: 0.02
Poni2: 0.025
Rot1: 0.01
Rot2: -0.02
Rot3: 0.0
Wavelength: 1e-10
"""
DET = """69.66000, 1025.9000, 1089.1400, 0.4210000, 0.2710000, 0.07990000, 2048, 2048
Sample-Detector distance(IM), xO, yO, angle1, angle2, pixelsize, dim1, dim2
Calibration done with Ge
"""
CAMERA = {"name": "panel", "origin_mm": [-50.0, 0.0, 0.0], "fast": [0, 1, 0], "slow": [0, 0, 1], "pixel_mm": 0.3,
          "shape": [100, 120]}  # fmt: skip
LISTS = {
    "x.dat": "peak_X peak_Y peak_Itot peak_Isub\n870.91   1551.47   21467.47   20395.61\n536.47 1670.31 18982 17926\n",
    "x.csv": "nr;X[px];Y[px];I\n1;100,5;200,5;5000\n2;300,5;50,5;4000\n",
    "x.txt": "# X Y I (1-based)\n100.5 200.5 5000\n300.5 50.5 4000\n7 8 9e3\n",
}


def crystal(path: Path) -> None:
    """A crystal has a cell and atoms in it, all of them finite."""
    found = load_crystal(path)
    assert np.isfinite(found.cell).all()
    assert found.cell[:3].min() > 0.0
    assert len(found.structure) > 0
    assert np.isfinite(found.structure.frac_coords).all()
    assert len(found.rotations) in (1, 2, 3, 4, 6, 8, 12, 24)


def detector(path: Path) -> None:
    """A camera lies where one can, with pixels that exist."""
    found = load_detector(path, (2048, 2048) if path.suffix == ".det" else None)
    assert np.isfinite(found.corners_mm()).all()
    assert np.linalg.norm(found.corners_mm(), axis=1).max() < 6000.0
    assert 1e-4 < found.pixel_mm < 20.0
    assert found.distance_mm > 0.5


def peaks(path: Path) -> None:
    """A list has one peak a line of numbers, all finite."""
    found = read_peaks(path)
    assert np.isfinite(found.position_px).all()
    assert np.isfinite(found.intensity).all()
    assert 0 < found.count[0] <= len(path.read_text(encoding="latin-1").splitlines())


def image(path: Path) -> None:
    """An image has two dimensions, numbers that the finder knows, and finite ones where nothing is ignored."""
    found = read_image(path)
    assert found.image.ndim == 2
    assert found.ignored.shape == found.image.shape
    assert found.image.dtype.isnative
    assert np.isfinite(found.image[~found.ignored]).all()
    if min(found.image.shape) >= 3:
        replace(PeakFinder(max_saturated_share=1.0), mask=found.ignored)(found.image)


def head(path: Path) -> None:
    """A goniometer has axes with finite limits."""
    found = goniometer(str(path))
    assert len(found.names) > 0
    assert all(np.isfinite(axis.limits).all() and axis.limits[0] <= axis.limits[1] for axis in found.axes)


def instrument(path: Path) -> None:
    """An instrument file that is read has axes and passed every check."""
    assert load_instrument(path).axes


def write_text(folder: Path) -> None:
    """Write the files of text."""
    texts = {
        "quartz.cif": QUARTZ,
        "salt.cif": SALT,
        "x.poni": PONI,
        "x.det": DET,
        "x.json": json.dumps(CAMERA, indent=1),
    }
    texts |= {"head.yaml": HEAD, **LISTS}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "instrument.yaml").write_bytes(shipped_instrument("laue_epics").read_bytes())


def write_images(folder: Path) -> None:
    """Write the images."""
    wide, byte = COUNTS.astype(np.uint16), COUNTS.astype(np.uint8)
    for name, values, options in (
        ("raw.tif", wide, {}),
        ("deflate.tif", wide, {"compression": "tiff_deflate"}),
        ("lzw.tif", wide, {"compression": "tiff_lzw", "tiffinfo": {317: 2}}),
        ("runs.tif", byte, {"compression": "packbits"}),
        ("x.png", wide, {}),
        ("x.jpg", byte, {}),
        ("x.gif", byte, {}),
        ("x.jp2", wide, {}),
    ):
        Image.fromarray(values).save(folder / name, **options)
    np.save(folder / "x.npy", COUNTS.astype(">f4"))
    fabio.cbfimage.CbfImage(data=COUNTS.astype(np.int32)).write(str(folder / "x.cbf"))
    fabio.edfimage.EdfImage(data=wide).write(str(folder / "x.edf"))


def write_hdf5(folder: Path) -> None:
    """Write a NeXus image with its mask, and a NeXus detector."""
    with h5py.File(folder / "x.h5", "w") as out:
        out.attrs["default"] = "entry"
        out.create_group("entry").attrs.update({"NX_class": "NXentry", "default": "data"})
        out.create_group("entry/data").attrs.update({"NX_class": "NXdata", "signal": "counts"})
        out.create_dataset(
            "entry/data/counts", data=COUNTS.astype(np.uint32)[None], chunks=(1, 20, 25), compression="gzip"
        )
        out["entry/instrument/detector/pixel_mask"] = np.zeros(SHAPE, np.uint32)
    with h5py.File(folder / "x.nxs", "w") as out:
        module = out.create_group("entry/instrument/detector/module")
        module["data_size"] = [100, 200]
        for name, value, vector in (
            ("module_offset", 70.0, [0.0, 0.0, 1.0]),
            ("fast_pixel_direction", 0.1, [1.0, 0.0, 0.0]),
            ("slow_pixel_direction", 0.1, [0.0, -1.0, 0.0]),
        ):
            module[name] = value
            start = "." if name == "module_offset" else "module_offset"
            module[name].attrs.update(
                {"transformation_type": "translation", "units": "mm", "vector": vector, "depends_on": start}
            )


READERS: dict[str, dict[str, Callable[[Path], None]]] = {
    "cif": dict.fromkeys(("quartz.cif", "salt.cif"), crystal),
    "detectors": dict.fromkeys(("x.poni", "x.det", "x.json"), detector),
    "lists": dict.fromkeys(LISTS, peaks),
    "tiff": dict.fromkeys(("raw.tif", "deflate.tif", "lzw.tif", "runs.tif"), image),
    "pictures": dict.fromkeys(("x.png", "x.jpg", "x.gif", "x.jp2", "x.npy", "x.cbf", "x.edf"), image),
    "hdf5": {"x.h5": image, "x.nxs": detector},
    "yaml": {"head.yaml": head, "instrument.yaml": instrument},
}
"""The files of every group, and how each is read."""


def write_corpus(folder: Path) -> None:
    """Write every sound file into a folder."""
    write_text(folder)
    write_images(folder)
    write_hdf5(folder)
