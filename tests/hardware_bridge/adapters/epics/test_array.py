"""Arrays of other cameras over Channel Access, whose own values are known: element types, colours, dimensions."""

import asyncio
from typing import Any

import numpy as np
import pytest

pytest.importorskip("aioca", reason="the epics extra is not installed")
pytest.importorskip("caproto", reason="the ioc extra is not installed")

from beamgym.hardware_bridge.adapters.epics.array import grey_shape, restored
from beamgym.hardware_bridge.adapters.epics.camera import EpicsCamera, EpicsCameraOptions
from beamgym.hardware_bridge.adapters.epics.pva import ntndarray, view_of
from beamgym.physics.instrument import FrameFailed

COUNTS = {
    "u16:": (np.arange(24) * 2800).astype(np.uint16),
    "u8:": (np.arange(24) * 11).astype(np.uint8),
    "i8:": (np.arange(24) * 11 - 128).astype(np.int8),
    "u32:": (np.arange(24) * 186_000_000).astype(np.uint32),
    "i16:": (np.arange(24) * 2800 - 32768).astype(np.int16),
    "f64:": np.arange(24) * 1e9,
}
"""What each camera counted, 4 rows of 6."""

WAVEFORMS = {"u16:": "short", "u8:": "char", "i8:": "char", "u32:": "long", "i16:": "short", "f64:": "double"}
NAMES = {"u": "UInt", "i": "Int", "f": "Float"}


def entry(prefix: str) -> dict[str, Any]:
    counts = COUNTS[prefix]
    signed = counts.view(counts.dtype.str.replace("u", "i")) if counts.dtype.kind == "u" else counts
    name = f"{NAMES[counts.dtype.kind]}{8 * counts.dtype.itemsize}"
    return {"values": signed.tolist(), "waveform": WAVEFORMS[prefix], "data_type": name, "sizes": [6, 4]}


ODD = {
    "rgb1:": {"sizes": [3, 6, 4], "color": "RGB1"},
    "rgb2:": {"sizes": [6, 3, 4], "color": "RGB2"},
    "rgb3:": {"sizes": [6, 4, 3], "color": "RGB3"},
    "bayer:": {"sizes": [6, 4], "color": "Bayer"},
    "stack:": {"sizes": [6, 4, 3]},
    "cut:": {"sizes": [6, 4], "data_type": "UInt32"},
    "packed:": {"sizes": [6, 4], "codec": "blosc"},
    "one:": {"sizes": [6, 4, 1]},
    "ahead:": {"sizes": [6, 4], "ahead_s": 3600.0},
    "late:": {"sizes": [6, 4], "late": 1},
}
"""Cameras whose arrays are no plain grey image, or whose clock and counters are their own."""


@pytest.fixture(scope="module")
def cameras(camera_server: Any) -> None:
    """All of them on one server, beside the practice instrument's port."""
    plain = {"values": list(range(72)), "waveform": "short", "data_type": "UInt16"}
    camera_server({**{prefix: entry(prefix) for prefix in COUNTS}, **{name: plain | odd for name, odd in ODD.items()}})


async def connected(prefix: str, **options: Any) -> EpicsCamera:
    camera = EpicsCamera("camera", prefix, (4, 6), 20.0, EpicsCameraOptions(**{"reply_s": 20.0, **options}))
    await camera.connect(30.0)
    return camera


async def image_of(prefix: str, **options: Any) -> np.ndarray:
    camera = await connected(prefix, **options)
    await camera.trigger()
    image: np.ndarray = (await camera.read())["camera_image"]["value"]
    return image


@pytest.mark.parametrize("prefix", COUNTS)
def test_counts_arrive_as_they_were_counted_whatever_the_waveform_calls_them(cameras: None, prefix: str):
    np.testing.assert_array_equal(asyncio.run(image_of(prefix)), COUNTS[prefix].reshape(4, 6))


def test_sixteen_unsigned_bits_over_a_short_reach_from_0_to_64400(cameras: None):
    image = asyncio.run(image_of("u16:"))
    assert (image.dtype, image.min(), image.max()) == (np.uint16, 0, 64400)
    assert image[-1].tolist() == [50400, 53200, 56000, 58800, 61600, 64400]


@pytest.mark.parametrize(
    ("prefix", "line"),
    [
        ("rgb1:", r"in colour \(RGB1\).*set ColorMode to Mono"),
        ("rgb2:", r"in colour \(RGB2\)"),
        ("rgb3:", r"in colour \(RGB3\)"),
        ("bayer:", r"in colour \(Bayer\)"),
        ("stack:", "3 dimensions; a grey image has two"),
        ("cut:", "the array is UInt32, and its waveform has elements of 16 bits"),
        ("packed:", r"compressed \(blosc\); set the codec plugin's Compressor to None"),
    ],
)
def test_an_array_that_is_no_plain_grey_image_is_refused_in_one_line(cameras: None, prefix: str, line: str):
    with pytest.raises(FrameFailed, match=line) as caught:
        asyncio.run(image_of(prefix))
    assert "\n" not in str(caught.value)


def test_a_stack_of_one_image_is_an_image(cameras: None):
    assert asyncio.run(image_of("one:")).tolist() == np.arange(24).reshape(4, 6).tolist()


def test_a_server_an_hour_ahead_is_known_to_be_so_once_it_was_given_an_exposure(cameras: None):
    async def run() -> tuple[Any, Any]:
        camera = await connected("ahead:")
        before = camera.clock()
        await camera.set_exposure(0.05)
        return before, camera.clock()

    before, (offset_s, uncertain_s) = asyncio.run(run())
    assert before is None
    assert abs(offset_s - 3600.0) <= uncertain_s + 0.01
    assert 0.0 < uncertain_s < 10.0


def test_driver_and_plugin_are_counted_apart_where_there_are_both(cameras: None):
    async def counts(prefix: str, **options: Any) -> Any:
        return await (await connected(prefix, **options)).frame_counts()

    assert asyncio.run(counts("late:")) == {"plugin": 6, "driver": 7}
    assert asyncio.run(counts("late:", driver_counter="")) == {"plugin": 6}
    assert asyncio.run(counts("u16:")).keys() == {"plugin"}


def test_an_element_type_that_nobody_knows_is_refused():
    with pytest.raises(FrameFailed, match="DataType_RBV is 'Complex64'"):
        restored("camera", np.zeros(4, np.int16), "Complex64")
    # without the record the waveform's own word is all there is
    assert restored("camera", np.full(2, -1, np.int16), "").tolist() == [-1, -1]


def test_a_row_alone_is_no_image():
    with pytest.raises(FrameFailed, match="1 dimensions"):
        grey_shape("camera", [24])


def wrapped(image: np.ndarray, color: int | None = None) -> Any:
    """An NTNDArray as p4p hands it over, unsigned elements in a union and the colour among the attributes."""
    nt = pytest.importorskip("p4p.nt", reason="the pva extra is not installed")
    array = nt.NTNDArray().wrap(image)
    array["attribute"] = [] if color is None else [{"name": "ColorMode", "value": color}]
    return array


@pytest.mark.parametrize("prefix", COUNTS)
def test_an_ntndarray_keeps_its_element_type(prefix: str):
    image, *_ = ntndarray("camera", wrapped(COUNTS[prefix].reshape(4, 6)))
    assert image.dtype == COUNTS[prefix].dtype
    np.testing.assert_array_equal(image, COUNTS[prefix].reshape(4, 6))


@pytest.mark.parametrize(
    ("shape", "color", "line"),
    [((4, 6), 1, r"in colour \(Bayer\)"), ((4, 6, 3), 2, r"in colour \(RGB1\)"), ((3, 4, 6), None, "3 dimensions")],
)
def test_an_ntndarray_in_colour_or_of_three_dimensions_is_refused(shape: Any, color: int | None, line: str):
    with pytest.raises(FrameFailed, match=line):
        ntndarray("camera", wrapped(np.zeros(shape, np.uint8), color))


def test_a_compressed_ntndarray_is_refused():
    array = wrapped(np.zeros((4, 6), np.uint8), 0)
    array["codec.name"] = "jpeg"
    with pytest.raises(FrameFailed, match=r"compressed \(jpeg\)"):
        ntndarray("camera", array)


def test_the_view_of_an_ntndarray_names_what_would_move_its_pixels():
    array = wrapped(np.zeros((4, 6), np.uint8))
    before = view_of(array)
    parts = [{"size": 6, "offset": 2, "fullSize": 6, "binning": 1, "reverse": True}, {"size": 4, "binning": 2}]
    array["dimension"] = parts
    after = view_of(array)
    assert {key for key in after if after[key] != before[key]} >= {"offset x", "reverse x", "binning y"}
