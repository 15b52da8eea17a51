"""What an areaDetector camera and its array plugin say of their own settings."""

from collections.abc import Mapping
from typing import Any

from beamgym.hardware_bridge.adapters.epics.optional import LOOK_S, number, read_optional, text
from beamgym.hardware_bridge.settings import DetectorSettings

_CAMERA = (
    *("MaxSizeX_RBV", "MaxSizeY_RBV", "ArraySizeX_RBV", "ArraySizeY_RBV", "DataType_RBV", "ColorMode_RBV"),
    *("AcquireTime", "AcquireTime_RBV", "ImageMode", "ArrayCounter_RBV", "Manufacturer_RBV", "Model_RBV"),
    "DetectorState_RBV",
)
_IMAGE = ("ArraySize0_RBV", "ArraySize1_RBV", "DataType_RBV", "ColorMode_RBV", "UniqueId_RBV")


async def read_camera_settings(camera: str, image: str, timeout_s: float = LOOK_S) -> DetectorSettings:
    """Return what a camera says.

    Parameters
    ----------
    camera, image : prefixes of the driver and of the array plugin; "" where there is no such plugin
    timeout_s : what its server does not answer within this time is missing, seconds
    """
    pvs = {f"camera {name}": camera + name for name in _CAMERA}
    pvs |= {f"image {name}": image + name for name in _IMAGE if image}
    found = await read_optional(pvs, timeout_s)
    maker = [text(found, f"camera {name}_RBV") for name in ("Manufacturer", "Model")]
    seconds = number(found, "camera AcquireTime_RBV")
    return DetectorSettings(
        source=camera,
        # The plugin's, which is what is read; before its first frame it says 0, and the driver knows better.
        shape=_shape(found, "image ArraySize1_RBV", "image ArraySize0_RBV")
        or _shape(found, "camera ArraySizeY_RBV", "camera ArraySizeX_RBV"),
        largest_shape=_shape(found, "camera MaxSizeY_RBV", "camera MaxSizeX_RBV"),
        data_type=text(found, "image DataType_RBV") or text(found, "camera DataType_RBV"),
        color_mode=text(found, "image ColorMode_RBV") or text(found, "camera ColorMode_RBV"),
        image_mode=text(found, "camera ImageMode"),
        exposure_s=number(found, "camera AcquireTime") if seconds is None else seconds,
        exposure_limits_s=_control_limits(found.get("camera AcquireTime")),
        counts_frames="image UniqueId_RBV" in found or "camera ArrayCounter_RBV" in found,
        state=text(found, "camera DetectorState_RBV"),
        model=" ".join(word for word in maker if word) or None,
    )


def _shape(found: Mapping[str, Any], rows: str, columns: str) -> tuple[int, int] | None:
    high, wide = number(found, rows), number(found, columns)
    return None if not high or not wide else (int(high), int(wide))


def _control_limits(value: Any) -> tuple[float, float] | None:
    """Return the limits to which a record clips what is written (DRVL and DRVH); None where both are the same."""
    low, high = getattr(value, "lower_ctrl_limit", 0.0), getattr(value, "upper_ctrl_limit", 0.0)
    return (float(low), float(high)) if high > low >= 0.0 else None
