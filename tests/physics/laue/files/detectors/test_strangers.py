"""Calibrations as other people's programs and hands write them: right, or refused by the entry that is wrong."""

import json
import math

import h5py
import numpy as np
import pytest

from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.files import load_detector, save_detector
from beamgym.physics.laue.files.detectors.lauetools import from_lauetools

NUMBERS = (69.66, 1025.9, 1089.14, 0.421, 0.271, 0.0799)
WANTED = from_lauetools(*NUMBERS, (2048, 2048))

DET = {
    "as LaueTools writes it": "69.66000, 1025.9000, 1089.1400, 0.4210000, 0.2710000, 0.07990000, 2048, 2048\n"
    "Sample-Detector distance(IM), xO, yO, angle1, angle2, pixelsize, dim1, dim2\nCalibration done with Ge at noon\n",
    "without the frame": "69.66, 1025.9, 1089.14, 0.421, 0.271, 0.0799\n",
    "spaces": "69.66 1025.9 1089.14 0.421 0.271 0.0799 2048 2048\n",
    "floats for the frame": "69.66,1025.9,1089.14,0.421,0.271,0.0799,2048.00000,2048.00000\n",
    "a list": "[69.66, 1025.9, 1089.14, 0.421, 0.271, 0.0799]\n",
    "numpy's own": "[69.66 1025.9 1089.14 0.421 0.271 0.0799]\n",
    "numpy 2": "[np.float64(69.66), np.float64(1025.9), np.float64(1089.14), np.float64(0.421), np.float64(0.271), "
    "np.float64(0.0799)]\n",
    "numpy 2, mixed": "[np.float64(69.66), 1025.9, 1089.14, np.float32(0.421), 0.271, 0.0799, np.int64(2048), 2048]\n",
    "German": "69,66; 1025,9; 1089,14; 0,421; 0,271; 0,0799; 2048; 2048\n",
    "exponents": "6.966e1, 1.0259e3, 1.08914E3, 4.21e-1, 2.71e-1, 7.99e-2\n",
    "a comma at the end": "69.66, 1025.9, 1089.14, 0.421, 0.271, 0.0799, 2048, 2048, \n",
    "a blank line first": "\n69.66, 1025.9, 1089.14, 0.421, 0.271, 0.0799\n",
}
BAD_DET = {
    "69.66, nan, 1089.14, 0.421, 0.271, 0.0799, 2048, 2048": "'nan' is not a number",
    "69.66, inf, 1089.14, 0.421, 0.271, 0.0799": "'inf' is not a number",
    "69.66, , 1089.14, 0.421, 0.271, 0.0799, 2048": "'' is not a number",
    "69.66, --, 1089.14, 0.421, 0.271, 0.0799, 2048, 2048": "'--' is not a number",
    "dd 69.66, 1025.9, 1089.14, 0.421, 0.271, 0.0799": "'dd' is not a number",
    "69.66mm, 1025.9, 1089.14, 0.421, 0.271, 0.0799": "'69.66mm' is not a number",
    "69,66, 1025,9, 1089,14, 0,421, 0,271, 0,0799": "the first line must hold",
    "70,5, 1000,5, 1000,5, 0, 0,08": "the first line must hold",
    "69.66, 1025.9, 1089.14, 0.421, 0.271": "the first line must hold",
    "69.66, 1025.9, 1089.14, 0.421, 0.271, 0.0799, 2048": "the first line must hold",
    "69.66, 1025.9, 1089.14, 0.421, 0.271, 0.0799, 2048, 2048, 1": "the first line must hold",
    "69.66, 1025.9, 1089.14, 0.421, 0.271, 0.0799, 0, 2048": "as the frame's size",
    "69.66, 1025.9, 1089.14, 0.421, 0.271, 0.0799, 2048.5, 2048": "as the frame's size",
    "69660, 1025.9, 1089.14, 0.421, 0.271, 79.9": "pixels of 79.9 mm",
    "69660, 1025.9, 1089.14, 0.421, 0.271, 0.0799": "69660 mm from the sample",
    "0.06966, 1025.9, 1089.14, 0.421, 0.271, 7.99e-5": "pixels of 7.99e-05 mm",
    "0.06966, 1025.9, 1089.14, 0.421, 0.271, 0.0799": "0.06966 mm from the sample",
    "-69.66, 1025.9, 1089.14, 0.421, 0.271, 0.0799": "must be above 0 mm",
    "69.66, 1025.9, 1089.14, 421, 0.271, 0.0799": "xbet is 421°",
    "69.66, 1e7, 1089.14, 0.421, 0.271, 0.0799": "a corner of the camera",
    "69.66, 1025.9, 1089.14, 0.421, 0.271, 0": "pixel_mm must be|pixels of 0 mm",
    "69.66, 1025.9, 1089.14, 0.421, 0.271, -0.0799": "pixel_mm must be|pixels of -",
}


def refused(path, shape=None):
    with pytest.raises(ValueError) as caught:
        load_detector(path, shape)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", DET)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_det_file_is_read_by_its_whole_first_line(tmp_path, name, encoding):
    (tmp_path / "x.det").write_bytes(DET[name].encode(encoding))
    assert load_detector(tmp_path / "x.det", (2048, 2048)) == WANTED


@pytest.mark.parametrize("text", BAD_DET)
def test_a_det_file_of_something_else_is_refused(tmp_path, text):
    (tmp_path / "x.det").write_text(text + "\nSample-Detector distance(IM), xO, yO\n", encoding="utf-8")
    said = refused(tmp_path / "x.det", (2048, 2048))
    assert any(part in said for part in BAD_DET[text].split("|"))


COR = ["# dd     :   69.66", "# xcen     :   1025.9", "# ycen     :   1089.14", "# xbet     :   0.421",
       "# xgam     :   0.271", "# pixelsize    :   0.0799", "# CCDLabel    :   sCMOS"]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (None, None),
        (("# xcen     :   1025.9", "# xcen : np.float64(1025.9)"), None),
        (("# CCDLabel    :   sCMOS", "# framedim : (2048, 2048)"), None),
        (("# CCDLabel    :   sCMOS", "# ypixelsize     :   0.0799"), None),
        (("# xcen     :   1025.9", "# xcen : nan"), "xcen: 'nan' is not a number"),
        (("# xcen     :   1025.9", "# xcen : 1025,9"), "xcen holds 2 numbers"),
        (("# xcen     :   1025.9", ""), "no xcen"),
        (("# CCDLabel    :   sCMOS", "# ypixelsize : 0.16"), "pixels must be square"),
        (("# CCDLabel    :   sCMOS", "# framedim : (2048, two)"), "framedim"),
    ],
)
def test_the_comments_of_a_cor_file_are_read_whole(tmp_path, change, says):
    text = "2theta chi X Y I\n64.3 8.1 101.5 201.25 5000\n" + "\n".join(COR)
    (tmp_path / "x.cor").write_text(text.replace(*change) if change else text)
    if says is None:
        assert load_detector(tmp_path / "x.cor", (2048, 2048)) == WANTED
    else:
        assert any(part in refused(tmp_path / "x.cor", (2048, 2048)) for part in says.split("|"))


FIT = "# Unit cell\n#[5.65, 5.65]\n#DetectorParameters\n#[69.66, 1025.9, 1089.14, 0.421, 0.271]\n#pixelsize\n#0.0799\n"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("", "", None),
        ("#[69.66, 1025.9,", "#[np.float64(69.66), 1025.9,", None),
        ("#0.0799\n", "#0.0799\n#Frame dimensions\n#[2048, 2048]\n", None),
        ("1025.9", "nan", "'nan' is not a number"),
        ("#0.0799", "#eighty", "pixelsize: 'eighty' is not"),
        ("#0.0799\n", "", "holds no #DetectorParameters and #pixelsize"),
    ],
)
def test_a_fit_file_is_read_whole(tmp_path, old, new, says):
    (tmp_path / "x.fit").write_text(FIT.replace(old, new) if old else FIT)
    if says is None:
        assert load_detector(tmp_path / "x.fit", (2048, 2048)) == WANTED
    else:
        assert says in refused(tmp_path / "x.fit", (2048, 2048))


CONFIG = '{"pixel1": 1e-4, "pixel2": 1e-4, "max_shape": [100, 200]}'


def poni(**changes):
    values = {
        "poni_version": "2", "Detector": "Detector", "Detector_config": CONFIG, "Distance": "0.07", "Poni1": "0.005",
        "Poni2": "0.01", "Rot1": "0.0", "Rot2": "0.0", "Rot3": "0.0", "Wavelength": "1e-10", **changes,
    }  # fmt: skip
    return "".join(f"{key}: {value}\n" for key, value in values.items() if value is not None)


PONI = {
    "version 1": poni(poni_version=None, Detector=None, Detector_config=None, PixelSize1="1e-4", PixelSize2="1e-4"),
    "version 1 with no spline": poni(
        poni_version=None, Detector_config=None, PixelSize1="0.0001", PixelSize2="0.0001", SplineFile="None"
    ),
    "version 2": "# Nota: C-Order, 1 refers to the Y axis\n# Calibration done at noon: 12:00\n" + poni(),
    "version 2.1": poni(
        poni_version="2.1", Detector_config=CONFIG.replace("}", ', "orientation": 3}'), Wavelength="1e-10\n# image: a:b"
    ),
    "small letters": poni().lower().replace('"max_shape"', '"max_shape"'),
    "no shape": poni(Detector_config='{"pixel1": 1e-4, "pixel2": 1e-4, "max_shape": null}'),
    "an orientation of nothing": poni(Detector_config=CONFIG.replace("}", ', "orientation": null}')),
    "an older one before": poni(Distance="0.5", Poni1="0.3") + "# Calibration done later\n" + poni(),
    "a version 2 before a version 1": poni(Distance="0.5", Detector_config=CONFIG.replace("1e-4", "5e-5"))
    + poni(poni_version=None, Detector_config=None, PixelSize1="1e-4", PixelSize2="1e-4"),
}
BAD_PONI = {
    poni(Distance=None): "lacks distance",
    poni(Poni1="nan"): "poni1 must be a number, found 'nan'",
    poni(Distance="0,07"): "distance must be a number, found '0,07'",
    poni(Distance="70 mm"): "distance must be a number",
    poni(Distance="70"): "70000 mm from the sample",
    poni(Distance="15"): "15000 mm from the sample",
    poni(Distance="-0.07"): None,
    poni(Distance="70", Poni1="5", Poni2="10", Detector_config=CONFIG.replace("1e-4", "0.1")): "pixels of 100 mm",
    poni(Poni1="50"): "a corner of the camera",
    poni(Rot1="45"): "rot1 is 45, more than a whole turn; its angles are in radians",
    poni(Rot3="-90.0"): "in radians",
    poni(Detector_config="[1, 2]"): "must be an object",
    poni(Detector_config="{oops"): "not valid JSON",
    poni(Detector_config="{}"): "does not give the pixel size",
    poni(Detector_config='{"pixel1": 1e-4}'): "does not give the pixel size",
    poni(Detector_config=CONFIG.replace("1e-4", '"0.1 mm"', 1)): "pixel1 must be a number",
    poni(Detector_config=CONFIG.replace("1e-4", "[1e-4]", 1)): "pixel1 must be a number",
    poni(Detector_config=CONFIG.replace("1e-4", "true", 1)): "pixel1 must be a number",
    poni(Detector_config=CONFIG.replace("1e-4", "2e-4", 1)): "pixels must be square",
    poni(Detector_config=CONFIG.replace("1e-4", "0")): "pixels must be square",
    poni(Detector_config=CONFIG.replace("[100, 200]", "[100]")): "as the frame's size",
    poni(Detector_config=CONFIG.replace("[100, 200]", '"big"')): "as the frame's size",
    poni(Detector_config=CONFIG.replace("[100, 200]", "100")): "as the frame's size",
    poni(Detector_config=CONFIG.replace("[100, 200]", "[1e400, 2]")): "as the frame's size",
    poni(Detector_config=CONFIG.replace("}", ', "orientation": 2}')): "orientation 3",
    poni(Detector_config=CONFIG.replace("}", ', "orientation": [3]}')): "orientation must be a number",
    poni(Detector_config=CONFIG.replace("}", ', "splineFile": "a.spline"}')): "distortion",
    poni(SplineFile="/data/frelon.spline"): "distortion",
    poni(Detector_config="[" * 5000): "not valid JSON",
    "Distance: 0.07\n" * 2: "does not give the pixel size",
}


@pytest.mark.parametrize("name", PONI)
def test_every_version_of_poni_puts_the_panel_at_the_same_place(tmp_path, name):
    (tmp_path / "x.poni").write_text(PONI[name])
    detector = load_detector(tmp_path / "x.poni", (100, 200))
    np.testing.assert_allclose(detector.to_lab_mm([99.5, 49.5]), [70, 0, 0], atol=1e-12)
    assert (detector.pixel_mm, detector.shape) == (pytest.approx(0.1), (100, 200))


@pytest.mark.parametrize("text", BAD_PONI)
def test_a_poni_file_that_cannot_be_is_refused(tmp_path, text):
    (tmp_path / "x.poni").write_text(text)
    if BAD_PONI[text] is None:
        assert load_detector(tmp_path / "x.poni", (100, 200)).origin_mm[0] == pytest.approx(-70.0)
        return
    assert BAD_PONI[text] in refused(tmp_path / "x.poni", (100, 200))


@pytest.mark.parametrize(
    ("name", "pixel_mm"), [("Pilatus1M", 0.172), ("Pilatus 100k", 0.172), ("Eiger4M", 0.075), ("Eiger2 1M", 0.075)]
)
def test_detectors_that_pyfai_only_names_have_the_pixels_of_their_maker(tmp_path, name, pixel_mm):
    (tmp_path / "x.poni").write_text(poni(Detector=name, Detector_config='{"orientation": 3}'))
    assert load_detector(tmp_path / "x.poni", (100, 200)).pixel_mm == pytest.approx(pixel_mm)


def camera(**changes):
    values = {"origin_mm": [-50, 0, 0], "fast": [0, 1, 0], "slow": [0, 0, 1], "pixel_mm": 0.3, "shape": [10, 10]}
    return json.dumps({**values, **changes})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (camera(pixel_mm="0.3"), "pixel_mm must be a number, found the text '0.3'"),
        (camera(pixel_mm=None), "pixel_mm must be a number"),
        (camera(pixel_mm=True), "pixel_mm must be a number"),
        (camera(pixel_mm=[0.3]), "pixel_mm must be a number"),
        (camera(pixel_mm=math.nan), "pixel_mm must be a number"),
        (camera(pixel_mm=300), "pixels of 300 mm"),
        (camera(origin_mm=[-50, 0]), "origin_mm must be three numbers"),
        (camera(origin_mm="here"), "origin_mm must be three numbers"),
        (camera(origin_mm=[-50, "0", 0]), "origin_mm must be a number, found the text"),
        (camera(origin_mm=[-50000, 0, 0]), "50000 mm from the sample"),
        (camera(origin_mm=[-0.05, 0, 0]), "0.05 mm from the sample"),
        (camera(fast=[0, 0, 0]), "fast"),
        (camera(fast=[0, 1, 1]), "perpendicular"),
        (camera(shape=[10]), "as the frame's size"),
        (camera(shape=[10, 0]), "as the frame's size"),
        (camera(shape=[10, 10.5]), "as the frame's size"),
        (camera(shape=10), "as the frame's size"),
        (camera(shape=None), "the frame's size"),
        (camera().replace("0.3", "1" * 6000), "not a JSON object|pixel_mm"),
        ("[" * 100000, "not a JSON object"),
        ("\ufeff" + camera(pixel_mm="x"), "found the text"),
    ],
)
def test_a_camera_file_that_cannot_be_is_refused_by_its_entry(tmp_path, text, says):
    (tmp_path / "x.json").write_text(text, encoding="utf-8")
    said = refused(tmp_path / "x.json")
    assert any(part in said for part in says.split("|"))


def test_cameras_that_exist_are_all_possible(tmp_path):
    for detector in (
        Detector.back_reflection(30.0, (4000, 3000), 0.0005),
        Detector.back_reflection(2000.0, (64, 64), 12.0),
        Detector.back_reflection(5.0, (2048, 2048), 0.0065),
        Detector.top(),
        Detector.side(),
    ):
        save_detector(detector, tmp_path / "x.json")
        assert load_detector(tmp_path / "x.json") == detector


def write_nexus(path, units="mm", kind=str, **changes):
    """A module of 100 × 200 pixels of 0.1 mm, 70 mm downstream, with the attributes that ``kind`` makes of texts."""
    scale = {"mm": 1.0, "m": 1e-3, "um": 1e3, "cm": 0.1}[
        {"meter": "m", "millimeters": "mm", "micron": "um"}.get(units, units)
    ]
    with h5py.File(path, "w") as file:
        module = file.create_group("entry/instrument/eiger/module")
        arm = file.create_group("entry/instrument/eiger/transformations")

        def axis(group, name, value, vector, depends_on, **more):
            item = group.create_dataset(name, data=value)
            item.attrs["transformation_type"], item.attrs["units"] = kind("translation"), kind(units)
            item.attrs["vector"], item.attrs["depends_on"] = vector, kind(depends_on)
            for key, entry in more.items():
                item.attrs[key] = entry

        base = "/entry/instrument/eiger/"
        axis(arm, "det_z", np.array([70.0 * scale]), [0, 0, 1], ".")
        offset = {"offset": np.array([-9.95, 4.95, 0.0]) * scale, "offset_units": kind(units)}
        axis(module, "module_offset", 0.0, [0.0, 0.0, 1.0], base + "transformations/det_z", **offset)
        axis(module, "fast_pixel_direction", 0.1 * scale, [1.0, 0.0, 0.0], base + "module/module_offset")
        axis(module, "slow_pixel_direction", 0.1 * scale, [0.0, -1.0, 0.0], "module_offset")
        module["data_size"] = np.array([100, 200], dtype="u4")
        for name, change in changes.items():
            change(module if name == "module" else module[name] if name in module else arm[name])


@pytest.mark.parametrize("units", ["mm", "m", "um", "cm", "meter", "millimeters", "micron"])
@pytest.mark.parametrize(
    "kind",
    [str, np.bytes_, lambda text: np.array([text.encode()]), lambda text: np.array([text], dtype=h5py.string_dtype())],
    ids=["text", "bytes", "array of bytes", "array of objects"],
)
def test_a_nexus_module_is_understood_in_any_unit_and_kind_of_text(tmp_path, units, kind):
    write_nexus(tmp_path / "x.nxs", units, kind)
    detector = load_detector(tmp_path / "x.nxs")
    np.testing.assert_allclose(detector.to_lab_mm([99.5, 49.5]), [70, 0, 0], atol=1e-9)
    assert (detector.pixel_mm, detector.shape) == (pytest.approx(0.1), (100, 200))


def scan(axis):
    group, name = axis.parent, axis.name.rsplit("/", 1)[1]
    kept = dict(axis.attrs)
    del group[name]
    group.create_dataset(name, data=np.array([70.0, 71.0])).attrs.update(kept)


def hole(axis):
    axis[...] = np.nan


def second_module(module):
    module.parent.copy(module, "module2")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"det_z": scan}, "moves from 70 to 71; one position is read"),
        ({"det_z": hole}, "holds no finite number"),
        ({"module": second_module}, "holds 2 modules"),
        ({"det_z": lambda axis: axis.attrs.__setitem__("units", "inch")}, "is in 'inch'; lengths are read in"),
        (
            {"det_z": lambda axis: axis.attrs.update({"transformation_type": "rotation"})},
            "is in 'mm'; angles are read in",
        ),
        ({"det_z": lambda axis: axis.attrs.update({"vector": "z"})}, "damaged or no NeXus detector|could not convert"),
        ({"module_offset": lambda axis: axis.attrs.update({"offset": [1.0, 2.0]})}, "offset of three numbers"),
        ({"det_z": lambda axis: axis.attrs.update({"units": "m"})}, "70000 mm from the sample"),
    ],
)
def test_a_nexus_module_that_cannot_be_is_refused(tmp_path, change, says):
    write_nexus(tmp_path / "x.nxs", **change)
    said = refused(tmp_path / "x.nxs")
    assert any(part in said for part in says.split("|"))
