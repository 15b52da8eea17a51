"""The report of `beamgym bands` as text."""

from typing import Any


def as_text(report: dict[str, Any]) -> str:
    """Return the report for reading."""
    size = " x ".join(str(n) for n in report["shape"])
    low, high = report["energy_ev"]
    lines = [f"{report['cube']}: {size} (kx, ky, energy), {report['momenta']} momenta used, {low:.3g} to {high:.3g} eV"]
    lines += [f"note: {note}" for note in report["notes"]]
    for one in report["answers"]:
        lines += _answer(one, report["method"])
    if "compared" in report:
        lines += _compared(report["compared"])
    if "pointwise" in report:
        lines += _pointwise(report["pointwise"])
    lines += [f"written: {file}" for file in report.get("files", ())]
    return "\n".join(lines)


def _answer(one: dict[str, Any], method: str) -> list[str]:
    lines = [f"\nfrom {one['theory']}, method {method}:"]
    lines.append("band   mean eV   shift eV   scale   moved meV   ± meV" + ("   line meV" if "fwhm_ev" in one else ""))
    for b in range(one["bands"]):
        shift, scale = (one[name][b] if name in one else None for name in ("shift_ev", "scale"))
        line = f"{b + 1:4d} {one['mean_ev'][b]:9.3f} {_number(shift, '+.3f'):>10} {_number(scale, '.2f'):>7} "
        line += f"{1e3 * one['moved_ev'][b]:11.0f} {1e3 * one['error_ev'][b]:7.1f}"
        lines.append(line + (f" {1e3 * one['fwhm_ev'][b]:10.0f}" if "fwhm_ev" in one else ""))
    if "explained" in one:
        lines.append(f"the lines explain {100 * one['explained']:.1f} % of the data's weighted square sum")
    if one["doubted"]:
        numbers = ", ".join(str(b) for b in one["doubted"])
        lines.append(f"WARNING: hardly seen: band {numbers} (far from the aligned theory, or a wide line)")
    if one.get("wrong_unit"):
        lines.append(
            "WARNING: half of the bands could be scaled no further; is the theory in eV? (Hartree 27.2, Rydberg 13.6)"
        )
    if not all(one.get("converged", [True])):
        lines.append("WARNING: some sites still moved at the last sweep")
    lines.append(
        f"feature vector: {one['features']} numbers, {one['smaller']:,.0f} times fewer than the data's, "
        f"{1e3 * one['features_rms_ev']:.1f} meV (median RMS of a band)"
    )
    return lines


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _compared(pair: dict[str, Any]) -> list[str]:
    first, second = pair["names"][:2]
    lines = [f"\n{first} against {second}:"]
    lines.append(f"theories {1e3 * pair['theories_ev'][0][1]:.0f} meV apart, a common shift taken out")
    for b, (rms, median) in enumerate(zip(pair["first_two_rms_ev"], pair["first_two_median_ev"], strict=True)):
        lines.append(f"band {b + 1}: answers {1e3 * median:.0f} meV apart (median), {1e3 * rms:.0f} meV (RMS)")
    return lines


def _pointwise(fits: dict[str, Any]) -> list[str]:
    lines = [f"\npointwise fits of {fits['bands']} bands at {fits['momenta']} momenta:"]
    for name, one in fits.items():
        if isinstance(one, dict):
            told = ", ".join(f"{1e3 * value:.0f}" for value in one["median_ev"])
            lines.append(f"{name}: {told} meV away (median)")
    return lines
