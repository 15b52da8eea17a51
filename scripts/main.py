"""The console script: `beamgym VERB …`, each verb in its own file, imported when it is called."""

import os
import sys
import warnings
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from beamgym.physics.messages import named_line
from beamgym.scripts.command_line import DEBUG, IMPORTED, call, fail, run

VERBS: dict[str, str] = {
    "demo": "Align crystals with the shipped policy, and write a table and pictures.",
    "envs": "List the registered environments.",
    "camera": "Write the geometry file of a hand-turned camera from a few words, and draw it.",
    "index": "Index a Laue image: orientation, figures, and the turns to a target.",
    "ub": "Find UB from observed reflections of a diffractometer, and where to look next.",
    "train": "Train an agent, and export it as a bundle.",
    "tune": "Search for the hyperparameters of a training with Optuna.",
    "benchmark": "Compare policies on the same episodes, all under the same stopping rule.",
    "matcher": "Train a learned matcher of Laue spots, and compare it with searches that learn nothing.",
    "score": "Score measured ARPES files: how good a spectrum is, and whether to believe it.",
    "denoise": "Estimate the rate behind counted frames, with its uncertainty, and learn from frames of one's own.",
    "domains": "Count the domains in ARPES spectra: offsets and weights in a cut, labels over a sample.",
    "bands": "Reconstruct the band structure in a band-mapping cube, from a calculated one.",
    "gap": "Find the energy gap of EDCs, cuts, series and maps, with its error, or say that there is none.",
    "study": "Repeat the published ARPES study: score maps of a surface, and a measured cut made worse.",
    "dataset": "Write random labelled spectra, Laue pictures, counted frames or episodes as HDF5.",
    "deploy": "Let a policy drive a real instrument, every command through a guard.",
    "page": "Show a finished run of an instrument in a browser, from its log.",
    "fit-level": "Estimate an instrument's imperfections from its recorded runs, as a level to train on.",
    "mosaic": "From a plate of glued crystals to a printed holder in which all of them are aligned, step by step.",
    "ioc": "Serve a simulated instrument over EPICS Channel Access, to practise on.",
    "speed": "Measure how fast the simulators and environments are.",
    "warm-up": "Compile what environments, demo and deployments need, so that their first use does not wait.",
}
"""Every verb and its line of help; verb NAME is ``NAME_command`` in NAME.py, or in a room NAME, - being _."""

_HANDED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}

app = typer.Typer(
    name="beamgym",
    help="Environments in which agents align crystals and search ARPES samples, and the guarded bridge to hardware.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def available_verbs() -> tuple[str, ...]:
    """Return the verbs whose file is there."""
    return tuple(name for name in VERBS if find_spec(module_of(name)) is not None)


def module_of(verb: str) -> str:
    """Return the module that holds a verb's command."""
    return f"beamgym.scripts.{verb.replace('-', '_')}"


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(version("beamgym"))
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    imports: Annotated[
        list[str] | None,
        typer.Option("--import", help="Import a module of your own first, such as one that registers a kind; repeats."),
    ] = None,
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Environments in which agents align crystals and search ARPES samples, and the guarded bridge to hardware."""
    if debug:
        os.environ[DEBUG] = "1"
    for name in imports or ():
        _import(name)


def _import(name: str) -> None:
    """Import a module, from the current folder too; leaves the program, with one line, where that fails."""
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    if name.endswith(".py"):
        fail(ValueError(f"--import {name}: give a module's name, not its file: {name.removesuffix('.py')}"))
    try:
        import_module(name)
    except Exception as error:
        fail(ValueError(f"--import {name}: {named_line(error)}"))
    IMPORTED.append(name)


def _mount(name: str) -> None:
    @app.command(name, help=VERBS[name], add_help_option=False, context_settings=_HANDED_ON)
    def verb(context: typer.Context) -> None:
        command = getattr(import_module(module_of(name)), f"{name.replace('-', '_')}_command")
        run(command, context.args, f"beamgym {name}")


for _name in available_verbs():
    _mount(_name)


def main() -> NoReturn:
    """Run the command line of this process; ``--debug`` may stand anywhere."""
    # Version 0 of an environment stays as it is; who asks for it by name is not told each time that there is another.
    warnings.filterwarnings("ignore", "(?s).*is out of date", DeprecationWarning)
    words = [word for word in sys.argv[1:] if word != "--debug"]
    if len(words) < len(sys.argv) - 1:
        words.insert(0, "--debug")
    call(app, words or ["--help"], "beamgym")


if __name__ == "__main__":
    main()
