"""What a bundle says of the plate and the stage that its policy was trained for."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from beamgym.envs.bundles import TrainedAxis


class ScanSetting(BaseModel):
    """The experiment a policy was trained for: material, crystals, stage, beam and budget."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    material: str
    crystals: int
    axes: list[TrainedAxis]
    beam_mm: float
    beam_time_s: float
    action: str

    @classmethod
    def of(cls, context: Any) -> "ScanSetting":
        """Describe a PlateScan environment's context."""
        names = ("material", "crystals", "beam_mm", "beam_time_s", "action")
        axes = [TrainedAxis.of(axis) for axis in context.instrument_axes]
        return cls(axes=axes, **{name: getattr(context, name) for name in names})
