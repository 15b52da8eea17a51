"""What a bundle says of the manipulator and the crystal that its policy was trained for."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from beamgym.envs.bundles import TrainedAxis


class PoseSetting(BaseModel):
    """The experiment a policy was trained for: crystal, direction, axes, cut and budget."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    material: str
    direction: str
    photon_ev: float
    axes: list[TrainedAxis]
    energy_ev: tuple[float, float]
    slit_deg: tuple[float, float]
    shape: tuple[int, int]
    beam_time_s: float
    action: str

    @classmethod
    def of(cls, context: Any) -> "PoseSetting":
        """Describe an ArpesAlign environment's context."""
        grid = context.grid
        return cls(
            material=context.told.name,
            direction=context.direction,
            photon_ev=context.told.photon_ev,
            axes=[TrainedAxis.of(axis) for axis in context.instrument_axes],
            energy_ev=(float(grid.energy_ev[0]), float(grid.energy_ev[-1])),
            slit_deg=(float(grid.slit_deg[0]), float(grid.slit_deg[-1])),
            shape=grid.shape,
            beam_time_s=context.beam_time_s,
            action=context.action,
        )
