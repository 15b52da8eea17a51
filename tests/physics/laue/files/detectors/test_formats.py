"""Detector files of other programs."""

import json
import math
import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.files.detectors.formats import load_detector, load_detector_for, save_detector
from beamgym.physics.laue.files.detectors.lauetools import from_lauetools, to_lauetools
from beamgym.physics.laue.files.detectors.poni import from_poni

DATA = Path(os.environ.get("BEAMGYM_DATA", Path(__file__).parents[5] / ".." / "shared" / "data"))
needs_data = pytest.mark.skipif(not (DATA / "laue").is_dir(), reason="the measured data of BEAMGYM_DATA is not here")


@settings(deadline=None, max_examples=50)
@given(
    st.floats(20, 300), st.floats(-500, 2500), st.floats(-500, 2500), st.floats(-170, 170), st.floats(-170, 170)
)  # fmt: skip
def test_lauetools_parameters_come_back(dd, xcen, ycen, xbet, xgam):
    found = to_lauetools(from_lauetools(dd, xcen, ycen, xbet, xgam, 0.08, (2048, 2048)))
    wanted = {"dd": dd, "xcen": xcen, "ycen": ycen, "xbet": xbet, "xgam": xgam, "pixelsize": 0.08}
    for key, value in wanted.items():
        assert found[key] == pytest.approx(value, abs=1e-6)


def test_a_ray_lands_where_lauetools_formula_says():
    """The published formula, written out for one ray, 1-based."""
    dd, xcen, ycen, xbet, xgam, pixel = 70.0, 1000.0, 1100.0, 0.6, -0.7, 0.08
    beta, gamma = math.radians(xbet), math.radians(xgam)
    uf = np.array([0.2, -0.3, 0.93])
    uf /= np.linalg.norm(uf)
    normal = np.array([math.sin(beta), 0, math.cos(beta)])
    e1, e2 = np.array([0, -1, 0]), np.array([math.cos(beta), 0, -math.sin(beta)])
    offset = dd * uf / (uf @ normal) - dd * normal
    p1, p2 = offset @ e1, offset @ e2
    x = xcen + (math.cos(gamma) * p1 - math.sin(gamma) * p2) / pixel
    y = ycen + (math.sin(gamma) * p1 + math.cos(gamma) * p2) / pixel
    detector = from_lauetools(dd, xcen, ycen, xbet, xgam, pixel, (2048, 2048))
    np.testing.assert_allclose(detector.to_pixel(uf)[0], [x - 1, y - 1], atol=1e-9)


def test_what_lauetools_cannot_express_is_refused():
    top = Detector.top()
    with pytest.raises(ValueError, match="mirrored"):
        to_lauetools(Detector(top.origin_mm, top.fast, -top.slow, 0.08, (10, 10)))
    with pytest.raises(ValueError, match="xz plane"):
        to_lauetools(Detector.side())


@needs_data
@pytest.mark.parametrize(
    ("file", "shape", "dd"),
    [
        ("ge_marccd/orig/calibGe111.det", (2048, 2048), 70.775),
        ("ge_marccd/orig/Ge_blanc_0000_LT_5.fit", (2048, 2048), 70.775),
        ("moo3_scmos/orig/img_0000_LT_1.fit", (2018, 2016), 79.263),
        ("sic4h_scmos/orig/old_fitfile.fit", (2018, 2016), 77.98),
    ],
)
def test_lauetools_files_are_read(file, shape, dd):
    detector = load_detector(DATA / "laue" / file)
    assert detector.shape == shape
    assert to_lauetools(detector)["dd"] == pytest.approx(dd)


@needs_data
def test_the_header_of_a_cor_file_is_read_and_asks_for_the_size_it_lacks():
    file = DATA / "laue" / "ge_marccd" / "orig" / "Ge_blanc_0000_LT_5.cor"
    with pytest.raises(ValueError, match=r"shape=\(rows, columns\)"):
        load_detector(file)
    assert to_lauetools(load_detector(file, (2048, 2048)))["xbet"] == pytest.approx(0.629851481232126)


def test_own_files_come_back_exactly(tmp_path):
    detector = Detector.back_reflection(71.3, (300, 200), 0.172).displaced([0.1, 0.2, 0.3], [0.1, -0.2, 0.3])
    save_detector(detector, tmp_path / "panel.json")
    assert load_detector(tmp_path / "panel.json") == detector


def test_a_poni_file_without_tilts_is_a_transmission_panel(tmp_path):
    """pyFAI looks along the beam: axis 1 (rows) up, axis 2 (columns) to the right of the beam, −y."""
    (tmp_path / "x.poni").write_text(
        "# Nota\nponi_version: 2.1\nDetector: Detector\n"
        'Detector_config: {"pixel1": 1e-4, "pixel2": 1e-4, "max_shape": [100, 200], "orientation": 3}\n'
        "Distance: 0.07\nPoni1: 0.005\nPoni2: 0.01\nRot1: 0.0\nRot2: 0.0\nRot3: 0.0\nWavelength: 1e-10\n"
    )
    detector = load_detector(tmp_path / "x.poni")
    np.testing.assert_allclose(detector.to_lab_mm([99.5, 49.5]), [70, 0, 0], atol=1e-12)
    np.testing.assert_allclose(detector.fast, [0, -1, 0], atol=1e-15)
    np.testing.assert_allclose(detector.slow, [0, 0, 1], atol=1e-15)
    assert detector.shape == (100, 200)


def test_poni_tilts_follow_the_geometry_of_pyfai():
    """pyFAI's position of a pixel, with its rotation matrix written out element by element."""
    rot1, rot2, rot3, distance, poni1, poni2, pixel = 0.3, -0.2, 0.5, 0.1, 0.01, 0.02, 1e-4
    c1, s1, c2, s2, c3, s3 = (f(r) for r in (rot1, rot2, rot3) for f in (math.cos, math.sin))
    m1 = np.array([[1, 0, 0], [0, c1, s1], [0, -s1, c1]])
    m2 = np.array([[c2, 0, -s2], [0, 1, 0], [s2, 0, c2]])
    m3 = np.array([[c3, -s3, 0], [s3, c3, 0], [0, 0, 1]])
    row, column = 37.0, 81.0
    at = m3 @ m2 @ m1 @ np.array([(row + 0.5) * pixel - poni1, (column + 0.5) * pixel - poni2, distance])
    values = {
        "Distance": distance, "Poni1": poni1, "Poni2": poni2, "Rot1": rot1, "Rot2": rot2, "Rot3": rot3,
        "PixelSize1": pixel, "PixelSize2": pixel,
    }  # fmt: skip
    detector = from_poni(values, (100, 200))
    np.testing.assert_allclose(detector.to_lab_mm([column, row]), 1000 * np.array([at[2], -at[1], at[0]]), atol=1e-9)


def write_nexus(path, two_theta_deg=0.0, **changes):
    """A module of 100 × 200 pixels of 0.1 mm, 70 mm downstream, on an arm that turns about the vertical."""
    with h5py.File(path, "w") as file:
        module = file.create_group("entry/instrument/detector/module")
        arm = file.create_group("entry/instrument/detector/transformations")

        def axis(group, name, value, kind, vector, depends_on, **more):
            item = group.create_dataset(name, data=value)
            units = "deg" if kind == "rotation" else "mm"
            item.attrs.update({"transformation_type": kind, "vector": vector, "depends_on": depends_on, "units": units})
            item.attrs.update(more)

        base = "/entry/instrument/detector/"
        axis(arm, "two_theta", two_theta_deg, "rotation", [0.0, 1.0, 0.0], ".")
        axis(arm, "distance", 70.0, "translation", [0.0, 0.0, 1.0], "two_theta")
        offset = {"offset": [-9.95, 4.95, 0.0], "offset_units": "mm"}
        axis(module, "module_offset", 0.0, "translation", [0.0, 0.0, 1.0], base + "transformations/distance", **offset)
        axis(module, "fast_pixel_direction", 0.1, "translation", [1.0, 0.0, 0.0], base + "module/module_offset")
        axis(module, "slow_pixel_direction", 0.1, "translation", [0.0, -1.0, 0.0], base + "module/module_offset")
        module["data_size"] = [100, 200]
        for name, attributes in changes.items():
            module[name].attrs.update(attributes)


def test_a_nexus_module_is_followed_through_its_transformations(tmp_path):
    """NeXus turns about y (up): +90° about it carries z (the beam) to x, which is +y here."""
    write_nexus(tmp_path / "straight.nxs")
    straight = load_detector(tmp_path / "straight.nxs")
    np.testing.assert_allclose(straight.to_lab_mm([99.5, 49.5]), [70, 0, 0], atol=1e-9)
    np.testing.assert_allclose([straight.fast, straight.slow], [[0, 1, 0], [0, 0, -1]], atol=1e-12)
    assert straight.shape == (100, 200)
    write_nexus(tmp_path / "turned.h5", 90.0)
    np.testing.assert_allclose(load_detector(tmp_path / "turned.h5").to_lab_mm([99.5, 49.5]), [0, 70, 0], atol=1e-9)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"slow_pixel_direction": {"units": "um"}}, "square"),
        ({"fast_pixel_direction": {"units": "furlong"}}, "furlong"),
        ({"module_offset": {"transformation_type": "shear"}}, "neither a translation nor a rotation"),
        ({"module_offset": {"depends_on": "/nowhere"}}, "does not hold"),
        ({"module_offset": {"depends_on": "module_offset"}}, "does not end"),
        ({"fast_pixel_direction": {"vector": [0.0, 0.0]}}, "vector"),
    ],
)
def test_a_nexus_file_that_lacks_something_says_what(tmp_path, changes, words):
    write_nexus(tmp_path / "x.nxs", **changes)
    with pytest.raises(ValueError, match=words) as error:
        load_detector(tmp_path / "x.nxs")
    assert "\n" not in str(error.value)


def test_an_hdf5_file_without_geometry_is_refused(tmp_path):
    h5py.File(tmp_path / "x.h5", "w").close()
    with pytest.raises(ValueError, match="no NXdetector_module"):
        load_detector(tmp_path / "x.h5")
    (tmp_path / "y.h5").write_text("not HDF5")
    with pytest.raises(ValueError, match="not an HDF5 file"):
        load_detector(tmp_path / "y.h5")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("x.det", "70, 1, 2\n", "first line"),
        ("x.det", "", "first line"),
        ("x.det", "70, 1, 2, 0, 0, 0.08\n", "shape="),
        ("x.fit", "nothing\n", "DetectorParameters"),
        ("x.cor", "2theta chi X Y I\n", "no dd"),
        ("x.poni", "Distance: 0.1\n", "pixel size"),
        ("x.poni", "Detector_config: {oops\n", "not valid JSON"),
        ("x.json", "[1, 2]", "not a JSON object"),
        ("x.json", json.dumps({"origin_mm": [1, 2, 3], "spam": 1}), "unknown keys"),
        ("x.xyz", "", "endings that are read"),
    ],
)
def test_a_file_that_lacks_something_says_what(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=words) as error:
        load_detector(tmp_path / name)
    assert "\n" not in str(error.value)


def write_calibrations(folder):
    """One file of every kind that states 300 rows of 200 pixels."""
    save_detector(Detector.back_reflection(70.0, (300, 200), 0.1), folder / "x.json")
    (folder / "x.det").write_text("70, 100, 150, 0, 0, 0.1, 300, 200\n")
    (folder / "x.fit").write_text(
        "#DetectorParameters\n#[70.0, 100.0, 150.0, 0.0, 0.0]\n#pixelsize\n#0.1\n#Frame dimensions\n#[300, 200]\n"
    )
    header = {"dd": 70, "xcen": 100, "ycen": 150, "xbet": 0, "xgam": 0, "pixelsize": 0.1, "framedim": "(300, 200)"}
    (folder / "x.cor").write_text("2theta chi X Y I\n" + "".join(f"# {k} : {v}\n" for k, v in header.items()))
    (folder / "x.poni").write_text(
        'Detector_config: {"pixel1": 1e-4, "pixel2": 1e-4, "max_shape": [300, 200], "orientation": 3}\n'
        "Distance: 0.07\nPoni1: 0.005\nPoni2: 0.01\nRot1: 0.0\nRot2: 0.0\nRot3: 0.0\n"
    )
    write_nexus(folder / "x.nxs")


@pytest.mark.parametrize("ending", ["json", "det", "fit", "cor", "poni", "nxs"])
def test_a_calibration_of_other_frames_than_the_image_is_refused(tmp_path, ending):
    write_calibrations(tmp_path)
    file = tmp_path / f"x.{ending}"
    stated = load_detector(file).shape
    assert load_detector(file, stated[::-1]).shape == stated[::-1]
    with pytest.raises(ValueError, match=rf"frames of {stated[0]} × {stated[1]} pixels, not of 150 × 100") as error:
        load_detector(file, (150, 100))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("ending", ["json", "nxs"])
def test_where_rows_and_columns_are_stated_an_image_turned_by_90_degrees_is_refused(tmp_path, ending):
    write_calibrations(tmp_path)
    file = tmp_path / f"x.{ending}"
    rows, columns = load_detector(file).shape
    assert load_detector_for(file, (rows, columns)) == load_detector_for(file, None) == load_detector(file)
    with pytest.raises(ValueError, match=f"the image has {columns} rows and {rows} columns, x.{ending} says"):
        load_detector_for(file, (columns, rows))


def test_where_they_are_not_the_images_shape_counts(tmp_path):
    write_calibrations(tmp_path)
    assert load_detector_for(tmp_path / "x.det", (200, 300)).shape == (200, 300)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no\.det"):
        load_detector(tmp_path / "no.det")
