"""The report of `beamgym ub` in words."""

from typing import Any

from beamgym.physics.diffractometer import CERTAIN, CONVENTIONS

_MOST_ROWS = 40


def as_text(report: dict[str, Any]) -> str:
    """Return the report as lines to read."""
    lines = [f"note: {note}" for note in report["notes"]]
    lines.append(
        f"{report['preset']}: {report['about']}; {report['reflections']} reflections, {report['wavelength_a']:.6g} Å"
    )
    lines += _verdict(report) if "candidates" in report else _found_cell(report)
    lines += _residuals(report)
    lines += _matrices(report)
    lines += _next(report["next"])
    return "\n".join(lines)


def _verdict(report: dict[str, Any]) -> list[str]:
    best, others = report["candidates"][0], report["candidates"][1:]
    share = f"{100.0 * best['probability']:.4g} %" if best["probability"] < 0.9999 else "more than 99.99 %"
    explained = f"{best['explains']} of {report['reflections']} reflections explained"
    if report["decided"]:
        lines = [f"DECIDED: {share}; {explained}, orientation ± {report['orientation_error_deg']:.3f}°"]
    else:
        lines = [f"NOT DECIDED: the best candidate has {share}, {100.0 * CERTAIN:g} % are asked for; {explained}"]
        lines += [
            f"  candidate {number}: {100.0 * one['probability']:.3g} %, "
            f"explains {one['explains']}, the first is {_hkl(one['hkl'][0])}"
            for number, one in enumerate(others, 2)
        ]
        if report["more_candidates"]:
            lines.append(f"  and {report['more_candidates']} more")
        lines.append("  UB below is the best candidate's; look at the places below before you trust it")
    if report["none"] > 0.01:
        lines.append(f"another crystal, or nothing but spurious reflections: {100.0 * report['none']:.2g} %")
    if report["alike"] > 1:
        lines.append(
            f"positions cannot tell {report['alike']} orientations apart that the lattice's symmetry relates; "
            "intensities can: give --cif and the column intensity"
        )
    lines += [f"refined {name}: {one['value']:.5g} ± {one['error']:.2g}" for name, one in report["refined"].items()]
    return lines


def _found_cell(report: dict[str, Any]) -> list[str]:
    a, b, c, al, be, ga = report["cell"]
    held = sum(row["belongs"] for row in report["rows"])
    what = "from the table's indices" if report["from"] == "indices" else "Niggli's cell of the lattice that holds them"
    return [
        f"cell {a:.4f} {b:.4f} {c:.4f} Å {al:.3f} {be:.3f} {ga:.3f}°, {what}; {held} of {report['reflections']} on it"
    ]


def _residuals(report: dict[str, Any]) -> list[str]:
    lines = ["  line   h   k   l   off by   2θ obs − calc"]
    for row in report["rows"][:_MOST_ROWS]:
        h, k, el = row["hkl"]
        two_theta = "" if row["two_theta_deg"] is None else f"{row['two_theta_deg']:+10.3f}°"
        mark = "" if row["belongs"] else "   SPURIOUS? the nearest reflection is meant"
        lines.append(f"  {row['line']:4d} {h:3d} {k:3d} {el:3d} {row['angle_deg']:7.3f}° {two_theta}{mark}")
    if len(report["rows"]) > _MOST_ROWS:
        lines.append(f"  and {len(report['rows']) - _MOST_ROWS} more, weaker ones; --json has them all")
    return lines


def _matrices(report: dict[str, Any]) -> list[str]:
    lines = []
    for name, matrix in report["ub"].items():
        convention = CONVENTIONS[name]
        unit = "with 2π" if convention.scale > 1.0 else "without 2π"
        rows = "; rows are a*, b*, c*" if convention.rows else ""
        lines.append(f"UB for {name} ({unit}{rows}; {convention.frame})")
        lines += ["  " + " ".join(f"{value:12.8f}" for value in row) for row in matrix]
    return lines


def _next(looks: list[dict[str, Any]]) -> list[str]:
    lines = []
    for number, look in enumerate(looks, 1):
        where = ", ".join(f"{name} {value:.3f}" for name, value in look["positions"].items())
        gain = f"{look['bits']:.2f} bits" if look["bits"] > 0.01 else f"error shrinks by {look['sharpens']:.2f}"
        whose = f" of candidate {look['candidate']}" if look["bits"] > 0.01 else ""
        lines.append(f"look next {number}: {where}; {_hkl(look['hkl'])}{whose}, {gain}")
    return lines


def _hkl(hkl: list[int]) -> str:
    return "(" + " ".join(str(v) for v in hkl) + ")"
