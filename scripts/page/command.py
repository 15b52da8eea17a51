"""`beamgym page`: a finished run in a browser, from its log."""

import threading
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

PORT = 8766


def page_command(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder that a deployment wrote.")],
    port: Annotated[
        int, typer.Option("--page-port", help="Port on this computer; 0 takes a free one.", min=0, max=65535)
    ] = PORT,
) -> None:
    """Show a finished run line by line, from its log; one that does not verify is not drawn."""
    try:
        from beamgym.hardware_bridge.operator_page import OperatorPage, read_recording
    except ImportError as error:
        raise ValueError(str(error)) from None
    recording = read_recording(folder)
    typer.echo(recording.broken or f"{folder}: {len(recording.lines)} lines, whole; {len(recording.images)} frames")
    with OperatorPage(recording, port) as page, suppress(KeyboardInterrupt):
        typer.echo(f"{page.address}  (Ctrl-C ends it)")
        threading.Event().wait()
    if recording.broken:
        raise SystemExit(1)
