"""plate.json: what the plate is, and what is wanted of the mosaic; every step reads it."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from beamgym.physics.goniometer import direction
from beamgym.physics.messages import one_line
from beamgym.physics.mosaic.outline import Outline

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PlateSection(_Section):
    """A plate's shape, mm: a rectangle of width and height, or a circle, whose width is its diameter."""

    shape: Literal["rectangle", "circle"] = "rectangle"
    width_mm: Positive = 40.0
    height_mm: Positive = 40.0
    margin_mm: NotNegative = 1.0
    number: Annotated[int, Field(ge=1)] = 1


class CameraSection(_Section):
    """Beam and camera of the scan: a geometry file, or the camera that a simulated plate has by default."""

    file: str | None = None
    beam_mm: Positive = 0.5
    exposure_s: Positive = 10.0


class TargetSection(_Section):
    """How all lattices are to stand in the holder: a plane's normal along its +z, a direction along its x or y."""

    normal: str = "(0 0 1)"
    along: str = "[1 0 0]"
    along_axis: Literal["x", "y"] = "x"

    @field_validator("normal", "along")
    @classmethod
    def _named(cls, text: str) -> str:
        return str(direction(text))


class HolderSection(_Section):
    """The holder, mm: the gap between two crystals is wall + 2 × clearance; see ``physics/mosaic/holder``.

    Parameters
    ----------
    screws_mm : x, y and diameter of each hole; None puts four of 2.2 mm into the corners, three into a circle
    fiducials_mm : x and y of each cross; None puts three beside the holes, so that no turn brings them onto themselves
    both_faces : crystals lie on front and back of each plate
    """

    product: Literal["holder", "template"] = "holder"
    wall_mm: Positive = 0.8
    clearance_mm: NotNegative = 0.1
    printer_wall_mm: Positive = 0.4
    thickness_mm: Positive = 3.0
    pocket_mm: Positive = 0.8
    datum_edges: bool = True
    tilted_floors: bool = False
    screws_mm: tuple[tuple[float, float, Positive], ...] | None = None
    fiducials_mm: tuple[tuple[float, float], ...] | None = None
    window_mm: tuple[Positive, Positive] | None = None
    bore_mm: Positive | None = None
    pitch_mm: Positive = 5.0
    both_faces: bool = False


class SimulationSection(_Section):
    """A plate that exists in the simulation only: what it is drawn from."""

    seed: Annotated[int, Field(ge=0)] = 0
    level: str = "real"


class PlateFile(_Section):
    """What plate.json holds.

    Parameters
    ----------
    plate_id : the plate's identity, which every other file of the folder carries
    name : what people call the plate
    material : a known crystal's name, or a CIF file beside plate.json
    habit : "flake" (layers in the plate) or "rod" (long axis in the plate)
    habit_direction : the plane normal that stands on a flake, "(0 0 1)"; the direction along a rod, "[0 0 1]"
    plate, camera, target, holder : see the sections
    simulation : None for a real plate
    """

    format: Literal["beamgym mosaic plate"] = "beamgym mosaic plate"
    version: Literal[1] = 1
    plate_id: Annotated[str, Field(min_length=4)]
    name: str
    material: str
    habit: Literal["flake", "rod"] = "flake"
    habit_direction: str = "(0 0 1)"
    plate: PlateSection = PlateSection()
    camera: CameraSection = CameraSection()
    target: TargetSection = TargetSection()
    holder: HolderSection = HolderSection()
    simulation: SimulationSection | None = None

    @field_validator("habit_direction")
    @classmethod
    def _named(cls, text: str) -> str:
        return str(direction(text))

    @classmethod
    def read(cls, path: Path) -> "PlateFile":
        """Read and check plate.json.

        Raises
        ------
        ValueError : it is missing, or a key is unknown, missing or wrong; one line that names the key
        """
        if not path.is_file():
            raise ValueError(f"{path.parent} is no project folder of a mosaic: it has no plate.json")
        try:
            return cls.model_validate_json(path.read_bytes())
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"]) or "the file"
            raise ValueError(one_line(f"{path}: {key}: {first['msg']}")) from None


def plate_identity(name: str, outlines: Sequence[Outline]) -> str:
    """Return twelve letters that stand for a plate as it was when its project was begun: its name and its outlines."""
    text = [f"{each.name} {x:.4f} {y:.4f}" for each in outlines for x, y in each.polygon_mm]
    return hashlib.sha256("\n".join([name, *text]).encode()).hexdigest()[:12]
