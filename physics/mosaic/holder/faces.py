"""How a plate looks from behind."""

from dataclasses import replace

from shapely import affinity

from beamgym.physics.mosaic.holder.design import Design


def seen_from_behind(design: Design) -> Design:
    """Return a design as its back is seen: plate, holes and fiducials mirrored in x; pockets belong to each face."""
    return replace(
        design,
        plate=affinity.scale(design.plate, -1.0, 1.0, origin=(0.0, 0.0)),
        holes=tuple(replace(hole, x_mm=-hole.x_mm) for hole in design.holes),
        fiducials_mm=tuple((-x, y) for x, y in design.fiducials_mm),
    )
