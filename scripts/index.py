"""beamgym index: one Laue image in, the crystal's orientation and the way to the target out."""

import re
import warnings
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import typer

from beamgym.envs.pictures import write_overlay
from beamgym.physics.arrays import Float64Array
from beamgym.physics.crystal import Crystal, load_crystal
from beamgym.physics.files import write_json
from beamgym.physics.goniometer import Goniometer, Target, TurnsToTarget, goniometer, parse_target, turns_to_target
from beamgym.physics.laue.files import load_detector_for, save_detector
from beamgym.physics.laue.indexing import BAND_KEV, SolvedPattern, read_pattern, solve, write_results
from beamgym.physics.laue.peaks import PeakFinder
from beamgym.scripts.command_line import check_output, fail, run

DEFAULT_TARGET = "pose [001] beam [110] up"
DEFAULT_GONIOMETER = "two-arc"
GOOD_SHARE = 0.7
"""Share of the peaks explained below which the report says that something may be wrong."""


def index_command(
    image: Annotated[Path, typer.Argument(help="TIFF, mccd, CBF, EDF, HDF5 …; or a peak list X Y I (.txt .dat .cor)")],
    detector: Annotated[Path, typer.Option(help="geometry: .json, LaueTools .det .fit .cor, or .poni")],
    cif: Annotated[Path | None, typer.Option(help="the crystal's CIF file")] = None,
    crystal: Annotated[str | None, typer.Option(help="or its name, such as Si")] = None,
    radiation: Annotated[str, typer.Option(help="xray or neutron")] = "xray",
    band: Annotated[tuple[float, float], typer.Option(help="lowest and highest photon energy, keV")] = BAND_KEV,
    target: Annotated[
        str | None, typer.Option(help=f"what to bring where; with --goniometer alone: '{DEFAULT_TARGET}'")
    ] = None,
    goniometer_name: Annotated[
        str | None, typer.Option("--goniometer", help=f"preset or YAML file; with --target alone: {DEFAULT_GONIOMETER}")
    ] = None,
    at: Annotated[str | None, typer.Option(help="where the axes stand, such as 'phi=12.5, chi=3'; home if not")] = None,
    refine_detector: Annotated[
        bool, typer.Option("--refine-detector", help="fit the camera's geometry too, on a reference crystal")
    ] = False,
    detector_out: Annotated[Path | None, typer.Option(help="write the geometry used as .json")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the result as JSON")] = None,
    out: Annotated[Path | None, typer.Option(help="overlay PNG; IMAGE's name with -indexed.png if not given")] = None,
    h5: Annotated[Path | None, typer.Option(help="write everything as NeXus HDF5")] = None,
    threshold: Annotated[float, typer.Option(help="least significance of a peak, standard deviations")] = 5.0,
    max_peaks: Annotated[int, typer.Option(help="brightest peaks to use")] = 200,
    saturation: Annotated[float | None, typer.Option(help="count at which a pixel is full")] = None,
    frame: Annotated[int, typer.Option(help="which image of a file with several, from 0")] = 0,
    dataset: Annotated[str | None, typer.Option(help="HDF5 path of the image")] = None,
    mask: Annotated[
        list[str] | None,
        typer.Option(
            help="pixels to leave out: an image (all but 0), or a rectangle COLUMN,ROW,COLUMN,ROW; repeatable"
        ),
    ] = None,
    invert: Annotated[
        bool | None,
        typer.Option("--invert/--no-invert", help="dark spots on a light ground, as on a film; seen if clear"),
    ] = None,
    grey: Annotated[bool, typer.Option("--grey", help="take the mean of a colour picture's channels")] = False,
    one_based: Annotated[
        bool | None,
        typer.Option("--one-based/--zero-based", help="a peak list's first pixel is 1 or 0; as the list says, else 0"),
    ] = None,
    seed: Annotated[int, typer.Option(help="unused: indexing draws no random numbers")] = 0,
) -> None:
    """Index a Laue pattern; print UB, the figures, and the turn of each axis that brings the target home."""
    try:
        picture = out or image.with_name(f"{image.stem}-indexed.png")
        for file in (picture, json_file, h5, detector_out):
            check_output(file)
        _check_options(picture, saturation)
        sample = _load_crystal(cif, crystal, radiation)
        finder = PeakFinder(threshold, max_peaks, saturation=saturation)
        pattern = read_pattern(image, finder, frame, dataset, one_based, masks=mask or (), invert=invert, grey=grey)
        for note in pattern.notes:
            typer.echo(f"note: {note}", err=True)
        panel = load_detector_for(detector, pattern.shape)
        solved = solve(pattern, sample, panel, band, refine_detector=refine_detector)
        report = _report(image, solved)
        if target is not None or goniometer_name is not None or at is not None:
            stage = goniometer(goniometer_name or DEFAULT_GONIOMETER)
            wanted = read_target(sample, target or DEFAULT_TARGET)
            way = turns_to_target(stage, wanted, solved.indexed.orientation, _positions(stage, at))
            report["target"] = _way_report(way)
        report["files"] = _write_files(solved, picture, h5, detector_out)
        if json_file is not None:
            write_json(json_file, report)
    except (ValueError, OSError) as error:
        fail(error)
    typer.echo(as_text(report))


def _write_files(solved: SolvedPattern, picture: Path, h5: Path | None, detector_out: Path | None) -> dict[str, str]:
    """Write what was asked for, and return each file's kind and name in the order in which they are told."""
    files = {"overlay": str(picture)}
    pattern = solved.pattern
    write_overlay(
        picture, pattern.shown, solved.detector, solved.crystal, pattern.peaks, solved.indexed, solved.band_kev
    )
    if h5 is not None:
        write_results(h5, solved.crystal, solved.detector, pattern.peaks, solved.indexed, pattern.image)
        files["hdf5"] = str(h5)
    if detector_out is not None:
        save_detector(solved.detector, detector_out)
        files["detector"] = str(detector_out)
    return files


def read_target(crystal: Crystal, text: str) -> Target:
    """Read a target such as "pose [001] beam [110] up"; the words beam and up may be left out."""
    return parse_target(crystal, re.sub(r"\s+", " ", re.sub(r"\b(beam|up)\b", "", text)).strip())


def _check_options(picture: Path, saturation: float | None) -> None:
    if picture.suffix.lower() != ".png":
        raise ValueError(f"--out writes a PNG: give a name that ends in .png, got {picture}")
    if saturation is not None and not (np.isfinite(saturation) and saturation > 0.0):
        raise ValueError(f"--saturation is the count at which a pixel is full, a positive number, got {saturation:g}")


def _load_crystal(cif: Path | None, name: str | None, radiation: str) -> Crystal:
    if (cif is None) == (name is None):
        raise ValueError("give the crystal once: --cif FILE or --crystal NAME")
    if radiation not in ("xray", "neutron"):
        raise ValueError(f"--radiation is xray or neutron, got {radiation!r}")
    kind: Literal["xray", "neutron"] = "neutron" if radiation == "neutron" else "xray"
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        crystal = load_crystal(cif if cif is not None else str(name), kind)
    for note in notes:
        typer.echo(f"note: {note.message}", err=True)
    return crystal


def _positions(stage: Goniometer, text: str | None) -> Float64Array:
    """Read "phi=12.5, chi=3"; axes not named stand at home."""
    positions = stage.home()
    for part in filter(None, re.split(r"[,;\s]+", re.sub(r"\s*=\s*", "=", text or ""))):
        name, _, value = part.partition("=")
        if name not in stage.names:
            raise ValueError(f"{stage.name} has no axis {name!r}; its axes are {', '.join(stage.names)}")
        try:
            positions[stage.names.index(name)] = float(value)
        except ValueError:
            raise ValueError(f"--at wants axis=position, as in {name}=12.5, got {part!r}") from None
    return stage.check_positions(positions)


def _report(image: Path, solved: SolvedPattern) -> dict[str, Any]:
    indexed = solved.indexed
    return {
        "image": str(image),
        "crystal": solved.crystal.name,
        "notes": list(solved.pattern.notes),
        "peaks": solved.pattern.count,
        "saturated": int(solved.pattern.peaks.saturated.sum()),
        "matched": indexed.matched,
        "figure_of_merit": indexed.figure_of_merit,
        "residual_px": indexed.residual_px,
        "residual_deg": indexed.residual_deg,
        "u": indexed.orientation.tolist(),
        "ub_inv_a": solved.ub_inv_a.tolist(),
        "uncertainty": dict(solved.uncertainty),
        "detector_change": solved.detector_change,
        "distance_mm": solved.detector.distance_mm,
        "ambiguous": [u.tolist() for u in indexed.ambiguous],
    }


def _way_report(way: TurnsToTarget) -> dict[str, Any]:
    report: dict[str, Any] = {
        "label": way.label,
        "goniometer": way.goniometer,
        "error_deg": way.error_deg,
        "reachable": way.reachable,
        "mount": way.mount.tolist(),
    }
    if way.remount is None:
        report["axes"] = {axis.name: {"turn": axis.turn, "to": axis.goal, "unit": axis.unit} for axis in way.axes}
    else:
        report["because"] = way.because
        report["remount"] = {"axis_lab": way.remount.axis_lab.tolist(), "angle_deg": way.remount.angle_deg}
    return report


def as_text(report: dict[str, Any]) -> str:
    """Lay the report out for reading."""
    lines = [
        f"{report['crystal']}: {report['matched']} of {report['peaks']} peaks indexed, figure of merit "
        f"{report['figure_of_merit']:.1f}, mean residual {report['residual_px']:.2f} px, {report['residual_deg']:.3f}°",
        "UB (1/Å, no 2π; lab x along the beam, z up; columns a*, b*, c*)",
        *("  " + "  ".join(f"{value: .6f}" for value in row) for row in report["ub_inv_a"]),
    ]
    if report["matched"] < GOOD_SHARE * report["peaks"]:
        lines.append(
            "note: many peaks are left over: a second grain, another crystal with similar angles, or false peaks; "
            "see the picture"
        )
    if report["ambiguous"]:
        lines.append(
            f"ambiguous: {len(report['ambiguous'])} more orientation(s) fit as well and intensities do not decide; "
            "--json lists them"
        )
    if report["detector_change"]:
        changes = ", ".join(f"{name} {value:+.3f}" for name, value in report["detector_change"].items())
        lines.append(f"camera: {changes}; distance {report['distance_mm']:.3f} mm")
    if "target" in report:
        lines += _way_as_text(report["target"])
    lines += [f"wrote {path}" for path in report["files"].values()]
    return "\n".join(lines)


def _way_as_text(way: dict[str, Any]) -> list[str]:
    lines = [f"target {way['label']}: {way['error_deg']:.2f}° away; {way['goniometer']}:"]
    if way["reachable"]:
        for name, axis in way["axes"].items():
            unit = "°" if axis["unit"] == "deg" else " mm"
            lines.append(f"  turn {name} by {axis['turn']:+.2f}{unit} (to {axis['to']:.2f}{unit})")
    else:
        x, y, z = way["remount"]["axis_lab"]
        lines.append(
            f"  out of reach ({way['because']}): with the goniometer at home, glue the crystal anew, turned by "
            f"{way['remount']['angle_deg']:.1f}° about the lab direction ({x:.2f}, {y:.2f}, {z:.2f})"
        )
    return lines


if __name__ == "__main__":
    run(index_command)
