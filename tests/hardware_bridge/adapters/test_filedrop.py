"""A detector that is a folder: only a whole, fresh frame of the right shape is taken."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fabio.cbfimage
import fabio.tifimage
import h5py
import numpy as np
import pytest

from beamgym.hardware_bridge.adapters.filedrop import FileDropDetector, FileDropOptions
from beamgym.hardware_bridge.devices import DeviceError
from beamgym.physics.instrument import FrameFailed

SHAPE = (40, 60)
FAST = {"settle_s": 0.06, "poll_s": 0.01}


def picture(seed: int = 0, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 60000, shape).astype(np.uint16)


def write_tiff(path: Path, image: np.ndarray) -> None:
    fabio.tifimage.TifImage(data=image).write(str(path))


def write_cbf(path: Path, image: np.ndarray) -> None:
    fabio.cbfimage.CbfImage(data=image.astype(np.int32)).write(str(path))


def write_hdf5(path: Path, image: np.ndarray) -> None:
    with h5py.File(path, "w") as file:
        file["entry/data/data"] = image


WRITERS: dict[str, Callable[[Path, np.ndarray], None]] = {"tif": write_tiff, "cbf": write_cbf, "h5": write_hdf5}


def detector(folder: Path, timeout_s: float = 30.0, **options: Any) -> FileDropDetector:
    return FileDropDetector("camera", str(folder), SHAPE, timeout_s, FileDropOptions(**{**FAST, **options}))


async def triggered(camera: FileDropDetector, later: Callable[[], None]) -> dict[str, Any]:
    """Trigger, run ``later`` when the camera has seen what is there and waits, and return the values read."""
    listed, listing = asyncio.Event(), camera._listed

    async def told() -> Any:
        try:
            return await listing()
        finally:
            listed.set()

    camera._listed = told
    status = camera.trigger()
    await listed.wait()
    await asyncio.to_thread(later)
    await status
    return {key: reading["value"] for key, reading in (await camera.read()).items()}


def take(camera: FileDropDetector, later: Callable[[], None]) -> dict[str, Any]:
    return asyncio.run(triggered(camera, later))


@pytest.mark.parametrize("ending", WRITERS)
def test_the_frame_dropped_after_the_trigger_is_read(tmp_path: Path, ending: str):
    WRITERS[ending](tmp_path / f"laue_0007.{ending}", picture(1))
    before = time.time()
    values = take(
        detector(tmp_path, pattern=f"laue_*.{ending}"),
        lambda: WRITERS[ending](tmp_path / f"laue_0008.{ending}", picture(2)),
    )
    np.testing.assert_array_equal(values["camera_image"], picture(2))
    assert values["camera_counter"] == 8
    assert before - 1.0 < values["camera_time"] < time.time() + 1.0


def test_of_two_new_frames_the_lower_number_is_taken(tmp_path: Path):
    def both() -> None:
        write_tiff(tmp_path / "f_9.tif", picture(9))
        write_tiff(tmp_path / "f_10.tif", picture(10))

    assert take(detector(tmp_path), both)["camera_counter"] == 9


def test_a_file_that_grows_in_pieces_is_read_only_when_whole(tmp_path: Path):
    whole = tmp_path / "elsewhere.dat"
    write_tiff(whole, picture(3))
    content = whole.read_bytes()

    def in_pieces() -> None:
        with (tmp_path / "f_1.tif").open("wb") as file:
            for start in range(0, len(content), 800):
                file.write(content[start : start + 800])
                file.flush()
                time.sleep(0.03)

    np.testing.assert_array_equal(take(detector(tmp_path), in_pieces)["camera_image"], picture(3))


def test_a_writer_that_pauses_longer_than_the_settling_time_is_waited_for(tmp_path: Path):
    whole = tmp_path / "elsewhere.dat"
    write_tiff(whole, picture(3))
    content = whole.read_bytes()

    def with_a_pause() -> None:
        with (tmp_path / "f_1.tif").open("wb") as file:
            file.write(content[:2000])
            file.flush()
            time.sleep(0.15)
            file.write(content[2000:])

    np.testing.assert_array_equal(take(detector(tmp_path), with_a_pause)["camera_image"], picture(3))


@pytest.mark.parametrize("ending", WRITERS)
def test_a_truncated_frame_is_refused(tmp_path: Path, ending: str):
    whole = tmp_path / f"elsewhere.{ending}"
    WRITERS[ending](whole, picture(4))
    content = whole.read_bytes()
    whole.unlink()
    with pytest.raises(FrameFailed, match=r"camera: f_1\.\w+ is damaged|camera: f_1\.\w+ holds no") as caught:
        take(
            detector(tmp_path, pattern=f"f_*.{ending}"),
            lambda: (tmp_path / f"f_1.{ending}").write_bytes(content[: len(content) // 2]),
        )
    assert "\n" not in str(caught.value)


def test_an_empty_file_is_never_taken_and_the_message_names_it(tmp_path: Path):
    with pytest.raises(FrameFailed, match=r"f_1\.tif is still being written, 0 bytes so far"):
        take(detector(tmp_path, timeout_s=2.0), lambda: (tmp_path / "f_1.tif").touch())


def test_a_new_name_with_an_old_time_is_stale(tmp_path: Path):
    def old_copy() -> None:
        hidden = tmp_path / "hidden.dat"
        write_tiff(hidden, picture(5))
        os.utime(hidden, (time.time() - 100.0,) * 2)
        hidden.rename(tmp_path / "f_2.tif")

    with pytest.raises(FrameFailed, match=r"f_2\.tif is stale: begun \d+\.\d s before the trigger"):
        take(detector(tmp_path, timeout_s=2.0), old_copy)


def test_a_frame_whose_exposure_began_before_the_trigger_is_passed_over(tmp_path: Path):
    """A camera that runs freely delivers the frame it was already exposing while the motors moved."""

    async def run() -> dict[str, Any]:
        camera = detector(tmp_path, clock_skew_s=0.0)
        await camera.set_exposure(2.0)

        def two_frames() -> None:
            write_tiff(tmp_path / "f_1.tif", picture(1))
            time.sleep(2.5)
            write_tiff(tmp_path / "f_2.tif", picture(2))

        return await triggered(camera, two_frames)

    values = asyncio.run(run())
    assert values["camera_counter"] == 2
    np.testing.assert_array_equal(values["camera_image"], picture(2))


def test_a_frame_that_was_there_before_the_trigger_is_not_taken_again(tmp_path: Path):
    write_tiff(tmp_path / "f_3.tif", picture(3))
    with pytest.raises(FrameFailed, match="no finished frame above 3"):
        take(detector(tmp_path, timeout_s=0.3), lambda: os.utime(tmp_path / "f_3.tif"))


def test_a_frame_of_another_shape_is_refused(tmp_path: Path):
    with pytest.raises(FrameFailed, match=r"f_1\.tif is 60 × 40 \(slow × fast\), the instrument file says 40 × 60"):
        take(detector(tmp_path), lambda: write_tiff(tmp_path / "f_1.tif", picture(shape=(60, 40))))


def test_a_file_with_several_frames_is_refused(tmp_path: Path):
    def stack() -> None:
        with h5py.File(tmp_path / "f_1.h5", "w") as file:
            file["data"] = np.stack([picture(1), picture(2)])

    with pytest.raises(FrameFailed, match="holds 2 frames; save one frame a file"):
        take(detector(tmp_path, pattern="*.h5"), stack)


def test_a_frame_with_values_that_are_not_finite_is_refused(tmp_path: Path):
    image = picture().astype(np.float32)
    image[0, 0] = np.nan
    with pytest.raises(FrameFailed, match="not finite"):
        take(detector(tmp_path), lambda: write_tiff(tmp_path / "f_1.tif", image))


def test_a_refused_frame_does_not_leave_the_one_before_to_be_read(tmp_path: Path):
    async def run() -> None:
        camera = detector(tmp_path, timeout_s=2.0)
        await triggered(camera, lambda: write_tiff(tmp_path / "f_1.tif", picture(1)))
        with pytest.raises(FrameFailed):
            await camera.trigger()
        with pytest.raises(FrameFailed, match="no frame yet"):
            await camera.read()

    asyncio.run(run())


def test_a_folder_that_is_not_there_is_named_at_connect(tmp_path: Path):
    camera = detector(tmp_path / "nowhere")
    with pytest.raises(DeviceError, match=r"camera: no folder '.*nowhere' to watch"):
        asyncio.run(camera.connect(1.0))


def test_a_folder_that_goes_away_ends_the_wait(tmp_path: Path):
    folder = tmp_path / "frames"
    folder.mkdir()
    with pytest.raises(FrameFailed, match="no folder"):
        take(detector(folder), folder.rmdir)


@pytest.mark.parametrize(
    ("counter", "message"), [("([", "no regular expression"), (r"\d+", "0 groups"), (r"(\d)(\d)", "2 groups")]
)
def test_a_counter_expression_that_cannot_work_is_refused(tmp_path: Path, counter: str, message: str):
    with pytest.raises(ValueError, match=message):
        detector(tmp_path, counter=counter)


def test_the_counter_is_where_the_expression_says(tmp_path: Path):
    camera = detector(tmp_path, counter=r"scan(\d+)_")
    values = take(camera, lambda: write_tiff(tmp_path / "scan0012_0001.tif", picture()))
    assert values["camera_counter"] == 12


def test_the_operator_is_told_which_frame_to_take(tmp_path: Path):
    told: list[str] = []
    write_tiff(tmp_path / "f_4.tif", picture())

    async def run() -> None:
        camera = FileDropDetector("camera", str(tmp_path), SHAPE, 30.0, FileDropOptions(**FAST), tell=told.append)
        await camera.set_exposure(0.1)

        def expose() -> None:
            time.sleep(0.1)
            write_tiff(tmp_path / "f_5.tif", picture())

        await triggered(camera, expose)

    asyncio.run(run())
    assert told == [f"Take one frame of 0.1 s and save it in {tmp_path} as *.tif*, with a number above 4."]


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_an_exposure_that_is_none_is_refused(tmp_path: Path, seconds: float):
    async def run() -> None:
        with pytest.raises(ValueError, match="positive number of seconds"):
            await detector(tmp_path).set_exposure(seconds)

    asyncio.run(run())


def test_description_and_reading_have_the_same_keys(tmp_path: Path):
    async def run() -> None:
        camera = detector(tmp_path)
        await triggered(camera, lambda: write_tiff(tmp_path / "f_1.tif", picture()))
        described = await camera.describe()
        assert described.keys() == (await camera.read()).keys()
        assert described["camera_image"]["shape"] == list(SHAPE)

    asyncio.run(run())
