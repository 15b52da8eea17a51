"""The options of `beamgym deploy`, each with its line of help."""

from pathlib import Path
from typing import Annotated

import typer

_NEW = "A new instrument file (--new)"
_PAGE = "The operator's page"
_LOG = "An audit log (--verify)"

Policy = Annotated[
    str | None,
    typer.Argument(
        help="A baseline's name (calibrating), or a bundle's folder or name (laue-align-si). Default: the one that "
        "measured best for this kind of instrument."
    ),
]
Instrument = Annotated[
    str | None, typer.Option("--instrument", "-i", help="instrument.yaml, or a shipped one: laue_soft_ioc.")
]
Devices = Annotated[Path | None, typer.Option(help="Python file whose devices() returns your own devices by name.")]
Check = Annotated[
    bool, typer.Option("--check", help="Connect, read everything, compare it with the file; move nothing.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Judge the first command by the present frame; write to nothing.")
]
Signs = Annotated[bool, typer.Option("--signs", help="Make the direction check: a small known move of every axis.")]
Confirm = Annotated[str, typer.Option(help="Ask before every move, before the first run, or never.")]
Yes = Annotated[bool, typer.Option("--yes", help="Answer yes to everything; on a simulation only.")]
MaxSteps = Annotated[int | None, typer.Option(help="Moves at most.", min=0)]
Dose = Annotated[
    float | None, typer.Option(help="Seconds of open shutter at most, where that is less than the file's.", min=0)
]
ReturnHome = Annotated[bool, typer.Option("--return", help="Afterwards bring the axes back to where they stood.")]
Homed = Annotated[list[str] | None, typer.Option(help="An axis of which you say that it is homed.")]
Token = Annotated[
    Path | None, typer.Option(help="File that the operator's token keeps touching; its silence stops everything.")
]
Tiled = Annotated[str | None, typer.Option(help="URI of a Tiled server that takes the documents too.")]
Practice = Annotated[
    int | None, typer.Option(help="Play so many episodes on the practice instrument and compare.", min=1)
]
Page = Annotated[
    bool,
    typer.Option("--page", help="Serve the run as a page for a browser on this computer.", rich_help_panel=_PAGE),
]
OpenPage = Annotated[
    bool,
    typer.Option("--open-page", help="Serve it, and open it in a browser, to look only.", rich_help_panel=_PAGE),
]
PagePort = Annotated[
    int, typer.Option(help="Port of the page; 0 takes a free one.", min=0, max=65535, rich_help_panel=_PAGE)
]
Seed = Annotated[int, typer.Option(help="Of the practice episodes.", min=0)]
Level = Annotated[str, typer.Option(help="Level that the practice instrument was started with.")]
Out = Annotated[Path, typer.Option(help="Folder in which the run's own folder is made.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the result here.")]
Verify = Annotated[
    Path | None,
    typer.Option(help="Say whether an audit log is whole, and do nothing else.", rich_help_panel=_LOG),
]
Record = Annotated[
    Path | None,
    typer.Option(help="Hold the log against this record of the practice instrument.", rich_help_panel=_LOG),
]
Head = Annotated[
    str | None, typer.Option(help="The log must end with this hash, which the run printed.", rich_help_panel=_LOG)
]
New = Annotated[
    Path | None,
    typer.Option(
        "--new",
        help="Read the EPICS records named below and write an instrument file, every line explained; do nothing else.",
        rich_help_panel=_NEW,
    ),
]
Kind = Annotated[str | None, typer.Option(help="laue or arpes.", rich_help_panel=_NEW)]
Axes = Annotated[
    list[str] | None,
    typer.Option(
        help="Motor records, outermost first (x, then y of a stage): 'bgym:j1 bgym:j2', or NAME=PV.",
        rich_help_panel=_NEW,
    ),
]
Camera = Annotated[str | None, typer.Option(help="Prefix of cam1: and image1:.", rich_help_panel=_NEW)]
Shutter = Annotated[str | None, typer.Option(help="Prefix of Open and Status.", rich_help_panel=_NEW)]
Beam = Annotated[str | None, typer.Option(help="PV of the beam's current or flux.", rich_help_panel=_NEW)]
Suspend = Annotated[
    list[str] | None,
    typer.Option(help="NAME=PV of a further reading that must stay within a range.", rich_help_panel=_NEW),
]
Heartbeat = Annotated[
    list[str] | None,
    typer.Option(help="PV, or NAME=PV, that changes while its server lives.", rich_help_panel=_NEW),
]
Identity = Annotated[
    str | None, typer.Option(help="PV by which a simulation says that it is one.", rich_help_panel=_NEW)
]
Goniometer = Annotated[
    str | None,
    typer.Option(help="Take the axes' vectors from a goniometer of docs/goniometers.md.", rich_help_panel=_NEW),
]
DeviceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--option", help="DEVICE.OPTION=VALUE of docs/adapters.md, such as camera.image=image2:", rich_help_panel=_NEW
    ),
]
