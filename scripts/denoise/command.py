"""The options of `beamgym denoise`."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from beamgym.scripts.command_line import check_output, run


def denoise_command(
    files: Annotated[
        list[Path], typer.Argument(help="TIFF, CBF, EDF, HDF5, .npy; SANS text; ARPES spectra; of counts.")
    ],
    scene: Annotated[
        str | None, typer.Option(help="Whose network: laue, diffraction, sans or arpes; by the file if left out.")
    ] = None,
    bundle: Annotated[Path | None, typer.Option(help="Network of one's own: the folder of its bundle.")] = None,
    train_on_this: Annotated[
        bool, typer.Option("--train-on-this", help="Learn from these frames alone, by count splitting.")
    ] = False,
    pairs: Annotated[
        Path | None, typer.Option(help="Learn from pairs: HDF5 with data sets low and high, (n, slow, fast).")
    ] = None,
    gain: Annotated[float | None, typer.Option(help="Numbers per count, of an integrating detector.")] = None,
    mask: Annotated[
        list[str] | None, typer.Option(help="Pixels to leave out: column,row,column,row or a mask file; repeats.")
    ] = None,
    mask_suspected: Annotated[
        bool, typer.Option("--mask-suspected", help="Leave out pixels that their neighbours call dead or hot.")
    ] = False,
    peaks_at: Annotated[
        Path | None,
        typer.Option(help="Places of weak peaks, to be measured in the counts: column,row,sigma,sigma in pixels."),
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="Of an HDF5 file, or which of several spectra.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the answers; beside the originals if left out.")] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Of a training on these frames or pairs, 120 batches each.")] = 10,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace earlier answers; never an original.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of a training.")] = 0,
    plan: Annotated[
        Path | None,
        typer.Option(help="SANS: share beam time between this sample and this background; writes no frame."),
    ] = None,
    times: Annotated[
        str | None, typer.Option(help="Of a plan: seconds that sample and background were counted, as 600,600.")
    ] = None,
    hours: Annotated[float, typer.Option(help="Of a plan: beam time to be shared.")] = 1.0,
    transmission: Annotated[float, typer.Option(help="Of a plan: the sample's, relative to the background.")] = 1.0,
    beam_rate: Annotated[float, typer.Option(help="Of a plan: counts a second of the attenuated beam.")] = 1000.0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write what was found here.")] = None,
) -> None:
    """Estimate the rate behind counted frames, and how far off it may be; files of both go beside the originals."""
    check_output(json_file)
    from beamgym.physics.files import write_json
    from beamgym.scripts.denoise.denoising import Asked, denoise_files
    from beamgym.scripts.denoise.planning import Planned, parse_times, plan_sans

    if plan is not None:
        wanted = Planned(parse_times(times), hours, transmission, beam_rate)
        found = plan_sans(files, plan, wanted, bundle, typer.echo)
        return None if json_file is None else write_json(json_file, found)
    if bundle is not None and (scene is not None or train_on_this or pairs is not None):
        raise ValueError("--bundle names the network; leave out --scene, --train-on-this and --pairs")
    if train_on_this and pairs is not None:
        raise ValueError("learn either from these frames (--train-on-this) or from pairs (--pairs)")
    asked = Asked(
        tuple(files),
        scene,
        bundle,
        train_on_this,
        pairs,
        gain,
        tuple(mask or ()),
        dataset,
        out,
        epochs,
        overwrite,
        seed,
        mask_suspected,
        peaks_at,
    )
    reports: list[dict[str, Any]] = denoise_files(asked, typer.echo, sys.argv[2:])
    if json_file is not None:
        write_json(json_file, {"files": reports})


if __name__ == "__main__":
    run(denoise_command)
