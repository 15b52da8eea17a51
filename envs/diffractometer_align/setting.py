"""What a bundle says of the diffractometer that its policy was trained for."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from beamgym.envs.bundles import TrainedAxis


class AlignScanSetting(BaseModel):
    """The experiment a policy was trained for: crystal, instrument, beam and budget."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    material: str
    instrument: str
    axes: list[TrainedAxis]
    beam: str
    wavelength_a: float
    prior_deg: float
    beam_time_s: float

    @classmethod
    def of(cls, context: Any) -> "AlignScanSetting":
        """Describe a DiffractometerAlign environment's context."""
        return cls(
            material=context.material,
            instrument=context.instrument.name,
            axes=[TrainedAxis.of(axis) for axis in context.instrument_axes],
            beam=context.beam.name,
            wavelength_a=context.beam.wavelength_a,
            prior_deg=context.prior_deg,
            beam_time_s=context.beam_time_s,
        )
