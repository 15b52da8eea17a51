"""The verb: a table of its sub-commands, each in its own file of this folder, imported when it is called."""

from importlib import import_module

import typer

from beamgym.scripts.command_line import run

SUB_COMMANDS: dict[str, str] = {
    "outlines": "Print markers for a plate; make a table of outlines from its photograph, or a drawing.",
    "plan": "Begin a project from outlines or a simulated plate, and say how long its scan takes.",
    "scan": "Scan the plate, or take the scan that somebody else made, and say what each crystal is.",
    "correct": "Say how each crystal must be turned: a table, and a sheet to print.",
    "pack": "Lay the corrected crystals on the holder's plates, and name who is left out.",
    "holder": "Write the holder or the placement template: STL, 3MF, STEP, DXF, SVG, lists.",
    "forecast": "Say how wide the mosaic will be before anything is printed.",
    "check": "Compare a second scan, of the placed crystals, with the plan.",
    "demo": "Do all of it with a simulated plate, and draw one picture of it.",
    "status": "Say what a project folder holds, and what a person changed in it.",
}
"""Every sub-command and its line of help, in the order in which a mosaic is made; sub-command NAME is ``NAME_command``
in NAME.py of this folder."""

_HANDED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}

mosaic_command = typer.Typer(
    help="From a plate of glued crystals to a printed holder in which all of them are aligned.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@mosaic_command.callback()
def _group() -> None:
    """From a plate of glued crystals to a printed holder in which all of them are aligned."""


def _mount(name: str) -> None:
    @mosaic_command.command(name, help=SUB_COMMANDS[name], add_help_option=False, context_settings=_HANDED_ON)
    def sub_command(context: typer.Context) -> None:
        command = getattr(import_module(f"beamgym.scripts.mosaic.{name}"), f"{name}_command")
        run(command, context.args, f"beamgym mosaic {name}")


for _name in SUB_COMMANDS:
    _mount(_name)
