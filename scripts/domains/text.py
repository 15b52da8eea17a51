"""What `beamgym domains` prints."""

from typing import Any


def as_text(report: dict[str, Any]) -> str:
    """Return a report in lines."""
    lines = [report["file"], f"  Fermi     {report['fermi_level']}", f"  electrons {report['electrons']:.3g}"]
    lines += [f"  note      {note}" for note in report["notes"]]
    lines += _cut(report) if report["kind"] == "cut" else _sample(report)
    lines += [f"  beware    {line}" for line in report["doubts"]]
    lines += [f"  limit     {limit}" for limit in report["limits"]]
    return "\n".join([*lines, *(f"  wrote {file}" for file in report.get("files", ()))])


def _cut(report: dict[str, Any]) -> list[str]:
    chance = report["probability"]
    said = (
        "" if chance[0] is None else " (one, two, three: " + ", ".join(f"{100 * value:.0f} %" for value in chance) + ")"
    )
    lines = [f"  domains   {report['number']} by {report['method']}{said}"]
    if report["number"] > 1:
        for number, one in enumerate(report["domains"], start=1):
            offset = "lowest on the slit" if number == 1 else f"+{_with_error(one, 'offset', '_deg')}°"
            lines.append(f"    {number}. {offset}, weight {_with_error(one, 'weight', '')}")
    return lines


def _sample(report: dict[str, Any]) -> list[str]:
    lines = [f"  domains   {report['number']} over {report['sites']} sites"]
    for number, one in enumerate(report["domains"], start=1):
        line = f"    {number}. on {one['sites']} sites ({one['sure']} surely)"
        line += f", {100 * one['weight']:.0f} % of the electrons"
        if number > 1 and one["copy"]:
            line += f"; the same bands as 1, {one['shift_deg']:+.2f} ± {one['shift_error_deg']:.2f}° along the slit"
        elif number > 1:
            line += f"; no copy of 1 (they agree by {one['correlation']:.2f} at best)"
        lines.append(line)
    return lines


def _with_error(one: dict[str, Any], name: str, unit: str) -> str:
    value, error = one[f"{name}{unit}"], one[f"{name}_error{unit}"]
    if value is None:
        return "not stated"
    return f"{value:.2f}" + ("" if error is None else f" ± {error:.2f}")
