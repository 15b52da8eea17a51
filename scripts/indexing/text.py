"""The report of an indexed pattern, laid out for reading."""

from typing import Any

from beamgym.physics.laue.report import EULER_ANGLES, turn_words
from beamgym.scripts.indexing.grains import grains_as_text


def as_text(report: dict[str, Any]) -> str:
    """Lay the report out for reading."""
    lines = [
        f"{report['crystal']}: {report['matched']} of {report['peaks']} peaks indexed, figure of merit "
        f"{report['figure_of_merit']:.1f}, mean residual {report['residual_px']:.2f} px, {report['residual_deg']:.3f}°",
        "UB (1/Å, no 2π; lab x along the beam, z up; columns a*, b*, c*)",
        *("  " + "  ".join(f"{value: .6f}" for value in row) for row in report["ub_inv_a"]),
        _orientation_line(report),
    ]
    lines[1:1] = [f"WARNING: {warning}" for warning in report["warnings"]]
    if len(report.get("cells", [])) > 1:
        lines += _cells_as_text(report["cells"])
    lines += grains_as_text(report["grains"])
    if report["ambiguous"]:
        lines.append(
            f"ambiguous: {len(report['ambiguous'])} more orientation(s) fit as well and intensities do not decide; "
            "--json lists them"
        )
    if report["detector_change"]:
        lines.append(_camera_line(report))
    if "handedness" in report:
        lines.append(f"two pictures: {report['handedness']['sentence']}")
        if report["handedness"]["verdict"] in ("mirrored", "turned"):
            lines.append("  UB and the turns below are for the picture as stated: do NOT turn by them")
    lines += _pointing_as_text(report["pointing"])
    ways = report.get("targets", [])
    for way in ways:
        lines += way_as_text(way)
    if len(ways) > 1:
        lines += targets_table(ways)
    if any(not way["reachable"] for way in ways):
        lines.append(
            "  (x along the beam, y to the left, z up; right-handed turn; glue it with the goniometer at home)"
        )
    lines += [f"wrote {path}" for path in report["files"].values()]
    return "\n".join(lines)


def _orientation_line(report: dict[str, Any]) -> str:
    x, y, z = report["axis_angle"]["axis_lab"]
    phi1, big_phi, phi2 = report["euler_bunge_deg"]
    return (
        f"U {turn_words(report['uncertainty_deg'])}: {report['axis_angle']['angle_deg']:.2f}° about ({x:.4f}, {y:.4f}, "
        f"{z:.4f}); Euler angles {phi1:.2f}°, {big_phi:.2f}°, {phi2:.2f}° ({EULER_ANGLES})"
    )


def _camera_line(report: dict[str, Any]) -> str:
    """Return where the camera was found to stand, and where it was stated to."""
    found, stated = report["distance_mm"], report["stated_distance_mm"]
    column, row = report["centre_px"]
    stated_column, stated_row = report["stated_centre_px"]
    change = report["detector_change"]
    return (
        f"camera: distance {found:.2f} mm, stated {stated:.2f} ({found - stated:+.2f}); "
        f"centre ({column:.1f}, {row:.1f}) px, stated ({stated_column:.1f}, {stated_row:.1f}); "
        f"tilted by {change['tilt_y_deg']:+.2f}° about y, {change['tilt_z_deg']:+.2f}° about z"
    )


def _cells_as_text(cells: list[dict[str, Any]]) -> list[str]:
    lines = ["of the cells given, the best figure of merit per peak first:"]
    for cell in cells:
        found = (
            f"{cell['matched']} of {cell['peaks']} peaks, {cell['residual_px']:.2f} px"
            if "because" not in cell
            else cell["because"]
        )
        lines.append(f"  {cell['crystal']:<16} {cell['merit_per_peak']:5.2f}  {found}")
    return lines


def _pointing_as_text(pointing: dict[str, Any]) -> list[str]:
    c = pointing["c_deg"]
    lines = [
        f"c [0 0 1] points {c['beam']:.1f}° from the beam (x), {c['up']:.1f}° from up (z), "
        f"{c['left']:.1f}° from left (y)"
    ]
    lines.append("nearest zone axes [uvw] and plane normals (hkl):")
    return lines + [_near_as_text(row) for row in _without_doubles(pointing["nearest"])]


def _without_doubles(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out plane normals that are zone axes too, as in every cubic crystal."""
    kept: list[dict[str, Any]] = []
    for row in rows:
        same = (
            other
            for other in kept
            if other["lab"] == row["lab"]
            and other["direction"][1:-1] == row["direction"][1:-1]
            and abs(other["angle_deg"] - row["angle_deg"]) < 1e-6
        )
        if next(same, None) is None:
            kept.append(row)
    return kept


def _near_as_text(row: dict[str, Any]) -> str:
    text = f"  {row['lab']:<5} {row['direction']:<11} {row['angle_deg']:5.1f}° off"
    if "turns" not in row:
        x, y, z = row["axis_lab"]
        return f"{text}; turn by it about ({x:.2f}, {y:.2f}, {z:.2f})"
    if row["turns"] is None:
        return f"{text}; out of the head's reach"
    turns = ", ".join(f"{name} {turn:+.1f}" for name, turn in row["turns"].items() if abs(turn) >= 0.05)
    return f"{text}; turn {turns}" if turns else f"{text}; it is there"


def way_as_text(way: dict[str, Any]) -> list[str]:
    """Return the lines of one target."""
    lines = [f"target {way['label']}: {way['error_deg']:.2f}° away; {way['goniometer']}:"]
    if way["reachable"]:
        for name, axis in way["axes"].items():
            unit = "°" if axis["unit"] == "deg" else " mm"
            sure = turn_words(axis["uncertainty"]) if axis["unit"] == "deg" else ""
            lines.append(
                f"  turn {name} by {axis['turn']:+.2f}{unit} (to {axis['to']:.2f}{unit}) {sure}; {axis['sense']}"
            )
    else:
        x, y, z = way["remount"]["axis_lab"]
        lines.append(
            f"  out of reach ({way['because']}): with the goniometer at home, glue the crystal anew, turned by "
            f"{way['remount']['angle_deg']:.1f}° about the lab direction ({x:.2f}, {y:.2f}, {z:.2f})"
        )
    return lines


def targets_table(ways: list[dict[str, Any]]) -> list[str]:
    """Return a table with a row for every target: the turn of every axis, or the rotation to glue by."""
    names = next((list(way["axes"]) for way in ways if way["reachable"]), [])
    width = max(len(way["label"]) for way in ways)
    lines = [f"  {'target':<{width}}  {'away':>7}  " + "  ".join(f"{name:>10}" for name in names)]
    for way in ways:
        if way["reachable"]:
            cells = "  ".join(f"{way['axes'][name]['turn']:>+10.2f}" for name in names)
        else:
            x, y, z = way["remount"]["axis_lab"]
            cells = f"glue anew: {way['remount']['angle_deg']:.1f}° about ({x:.2f}, {y:.2f}, {z:.2f})"
        lines.append(f"  {way['label']:<{width}}  {way['error_deg']:>6.2f}°  {cells}")
    return lines
