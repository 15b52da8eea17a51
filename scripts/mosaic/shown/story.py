"""One picture that tells a mosaic's story: plate, holder, rocking curves, and what neutrons see."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Polygon as Patch

from beamgym.physics.arrays import Float64Array
from beamgym.physics.files import replacing
from beamgym.physics.mosaic.packing import placed_outline

_BEFORE, _AFTER = "tab:orange", "tab:blue"


def draw_story(plan: Any, scanned: list[Any], check: Any, told: dict[str, Any], path: Path) -> None:
    """Draw what was scanned first, what was planned, and what a second scan found.

    Parameters
    ----------
    plan : see ``plan_of``
    scanned : the second scan, holder's frame
    check : of it
    told : the forecast, as plain content
    path : PNG
    """
    first = plan.project.scan()
    figure = Figure(figsize=(15.0, 9.6), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, 3, height_ratios=(1.25, 1.0))
    axes = [figure.add_subplot(grid[k // 3, k % 3]) for k in (0, 1, 3, 4, 5)]
    curves = grid[0, 2].subgridspec(2, 1)
    _plate(axes[0], plan, first)
    _holder(axes[1], plan, scanned, check)
    _rocking([figure.add_subplot(curves[k]) for k in (0, 1)], plan, first, scanned, check, told)
    _neutrons(axes[2:4], plan, first, scanned)
    _words(axes[4], plan, first, check, told)
    with replacing(path) as draft:
        figure.savefig(draft, dpi=110, format="png")


def _along(plan: Any) -> Float64Array:
    """Return the crystal direction that is to lie along the holder, crystal Cartesian."""
    axis = 0 if plan.project.plate.target.along_axis == "x" else 1
    found: Float64Array = plan.target[axis]
    return found


def _arrow(axes: Axes, centre: Float64Array, vector: Float64Array, length: float, colour: str) -> None:
    x, y = centre - vector * length / 2.0
    axes.arrow(
        x,
        y,
        *(vector * length),
        width=0.06 * length,
        head_width=0.3 * length,
        color=colour,
        lw=0.0,
        zorder=3,
        length_includes_head=True,
    )


def _plate(axes: Axes, plan: Any, first: list[Any]) -> None:
    known = {each.name: each for each in first}
    along = _along(plan)
    for outline in plan.project.outlines(all_of_them=True):
        one = known.get(outline.name)
        colour = "0.85" if one is not None and one.verdict == "indexed" else "mistyrose"
        axes.add_patch(Patch(outline.polygon_mm, facecolor=colour, edgecolor="0.4", lw=0.6))
        if one is not None and one.verdict == "indexed":
            flat = (one.orientation @ along)[:2]
            _arrow(axes, outline.centre_mm, flat / np.linalg.norm(flat), 2.0, _BEFORE)
        elif one is not None:
            axes.annotate(one.verdict.replace(" ", "\n"), outline.centre_mm, ha="center", va="center", fontsize=5)
    _framed(axes, f"scanned plate: {sum(e.verdict == 'indexed' for e in first)} of {len(first)} crystals indexed")


def _holder(axes: Axes, plan: Any, scanned: list[Any], check: Any) -> None:
    known = {each.name: each for each in plan.project.outlines()}
    again = {each.name: each for each in scanned}
    anew = {each.name for each in check.crystals if each.anew}
    along, number = _along(plan), min(each.plate for each in plan.layout)
    for placement in plan.layout:
        if placement.plate != number:
            continue
        shape = placed_outline(known[placement.name], placement)
        colour = "mistyrose" if placement.name in anew else "0.85"
        axes.add_patch(Patch(np.asarray(shape.exterior.coords), facecolor=colour, edgecolor="0.4", lw=0.6))
        if (u := again[placement.name].orientation) is not None:
            flat = _nearest(u, plan) @ along
            _arrow(axes, np.array([placement.x_mm, placement.y_mm]), flat[:2], 2.0, _AFTER)
    from beamgym.physics.mosaic.project import design_of

    design = design_of(plan.project.plate)
    for shape in (design.plate, *(hole.shape for hole in design.holes)):
        axes.add_patch(Patch(np.asarray(shape.exterior.coords), fill=False, edgecolor="k", lw=1.0))
    _framed(axes, f"holder, scanned again: {len(anew)} to be placed anew (pink)")


def _nearest(u: Float64Array, plan: Any) -> Float64Array:
    """Return the equivalent of an orientation that is nearest to the target."""
    ways = u @ plan.rotations
    best = np.einsum("kij,ij->k", ways, plan.target).argmax()
    found: Float64Array = ways[best]
    return found


def _framed(axes: Axes, title: str) -> None:
    axes.autoscale_view()
    axes.set(aspect="equal", xlabel="x (mm)", ylabel="y (mm)")
    axes.set_title(title, fontsize=10)


def _rocking(axes: list[Axes], plan: Any, first: list[Any], scanned: list[Any], check: Any, told: Any) -> None:
    from beamgym.physics.mosaic.forecast import misalignment_deg, rocking_curve

    names = {each.name for each in plan.layout}
    before, after = [e for e in first if e.name in names], [e for e in scanned if e.orientation is not None]

    def curve(crystals: list[Any], axis: int, at: Float64Array, mean: Any, own: float) -> Float64Array:
        d = misalignment_deg(np.array([e.orientation for e in crystals]), plan.target, plan.rotations) - mean
        return rocking_curve(d[:, axis], [plan.mass_mg[e.name] for e in crystals], at, own)

    wide, near = np.linspace(-180.0, 180.0, 3601), np.linspace(-4.0, 4.0, 801)
    axes[0].plot(wide, curve(before, 2, wide, 0.0, 1.0), color=_BEFORE, label="before, as glued on the scanned plate")
    axes[0].set(xlim=(-180.0, 180.0))
    axes[1].plot(near, curve(after, 2, near, check.mean_deg, 0.3), color=_AFTER, label="after: in the plane")
    for axis, style in ((0, "--"), (1, ":")):
        label = f"after: out of the plane, about {'xy'[axis]}"
        axes[1].plot(near, curve(after, axis, near, check.mean_deg, 0.3), color=_AFTER, ls=style, label=label)
    half = told["fwhm_deg"]["z"]["median"] / 2.0
    axes[1].axvspan(-half, half, color="0.9", zorder=0, label=f"forecast in the plane: FWHM {2.0 * half:.2f}°")
    axes[1].set(xlim=(-4.0, 4.0), xlabel="angle from the mean (°)")
    for panel in axes:
        panel.set(ylabel="mass per degree", ylim=(0.0, 1.5 * panel.get_ylim()[1]))
        panel.legend(fontsize=7, loc="upper right")
    axes[0].set_title("rocking curves in the plane: before and after", fontsize=10)


def _neutrons(axes: list[Axes], plan: Any, first: list[Any], scanned: list[Any]) -> None:
    from beamgym.physics.crystal import load_crystal
    from beamgym.physics.mosaic.forecast import NeutronCamera, plate_pattern

    here = plan.project.path / plan.project.plate.material
    crystal = load_crystal(here if here.is_file() else plan.project.plate.material, radiation="neutron")
    camera, names = NeutronCamera(), {each.name for each in plan.layout}
    for panel, crystals, title in (
        (axes[0], [e for e in first if e.name in names], "neutron Laue camera, all crystals: before"),
        (axes[1], [e for e in scanned if e.orientation is not None], "after"),
    ):
        mass = np.array([plan.mass_mg[e.name] for e in crystals])
        picture = plate_pattern(np.array([e.orientation for e in crystals]), mass, crystal, camera)
        shown = np.sqrt(picture / np.quantile(picture, 0.998)).clip(0.0, 1.0)
        panel.imshow(shown, extent=camera.extent_mm, cmap="gray_r", interpolation="bilinear")
        panel.set(xlabel="right (mm)", ylabel="up (mm)")
        panel.set_title(title, fontsize=10)


def _words(axes: Axes, plan: Any, first: list[Any], check: Any, told: dict[str, Any]) -> None:
    m = check.mosaic
    lines = [
        f"{plan.context.crystal.name}, {len(first)} crystals, {len(plan.layout)} in the holder",
        f"{sum(plan.mass_mg[e.name] for e in plan.layout):.1f} mg",
        "",
        "surface mosaic,     forecast              measured",
        "FWHM                (90 % interval)",
    ]
    for k, axis in enumerate("xyz"):
        each = told["fwhm_deg"][axis]
        interval = f"{each['median']:.2f}° ({each['low']:.2f}–{each['high']:.2f}°)"
        lines.append(f"  about {axis}           {interval:22s}{m.fwhm_deg[k]:.2f}°")
    lines += [
        "",
        "mass within 1° of the mean:",
        f"  in the plane {m.within_in_plane:.0%}, out of it {m.within_out_of_plane:.0%}, together {m.within:.0%}",
        f"mean off by {' '.join(f'{v:+.2f}' for v in check.mean_deg)}° about x, y, z",
        "",
        "simulated: no real crystal was seen",
    ]
    axes.axis("off")
    axes.text(0.0, 0.95, "\n".join(lines), va="top", fontsize=10, family="monospace", transform=axes.transAxes)
