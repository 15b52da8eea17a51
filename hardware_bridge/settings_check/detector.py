"""The detector of the file against what it says of itself."""

from collections.abc import Callable, Iterator

from beamgym.envs.kinds import resolve
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.kinds import bridge_kind
from beamgym.hardware_bridge.settings import DetectorSettings, largest_value
from beamgym.hardware_bridge.settings_check.difference import Difference

Found = Iterator[tuple[bool, str]]

_GREY = ("Mono",)
_ROUNDED = 0.01  # cameras round exposures to their clock


def compare_detector(file: InstrumentFile, found: DetectorSettings) -> list[Difference]:
    """Return what differs between the file's detector and what it says of itself."""
    return [Difference("detector", text, refused) for check in _CHECKS for refused, text in check(file, found)]


def _shape(file: InstrumentFile, found: DetectorSettings) -> Found:
    wanted = file.detector.raw_shape
    if found.shape is not None and found.shape != wanted:
        turned = found.shape == wanted[::-1]
        rows, columns = found.shape[::-1] if file.detector.transpose else found.shape
        remedy = f"give shape: [{rows}, {columns}]" + (
            f", or transpose: {str(not file.detector.transpose).lower()}" if turned else ""
        )
        yield (
            True,
            f"{found.source} gives arrays of {_size(found.shape)} rows × columns, the file's shape asks for "
            f"{_size(wanted)}; {remedy}, with the geometry of that array",
        )
    if None not in (found.shape, found.largest_shape) and found.shape != found.largest_shape:
        yield (
            False,
            f"{found.source} has {_size(found.largest_shape)} pixels and gives {_size(found.shape)}: a region or "
            "binning is set; origin_mm and pixel_mm must be those of the smaller array",
        )


def _saturation(file: InstrumentFile, found: DetectorSettings) -> Found:
    largest, saturation = largest_value(found.data_type), file.detector.saturation
    if largest is not None and saturation > largest:
        yield (
            True,
            f"no pixel of {found.data_type} can be {saturation:.0f}, so that a full one would never be noticed; give "
            f"saturation: {largest:.0f} or less",
        )


def _grey(file: InstrumentFile, found: DetectorSettings) -> Found:
    if found.color_mode is not None and found.color_mode not in (*_GREY, "0"):
        yield True, f"{found.source} gives colours ({found.color_mode}), no counts of photons; set ColorMode to Mono"


def _one_frame(file: InstrumentFile, found: DetectorSettings) -> Found:
    if found.image_mode is not None and found.image_mode not in ("Single", "0"):
        yield True, f"ImageMode of {found.source} is {found.image_mode!r}; set it to Single, one frame a trigger"


def _state(file: InstrumentFile, found: DetectorSettings) -> Found:
    if found.state in ("Error", "Disconnected"):
        yield True, f"the state of {found.source} is {found.state}; clear it at its own screen"


def _counter(file: InstrumentFile, found: DetectorSettings) -> Found:
    if file.detector.counter_required and found.counts_frames is False:
        yield True, "its frames carry no number; mend that, or give counter_required: false, which gives up a check"


def _exposure(file: InstrumentFile, found: DetectorSettings) -> Found:
    if found.exposure_limits_s is None:
        return
    low, high = found.exposure_limits_s
    shortest, longest = file.detector.exposure_s
    planned = float(resolve(bridge_kind(file.kind).exposure_s)(file, None))
    if not low * (1 - _ROUNDED) <= planned <= high * (1 + _ROUNDED):
        yield True, f"{found.source} exposes {low:g} to {high:g} s, {planned:g} s is planned; give another exposure_s"
    elif shortest < low * (1 - _ROUNDED) or longest > high * (1 + _ROUNDED):
        yield (
            False,
            f"exposure_s {shortest:g} to {longest:g} s goes beyond the {low:g} to {high:g} s of {found.source}; give "
            f"exposure_s: [{max(low, shortest):g}, {min(high, longest):g}]",
        )


def _size(shape: tuple[int, int] | None) -> str:
    return "unknown" if shape is None else f"{shape[0]} × {shape[1]}"


_CHECKS: tuple[Callable[[InstrumentFile, DetectorSettings], Found], ...] = (
    _shape,
    _saturation,
    _grey,
    _one_frame,
    _state,
    _counter,
    _exposure,
)
