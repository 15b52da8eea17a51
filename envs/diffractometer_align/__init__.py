"""From a crystal that nobody knows how it stands to its UB matrix, with one wavelength and a counter."""

from typing import TYPE_CHECKING, Any

from beamgym.envs.diffractometer_align.context import (
    COUNTS_S,
    MACROS,
    MOST_CHOICES,
    ROUGH_DEG,
    WIDE_DEG,
    WIDTHS_DEG,
    WITHIN_DEG,
    AlignReward,
    DiffractometerContext,
    PowderLine,
)
from beamgym.envs.diffractometer_align.factory import (
    DiffractometerAlignOptions,
    build,
    context_for,
    powder_lines,
    task_over,
)
from beamgym.envs.diffractometer_align.setting import AlignScanSetting
from beamgym.envs.diffractometer_align.state import told
from beamgym.envs.diffractometer_align.task import DECLARES_WITHIN, DiffractometerAlignTask
from beamgym.envs.diffractometer_align.views import ALIGN_SCAN_UNITS, PEAK_ROWS

if TYPE_CHECKING:
    from beamgym.envs.diffractometer_align.rendering import AlignScanRenderer

__all__ = [
    "ALIGN_SCAN_UNITS",
    "COUNTS_S",
    "DECLARES_WITHIN",
    "MACROS",
    "MOST_CHOICES",
    "PEAK_ROWS",
    "ROUGH_DEG",
    "WIDE_DEG",
    "WIDTHS_DEG",
    "WITHIN_DEG",
    "AlignReward",
    "AlignScanRenderer",
    "AlignScanSetting",
    "DiffractometerAlignOptions",
    "DiffractometerAlignTask",
    "DiffractometerContext",
    "PowderLine",
    "build",
    "context_for",
    "powder_lines",
    "task_over",
    "told",
]


def __getattr__(name: str) -> Any:
    """Return what draws pictures; imported when it is asked for, since matplotlib is half of a start."""
    if name == "AlignScanRenderer":
        from beamgym.envs.diffractometer_align.rendering import AlignScanRenderer

        return AlignScanRenderer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
