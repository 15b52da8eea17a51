"""beamgym index: one Laue image in, the crystal's orientation and the way to the target out."""

import re
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import typer
from numpy.typing import NDArray

from beamgym.envs.pictures import write_overlay
from beamgym.physics.crystal import Crystal, load_crystal, ub_matrix
from beamgym.physics.goniometer import Goniometer, Solution, Target, goniometer, parse_target
from beamgym.physics.instrument import Peaks
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.files import PEAK_SUFFIXES, load_detector, read_image, read_peaks, save_detector
from beamgym.physics.laue.indexing import (
    MIN_MATCHED,
    Indexed,
    Indexer,
    NotIndexed,
    Refined,
    predict_px,
    refine,
    write_results,
)
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.laue.peaks import PeakFinder
from beamgym.physics.orientation import rotation_vector_deg
from beamgym.scripts.command_line import check_output, fail, run, write_json

Float64Array = NDArray[np.float64]

DEFAULT_TARGET = "pose [001] beam [110] up"
DEFAULT_GONIOMETER = "two-arc"
GOOD_SHARE = 0.7
"""Share of the peaks explained below which the report says that something may be wrong."""
LOOSE_GEOMETRY = (2.0, 2.0, 2.0, 2.0, 2.0)
"""Standard deviations, mm and degrees, of a camera that is yet to be calibrated."""
TABLE_KEV = 12.0
"""A reflection table to this energy holds every crystal's lowest reflections."""


class IndexingFailed(ValueError):
    """No orientation was found; the message is the one line that the user reads."""


@dataclass(frozen=True)
class _Pattern:
    peaks: Peaks
    image: NDArray[np.generic] | None
    shape: tuple[int, int] | None

    @property
    def position_px(self) -> Float64Array:
        return self.peaks.position_px[0, : int(self.peaks.count[0])].astype(np.float64)

    @property
    def intensity(self) -> Float64Array:
        return self.peaks.intensity[0, : int(self.peaks.count[0])].astype(np.float64)


def index_command(
    image: Annotated[Path, typer.Argument(help="TIFF, mccd, CBF, EDF, HDF5 …; or a peak list X Y I (.txt .dat .cor)")],
    detector: Annotated[Path, typer.Option(help="geometry: .json, LaueTools .det .fit .cor, or .poni")],
    cif: Annotated[Path | None, typer.Option(help="the crystal's CIF file")] = None,
    crystal: Annotated[str | None, typer.Option(help="or its name, such as Si")] = None,
    radiation: Annotated[str, typer.Option(help="xray or neutron")] = "xray",
    band: Annotated[tuple[float, float], typer.Option(help="lowest and highest photon energy, keV")] = (5.0, 25.0),
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
    one_based: Annotated[bool, typer.Option("--one-based", help="a peak list's first pixel is 1, not 0")] = False,
    seed: Annotated[int, typer.Option(help="unused: indexing draws no random numbers")] = 0,
) -> None:
    """Index a Laue pattern; print UB, the figures, and the turn of each axis that brings the target home."""
    try:
        picture = out or image.with_name(f"{image.stem}-indexed.png")
        for file in (picture, json_file, h5, detector_out):
            check_output(file)
        _check_options(picture, saturation)
        sample = _load_crystal(cif, crystal, radiation)
        pattern = _read(image, PeakFinder(threshold, max_peaks, saturation=saturation), frame, dataset, one_based)
        panel = _camera(detector, pattern.shape)
        answer, panel, refined = solve(sample, panel, pattern, band, refine_detector)
        report = _report(image, sample, panel, pattern, answer, refined)
        if target is not None or goniometer_name is not None or at is not None:
            stage = goniometer(goniometer_name or DEFAULT_GONIOMETER)
            report["target"] = _way_home(answer, stage, read_target(sample, target or DEFAULT_TARGET), at)
        write_overlay(picture, pattern.image, panel, sample, pattern.peaks, answer, band)
        report["files"] = {"overlay": str(picture)}
        if h5 is not None:
            write_results(h5, sample, panel, pattern.peaks, answer, pattern.image)
            report["files"]["hdf5"] = str(h5)
        if detector_out is not None:
            save_detector(panel, detector_out)
            report["files"]["detector"] = str(detector_out)
        if json_file is not None:
            write_json(json_file, report)
    except (ValueError, OSError) as error:
        fail(error)
    typer.echo(as_text(report))


def solve(
    crystal: Crystal, detector: Detector, pattern: _Pattern, band_kev: tuple[float, float], refine_detector: bool
) -> tuple[Indexed, Detector, Refined | None]:
    """Index, refine in pixels, and with ``refine_detector`` repeat both on the refined camera.

    Raises
    ------
    IndexingFailed : with the reason and what to check
    ValueError : a band that is none, or in which no reflection can reach the detector
    """
    indexer = Indexer(crystal, band_kev, detector)
    _check_reach(crystal, detector, band_kev)
    count = len(pattern.position_px)
    if count < MIN_MATCHED:
        raise IndexingFailed(
            f"{count} peaks found; at least {MIN_MATCHED} are needed: expose longer or lower --threshold"
        )
    answer = indexer.index(pattern.position_px, pattern.intensity)
    if isinstance(answer, NotIndexed):
        raise IndexingFailed(f"not indexed: {answer.reason}; check cell, band and detector geometry")
    refined = None
    for _ in range(2 if refine_detector else 1):
        assigned = answer.assigned
        enough = 2 * int(assigned.sum()) > 8
        refined = refine(
            crystal,
            detector,
            pattern.position_px[assigned],
            answer.hkl[assigned],
            answer.orientation,
            refine_detector=refine_detector and enough,
            geometry_uncertainty=LOOSE_GEOMETRY,
        )
        again = Indexer(crystal, band_kev, refined.detector).index(
            pattern.position_px, pattern.intensity, guess=refined.orientation
        )
        answer = again if isinstance(again, Indexed) else answer
        detector = refined.detector if isinstance(again, Indexed) else detector
    return _with_orientation(crystal, detector, pattern, answer), detector, refined


def _with_orientation(crystal: Crystal, detector: Detector, pattern: _Pattern, answer: Indexed) -> Indexed:
    """Finish with a fit in pixels of the orientation alone."""
    assigned = answer.assigned
    measured = pattern.position_px[assigned]
    last = refine(crystal, detector, measured, answer.hkl[assigned], answer.orientation)
    predicted, _ = predict_px(crystal, detector, last.orientation, answer.hkl[assigned])
    residual = float(np.linalg.norm(predicted - measured, axis=1).mean())
    return replace(answer, orientation=last.orientation, residual_px=residual)


def read_target(crystal: Crystal, text: str) -> Target:
    """Read a target such as "pose [001] beam [110] up"; the words beam and up may be left out."""
    return parse_target(crystal, re.sub(r"\s+", " ", re.sub(r"\b(beam|up)\b", "", text)).strip())


def _check_options(picture: Path, saturation: float | None) -> None:
    if picture.suffix.lower() != ".png":
        raise ValueError(f"--out writes a PNG: give a name that ends in .png, got {picture}")
    if saturation is not None and not (np.isfinite(saturation) and saturation > 0.0):
        raise ValueError(f"--saturation is the count at which a pixel is full, a positive number, got {saturation:g}")


def _check_reach(crystal: Crystal, panel: Detector, band_kev: tuple[float, float]) -> None:
    """Raise ValueError, with the energy that is needed, where no reflection in the band can reach the panel."""
    low, high = band_kev
    beam = replace(Beam.flat((max(low, min(0.1, 0.5 * high)), high)), radiation=crystal.radiation)
    # the model asks as it starts; its table holds the lowest reflections even where the band is below them
    LaueModel(crystal, beam, panel, table=crystal.reflections(max(high, TABLE_KEV)))


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


def _read(path: Path, finder: PeakFinder, frame: int, dataset: str | None, one_based: bool) -> _Pattern:
    if path.suffix.lower() in PEAK_SUFFIXES:
        peaks, image, shape = read_peaks(path, one_based), None, None
    else:
        file = read_image(path, frame, dataset)
        peaks = replace(finder, mask=file.ignored)(file.image)
        image, shape = file.image, (file.image.shape[0], file.image.shape[1])
    return _Pattern(peaks, image, shape)


def _camera(path: Path, shape: tuple[int, int] | None) -> Detector:
    """Read the geometry; a frame of another shape than it states was binned, cropped or turned, and would mislead."""
    stated = _stated_shape(path)
    if shape is not None and stated is not None and stated != shape:
        raise ValueError(
            f"the image has {shape[0]} rows and {shape[1]} columns, {path.name} says {stated[0]} and {stated[1]}: "
            "give the geometry of this camera at this binning"
        )
    return load_detector(path, shape=shape)


def _stated_shape(path: Path) -> tuple[int, int] | None:
    """Return the shape that a geometry file states; None where its form leaves rows and columns open."""
    return load_detector(path).shape if path.suffix.lower() in (".json", ".nxs", ".h5") else None


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


def _way_home(answer: Indexed, stage: Goniometer, target: Target, at: str | None) -> dict[str, Any]:
    positions = _positions(stage, at)
    mount = stage.rotation(positions).T @ answer.orientation
    goals = target.reachable_goals(stage, mount[None], positions)
    way: dict[str, Any] = {
        "label": target.label,
        "goniometer": stage.name,
        "error_deg": float(target.error_deg(answer.orientation[None])[0]),
        "reachable": bool(goals.reachable[0]),
        "mount": mount.tolist(),
    }
    if way["reachable"]:
        way["axes"] = {
            name: {"turn": float(goal - now), "to": float(goal), "unit": "mm" if axis.kind == "linear" else "deg"}
            for name, axis, now, goal in zip(stage.names, stage.axes, positions, goals.positions[0], strict=True)
        }
    else:
        nearest = Solution(goals.positions, goals.reachable, goals.limiting, goals.needed)
        way["because"] = stage.explain(nearest)
        vector = rotation_vector_deg(goals.remount[0])
        angle = float(np.linalg.norm(vector))
        way["remount"] = {"axis_lab": (vector / max(angle, 1e-12)).tolist(), "angle_deg": angle}
    return way


def _report(
    image: Path, crystal: Crystal, panel: Detector, pattern: _Pattern, answer: Indexed, refined: Refined | None
) -> dict[str, Any]:
    return {
        "image": str(image),
        "crystal": crystal.name,
        "peaks": len(pattern.position_px),
        "saturated": int(pattern.peaks.saturated.sum()),
        "matched": answer.matched,
        "figure_of_merit": answer.figure_of_merit,
        "residual_px": answer.residual_px,
        "residual_deg": answer.residual_deg,
        "u": answer.orientation.tolist(),
        "ub_inv_a": ub_matrix(answer.orientation, crystal).tolist(),
        "uncertainty": dict(refined.uncertainty) if refined is not None else {},
        "detector_change": {
            name: value
            for name, value in (refined.change if refined is not None else {}).items()
            if name.startswith(("shift", "tilt"))
        },
        "distance_mm": panel.distance_mm,
        "ambiguous": [u.tolist() for u in answer.ambiguous],
    }


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
