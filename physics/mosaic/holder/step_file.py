"""STEP, for milling: plate, holes, pockets and grooves as exact faces; numbers are for the drawings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from shapely.geometry import Polygon

from beamgym.physics.arrays import Float64Array
from beamgym.physics.extras import need
from beamgym.physics.files import replacing
from beamgym.physics.mosaic.holder.design import Design
from beamgym.physics.mosaic.holder.grooves import Groove
from beamgym.physics.mosaic.holder.pockets import Pocket

_OVER_MM = 1.0


def write_step(path: Path, design: Design, pockets: Sequence[Pocket], grooves: Sequence[Groove] = ()) -> None:
    """Write one plate as STEP, whole or not at all.

    Raises
    ------
    ImportError : OCP is missing; the extra `cad` brings it
    OSError : it could not be written
    """
    control = need("OCP.STEPControl", "cad")
    need("OCP.Interface", "cad").Interface_Static.SetCVal_s("write.step.unit", "MM")
    message = need("OCP.Message", "cad")
    message.Message.DefaultMessenger_s().RemovePrinters(message.Message_Printer.get_type_descriptor_s())
    writer = control.STEPControl_Writer()
    writer.Transfer(step_body(design, pockets, grooves), control.STEPControl_StepModelType.STEPControl_AsIs)
    with replacing(path) as draft:
        status = writer.Write(str(draft))
        if status != need("OCP.IFSelect", "cad").IFSelect_ReturnStatus.IFSelect_RetDone:
            raise OSError(f"{path} could not be written as STEP: {status}")


def step_body(design: Design, pockets: Sequence[Pocket], grooves: Sequence[Groove] = ()) -> Any:
    """Return one plate as a shape of OCP."""
    thick = design.thickness_mm
    body = _prism(_at(design.plate, -thick), thick)
    low = -thick - _OVER_MM if design.product == "template" else -design.pocket_mm
    tools = [_cylinder(hole.x_mm, hole.y_mm, hole.diameter_mm / 2.0, thick) for hole in design.holes]
    for pocket in pockets:
        corners = _at(pocket.hole, low)
        corners[:, 2] += (corners[:, :2] - pocket.centre_mm) @ pocket.slope
        tools.append(_prism(corners, _OVER_MM - low))
    tools += [_groove(groove) for groove in grooves]
    if not tools:
        return body
    cut = need("OCP.BRepAlgoAPI", "cad").BRepAlgoAPI_Cut()
    arguments, cutting = _list(), _list()
    arguments.Append(body)
    for tool in tools:
        cutting.Append(tool)
    cut.SetArguments(arguments)
    cut.SetTools(cutting)
    cut.Build()
    return cut.Shape()


def _list() -> Any:
    """Return an empty list of shapes; OCP has renamed it."""
    tools = need("OCP.TopTools", "cad")
    if hasattr(tools, "TopTools_ListOfShape"):
        return tools.TopTools_ListOfShape()
    return need("OCP.collections", "cad").List_TopoDS_Shape()


def _at(shape: Polygon, z: float) -> Float64Array:
    flat = np.asarray(shape.exterior.coords)[:-1]
    return np.column_stack([flat, np.full(len(flat), z)])


def _face(corners: Float64Array) -> Any:
    builder, point = need("OCP.BRepBuilderAPI", "cad"), need("OCP.gp", "cad").gp_Pnt
    wire = builder.BRepBuilderAPI_MakePolygon()
    for corner in corners:
        wire.Add(point(*map(float, corner)))
    wire.Close()
    return builder.BRepBuilderAPI_MakeFace(wire.Wire()).Face()


def _prism(corners: Float64Array, height: float) -> Any:
    return _swept(corners, np.array([0.0, 0.0, height]))


def _swept(corners: Float64Array, by: Float64Array) -> Any:
    vector = need("OCP.gp", "cad").gp_Vec(*map(float, by))
    return need("OCP.BRepPrimAPI", "cad").BRepPrimAPI_MakePrism(_face(corners), vector).Shape()


def _cylinder(x: float, y: float, radius: float, thick: float) -> Any:
    gp = need("OCP.gp", "cad")
    axis = gp.gp_Ax2(gp.gp_Pnt(x, y, -thick - _OVER_MM), gp.gp_Dir(0.0, 0.0, 1.0))
    return need("OCP.BRepPrimAPI", "cad").BRepPrimAPI_MakeCylinder(axis, radius, thick + 2.0 * _OVER_MM).Shape()


def _groove(groove: Groove) -> Any:
    from scipy.spatial import ConvexHull

    first, second = groove.corners_mm[:8], groove.corners_mm[8:]
    middle, left = (
        first.mean(axis=0),
        np.array([-np.sin(np.radians(groove.axis_deg)), np.cos(np.radians(groove.axis_deg))]),
    )
    flat = np.column_stack([(first[:, :2] - middle[:2]) @ left, first[:, 2]])
    return _swept(first[ConvexHull(flat).vertices], second[0] - first[0])
