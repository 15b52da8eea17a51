"""The options of `beamgym score`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from beamgym.scripts.command_line import check_output, run

if TYPE_CHECKING:
    from beamgym.envs.arpes_spot import ComposedScorer, QualityScorer


def score_command(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="NeXus, HDF5, netCDF, Igor .ibw .pxt .itx, SPECS .xy, FITS, .npz, text; or folders of them"
        ),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="name, or number from 1, of one of several spectra in a file")
    ] = None,
    energy_axis: Annotated[
        str | None, typer.Option(help="its NAME or dimension (0, 1, …); with =FIRST:LAST where the file has no numbers")
    ] = None,
    angle_axis: Annotated[
        str | None, typer.Option(help="the same for the angle, or the momentum, along the slit")
    ] = None,
    kinetic: Annotated[bool, typer.Option("--kinetic", help="the energies are kinetic")] = False,
    binding: Annotated[bool, typer.Option("--binding", help="the energies are relative to the Fermi level")] = False,
    fermi_level: Annotated[
        float | None,
        typer.Option(help="on the file's energy axis, eV; fitted to the edge of kinetic energies by default"),
    ] = None,
    photon_energy: Annotated[float | None, typer.Option(help="eV; for momenta, where the file does not say it")] = None,
    unit: Annotated[
        list[str] | None, typer.Option(help="of an axis: eV, meV, keV; deg, rad, mrad, 1/A; repeats")
    ] = None,
    gain: Annotated[str, typer.Option(help="the file's units for one electron; noise takes it from the noise")] = "1",
    dead_as_zero: Annotated[bool, typer.Option("--dead-as-zero", help="pixels that are NaN count as 0")] = False,
    definition: Annotated[str, typer.Option(help="of the score: v2 or paper")] = "v2",
    scorer: Annotated[Path | None, typer.Option(help="folder of another scorer's bundle")] = None,
    best: Annotated[int, typer.Option(help="how many best sites of a map are named", min=1)] = 5,
    out: Annotated[Path | None, typer.Option(help="folder of pictures and tables; maps go to ./out by default")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures here")] = None,
    watch: Annotated[Path | None, typer.Option(help="score what a scan writes into this folder, until Ctrl-C")] = None,
    every: Annotated[float, typer.Option(help="seconds between two looks into the folder", min=0.05)] = 2.0,
) -> None:
    """Score measured ARPES spectra: S, B, N and the total with their errors, and whether to believe them."""
    check_output(json_file)
    if bool(files) == (watch is not None):
        raise ValueError("name files or folders to score, or a folder to --watch")
    if kinetic and binding:
        raise ValueError("energies are either --kinetic or --binding; say one of them")
    from beamgym.physics.arpes.load import LoadWords
    from beamgym.physics.files import write_json
    from beamgym.scripts.score.files import Scoring, files_of, score_files
    from beamgym.scripts.score.watch import watch_folder

    scale: Literal["kinetic", "binding"] | None = "kinetic" if kinetic else "binding" if binding else None
    words = LoadWords(
        energy_axis,
        angle_axis,
        scale,
        tuple(_units(unit or [])),
        dataset,
        fermi_level,
        photon_energy,
        _gain(gain),
        dead_as_zero,
    )
    scoring = Scoring(words, _scorer(scorer, definition), out, best)
    failed = 0
    if watch is not None:
        watch_folder(watch, scoring, every)
    else:
        failed = score_files(files_of(files or []), scoring, files[0].name if files and len(files) == 1 else "files")
    if json_file is not None:
        write_json(json_file, {"definition": definition, "files": scoring.reports})
    if failed:
        raise ValueError(f"{failed} files could not be scored; their lines stand above")


def _scorer(folder: Path | None, definition: str) -> "ComposedScorer | QualityScorer":
    from beamgym.agents.measured import best_scorer
    from beamgym.envs.arpes_spot import load_scorer

    return best_scorer(definition) if folder is None else load_scorer(folder, definition, mirrored=True)


def _gain(text: str) -> float | Literal["noise"]:
    if text == "noise":
        return "noise"
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"--gain {text} is neither a number nor noise") from None


def _units(units: list[str]) -> list[str]:
    known = ("ev", "mev", "kev", "deg", "rad", "mrad", "1/a")
    for unit in units:
        if unit.lower() not in known:
            raise ValueError(f"--unit {unit} is not known; choose eV, meV, keV, deg, rad, mrad or 1/A")
    return units


if __name__ == "__main__":
    run(score_command)
