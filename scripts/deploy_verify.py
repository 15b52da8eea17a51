"""`beamgym deploy --verify LOG`: is an audit log whole, and do its decisions come out the same again?

With `--record FILE`: and did the practice instrument receive what the log says, and nothing else?
"""

from pathlib import Path
from typing import Any

import typer

from beamgym.hardware_bridge.audit_check import verify_log
from beamgym.hardware_bridge.audit_compare import compare_with_record
from beamgym.hardware_bridge.replay import replay
from beamgym.scripts.command_line import write_json


def verify_logs(path: Path, json_file: Path | None, record: Path | None = None) -> None:
    """Print what a log says of itself, and of the guard's decisions when they are made again.

    Parameters
    ----------
    path : the audit log
    json_file : gets the result too
    record : what the practice instrument received (`beamgym ioc --record FILE`); the log is held against it

    Raises
    ------
    ValueError : in one line, for a log that is not whole, whose decisions come out otherwise, or that differs from the
        record
    """
    report = verify_log(path)
    typer.echo(f"{path}: {report.summary()}")
    if report.problem:
        raise ValueError(f"{path} is not whole: {report.problem}")
    again = replay(path)
    typer.echo(again.summary())
    agreed = None if record is None else compare_with_record(path, record)
    if agreed is not None:
        typer.echo(f"{record}: {agreed.summary()}")
    if json_file is not None:
        content: dict[str, Any] = {"lines": report.lines, "commands": report.commands, "head": report.head}
        content |= {"unknown": report.unknown, "ok": report.ok, "decisions": again.decisions, "same": again.same}
        write_json(json_file, content | ({} if agreed is None else {"puts": agreed.puts, "agreed": agreed.ok}))
    if again.differences:
        raise ValueError(f"{path}: {again.summary()}")
    if agreed is not None and not agreed.ok:
        raise ValueError(f"{path} and {record} are {agreed.summary()}")
