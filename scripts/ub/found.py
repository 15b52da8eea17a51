"""What `beamgym ub` finds: reads the table and the options, looks for UB, and puts the answer together."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.crystal import load_crystal
from beamgym.physics.diffractometer import (
    CONVENTIONS,
    PRIOR_DEG,
    Candidate,
    Candidates,
    Diffractometer,
    KnownCell,
    KnownDirection,
    Prior,
    Refined,
    cell_of_crystal,
    cell_of_ub,
    diffractometer,
    fits,
    free_lattice,
    known_cell,
    next_looks,
    other_readings,
    read_reflections,
    refine_ub,
    strangers,
    two_theta_deg,
    ub_candidates,
    ub_for,
    ub_from_indexed,
)
from beamgym.physics.diffractometer import ReflectionTable as Table
from beamgym.physics.goniometer import direction
from beamgym.physics.orientation import check_rotation

_BELONGS = 0.5
_MOST_TOLD = 5


@dataclass(frozen=True)
class Asked:
    """The command line, read.

    Parameters
    ----------
    path : the table
    known : the cell; None where it is not known
    preset : the diffractometer's name
    wavelength_a : Å
    error_deg, omega_relative, along, prior, refine, distance_mm, looks : the options of those names
    """

    path: Path
    known: KnownCell | None
    preset: str
    wavelength_a: float
    error_deg: float
    omega_relative: bool
    along: tuple[str, ...]
    prior: Path | None
    refine: tuple[str, ...]
    distance_mm: float
    looks: int


def read_known(
    cell: str | None, spacegroup: str | None, cif: Path | None, crystal: str | None, radiation: str
) -> KnownCell | None:
    """Return the cell that the options state; None for none. Raises ValueError for several, or for one that is none."""
    if sum(one is not None for one in (cell, cif, crystal)) > 1:
        raise ValueError("give the crystal once: --cell, --cif or --crystal")
    if cell is not None:
        try:
            numbers = [float(word) for word in re.split(r"[,;\s]+", cell.strip())]
        except ValueError:
            raise ValueError(f"--cell {cell!r} is no list of numbers; write a,b,c,alpha,beta,gamma") from None
        if len(numbers) != 6:
            raise ValueError(f"--cell has {len(numbers)} numbers; write all six, a,b,c,alpha,beta,gamma")
        return known_cell(numbers, spacegroup)
    if spacegroup is not None:
        raise ValueError("--spacegroup goes with --cell; a structure says its own")
    if cif is None and crystal is None:
        return None
    if radiation not in ("xray", "neutron"):
        raise ValueError(f"--radiation is xray or neutron, got {radiation!r}")
    kind: Literal["xray", "neutron"] = "neutron" if radiation == "neutron" else "xray"
    return cell_of_crystal(load_crystal(cif if cif is not None else str(crystal), kind))


def read_wavelength(wavelength_a: float | None, energy_kev: float | None) -> float:
    """Return Å from either option; raises ValueError for none, both, or a number that makes no sense."""
    if (wavelength_a is None) == (energy_kev is None):
        raise ValueError("give the wavelength once: --wavelength in Å, or --energy in keV")
    if energy_kev is not None and not (np.isfinite(energy_kev) and energy_kev > 0.0):
        raise ValueError(f"--energy {energy_kev:g}: give keV above 0")
    return float(wavelength_a) if wavelength_a is not None else HC_KEV_A / float(energy_kev or 1.0)


def answer(asked: Asked) -> dict[str, Any]:
    """Return the report: UB in every convention, candidates, residuals and the next places, as JSON takes it.

    Raises
    ------
    ValueError : in one line, for whatever the table or the options are at odds with
    """
    instrument = diffractometer(asked.preset)
    table = read_reflections(asked.path, instrument, asked.wavelength_a, asked.error_deg, asked.omega_relative)
    if asked.known is None:
        return _without_cell(asked, table, instrument)
    known = asked.known
    found = ub_candidates(table.observed, known, _directions(asked.along, known), _prior(asked.prior), table.empty)
    if len(table.observed) == 1 and not asked.along and asked.prior is None:
        raise ValueError(
            "one reflection leaves the turn about itself open; add a second, or a known direction by --along"
        )
    _check_fits(found, table, asked)
    best = found.found[0]
    report = head_of(asked, table, instrument) | {"cell": known.cell.tolist(), "decided": found.decided is not None}
    report["candidates"] = [candidate_row(one) for one in found.found[:_MOST_TOLD]]
    report["more_candidates"] = max(len(found.found) - _MOST_TOLD, 0)
    report["none"], report["alike"] = found.none, found.alike
    report |= answer_of(asked, table, instrument, best, known.cell)
    report["next"] = _next(found, instrument, asked) if asked.looks else []
    return report


def head_of(asked: Asked, table: Table, instrument: Diffractometer) -> dict[str, Any]:
    """Return what a report begins with: the file, the preset, how many reflections."""
    return {
        "file": str(asked.path),
        "preset": instrument.name,
        "about": instrument.about,
        "wavelength_a": asked.wavelength_a,
        "error_deg": asked.error_deg,
        "notes": list(table.notes),
        "reflections": len(table.observed),
        "empty_places": len(table.empty),
    }


def answer_of(
    asked: Asked, table: Table, instrument: Diffractometer, best: Candidate, cell: np.ndarray[Any, Any]
) -> dict[str, Any]:
    """Return UB, refined where there is something to refine, in every convention, with the residuals."""
    on = np.asarray(best.belongs) > _BELONGS
    u, error = best.u, best.error_deg
    values: dict[str, dict[str, float]] = {}
    refined = None
    if on.sum() >= 2:
        refined = refine_ub(table.observed.rows(on), best.hkl[on], best.u, cell, asked.refine, asked.distance_mm)
        u, error = refined.u, refined.errors["orientation"]
        values = {name: {"value": value, "error": refined.errors[name]} for name, value in refined.values.items()}
    elif asked.refine:
        raise ValueError("one reflection leaves nothing to refine; centre more, or leave --refine out")
    ub = best.ub if refined is None else refined.ub
    return {
        "ub": {name: ub_for(name, ub, instrument).tolist() for name in CONVENTIONS},
        "u": u.tolist(),
        "orientation_error_deg": error,
        "refined": values,
        "refined_cell": (cell if refined is None else refined.cell).tolist(),
        "chi2": None if refined is None or np.isnan(refined.chi2) else refined.chi2,
        "rows": rows_of(table, ub, best.hkl, on, refined),
    }


def rows_of(
    table: Table, ub: np.ndarray[Any, Any], hkl: np.ndarray[Any, Any], on: np.ndarray[Any, Any], refined: Refined | None
) -> list[dict[str, Any]]:
    """Return a row for each reflection; what is left out of the refinement is compared with the same UB."""
    q, computed, wavelength = table.observed.q, hkl @ ub.T, table.observed.wavelength_a
    away = _angles_deg(q, computed)
    sines = [np.clip(0.5 * wavelength * np.linalg.norm(v, axis=1), 0.0, 1.0) for v in (q, computed)]
    off = 2.0 * np.degrees(np.arcsin(sines[0]) - np.arcsin(sines[1]))
    if refined is not None:
        away[on], off[on] = refined.residual_deg, refined.two_theta_deg
    return [
        {
            "line": line,
            "hkl": [int(v) for v in hkl[i]],
            "belongs": bool(on[i]),
            "angle_deg": float(away[i]),
            "two_theta_deg": float(off[i]),
        }
        for i, line in enumerate(table.lines)
    ]


def _angles_deg(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(np.degrees(np.arctan2(np.linalg.norm(np.cross(one, other), axis=1), (one * other).sum(1))))


def candidate_row(one: Candidate) -> dict[str, Any]:
    """Return a candidate as JSON takes it."""
    return {
        "probability": one.probability,
        "explains": int((one.belongs > _BELONGS).sum()),
        "u": one.u.tolist(),
        "ub": one.ub.tolist(),
        "error_deg": one.error_deg,
        "hkl": one.hkl.tolist(),
    }


def _next(found: Candidates, instrument: Diffractometer, asked: Asked) -> list[dict[str, Any]]:
    looks = next_looks(found, instrument, asked.wavelength_a, asked.looks)
    return [
        {
            "hkl": list(look.hkl),
            "candidate": look.candidate + 1,
            "positions": dict(zip(instrument.names, (float(v) for v in look.positions), strict=True)),
            "two_theta_deg": float(two_theta_deg(instrument, look.positions)[0]),
            "bits": look.information,
            "sharpens": look.sharpens,
        }
        for look in looks
    ]


def _check_fits(found: Candidates, table: Table, asked: Asked) -> None:
    """Raise ValueError, with what to try, where no orientation of the cell explains the reflections."""
    if fits(found) or (found.found and len(table.observed) == 1):
        return
    assert asked.known is not None
    n = len(table.observed)
    best = int((found.found[0].belongs > _BELONGS).sum()) if found.found else 0
    odd = [line for line, strange in zip(table.lines, strangers(table.observed, asked.known), strict=True) if strange]
    told = f"{asked.path}: no orientation of {asked.known.name} explains these {n} reflections"
    told += f" within {asked.error_deg:g}° (at best {best})"
    wider = f"--error {3.0 * asked.error_deg:g}"
    readings = other_readings(table.observed, asked.known)
    if readings:
        raise ValueError(f"{told}; all fits {' or '.join(readings)}: these are the angles of another preset's frame")
    if odd:
        lines = ", ".join(str(line) for line in odd[:8]) + (" …" if len(odd) > 8 else "")
        raise ValueError(
            f"{told}; 2θ in line {lines} is that of no reflection: check the cell, the wavelength "
            f"({asked.wavelength_a:g} Å) and the arm's zero, or {wider}"
        )
    raise ValueError(f"{told}; every 2θ fits, so check the sample's axes: signs, zeros, --preset, or {wider}")


def _directions(words: tuple[str, ...], known: KnownCell) -> list[KnownDirection]:
    return [_direction(text, known) for text in words]


def _direction(text: str, known: KnownCell) -> KnownDirection:
    match = re.fullmatch(r"\s*([\[(][^\])]*[\])])\s+(\S+)\s+(\S+)\s+(\S+)(?:\s+(\S+))?\s*", text)
    try:
        if match is None:
            raise ValueError
        named, numbers = direction(match[1]), [float(word) for word in match.groups()[1:4]]
        error = float(match[5] or 2.0)
        if not (np.isfinite(numbers).all() and any(numbers) and 0.0 < error <= 45.0):
            raise ValueError
    except ValueError:
        raise ValueError(
            f"--along {text!r}: write a direction, where it points at zero angles and ± degrees, as in '[001] 0 0 1 2'"
        ) from None
    indices = np.array(named.indices, dtype=np.float64)
    vector = np.linalg.inv(known.b_matrix).T @ indices if named.kind == "uvw" else known.b_matrix @ indices
    return KnownDirection(vector, np.array(numbers), error)


def _prior(path: Path | None) -> Prior | None:
    if path is None:
        return None
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        u = check_rotation(given["u"], "u")
        return Prior(u, float(given.get("prior_deg", PRIOR_DEG)))
    except OSError as error:
        raise ValueError(
            f"cannot read {path}: {error.strerror}; give the file that beamgym index --hand-over has written"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} holds no orientation; give the file that beamgym index --hand-over has written"
        ) from error


def _without_cell(asked: Asked, table: Table, instrument: Diffractometer) -> dict[str, Any]:
    """Return the report where no cell is known: from the table's indices, or of the lattice that holds the vectors."""
    observed = table.observed
    report = head_of(asked, table, instrument)
    if table.hkl is not None:
        ub, on = ub_from_indexed(observed.q, table.hkl), np.ones(len(observed), dtype=bool)
        hkl, report["from"] = table.hkl, "indices"
    else:
        lattice = free_lattice(observed)
        ub, hkl, on = lattice.ub, lattice.hkl, lattice.belongs > _BELONGS
        report["from"] = "lattice"
        if len(observed) == 3:
            report["notes"].append(
                "three reflections: the lattice is the one they span; the true one may have a larger cell"
            )
    cell = cell_of_ub(ub)
    away = _angles_deg(observed.q, hkl @ ub.T)
    report["cell"] = report["refined_cell"] = cell.tolist()
    report["ub"] = {name: ub_for(name, ub, instrument).tolist() for name in CONVENTIONS}
    report["rows"] = [
        {
            "line": line,
            "hkl": [int(v) for v in hkl[i]],
            "belongs": bool(on[i]),
            "angle_deg": float(away[i]),
            "two_theta_deg": None,
        }
        for i, line in enumerate(table.lines)
    ]
    report["next"] = []
    return report
