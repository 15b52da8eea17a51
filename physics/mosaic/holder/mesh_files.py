"""STL and 3MF."""

from pathlib import Path
from typing import Any

from beamgym.physics.extras import need
from beamgym.physics.files import replacing
from beamgym.physics.mosaic.holder.solid import triangles

MESHES = ("stl", "3mf")


def write_mesh(path: Path, solid: Any) -> None:
    """Write a solid as STL or 3MF, by the ending, whole or not at all; lengths are mm.

    Raises
    ------
    ImportError : trimesh is missing, or for 3MF networkx or lxml; the extra `mosaic` brings them
    """
    trimesh = need("trimesh", "mosaic")
    if path.suffix == ".3mf":
        need("networkx", "mosaic")
        need("lxml", "mosaic")
    corners, faces = triangles(solid)
    mesh = trimesh.Trimesh(corners, faces, process=False)
    mesh.units = "mm"
    content = mesh.export(file_type=path.suffix[1:])
    with replacing(path) as draft:
        draft.write_bytes(content)
