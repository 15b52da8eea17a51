"""`beamgym deploy`: a policy on a real instrument, every command through the guard."""

from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from beamgym.scripts.command_line import check_output, run
from beamgym.scripts.deploying import options
from beamgym.scripts.deploying.new import refuse_words_of_new, write_new

EPISODES = 100
PAGE_PORT = 8765


class PageWords(NamedTuple):
    """How the operator's page is served: on which port, and whether a browser is opened."""

    port: int
    opened: bool


def deploy_command(
    policy: options.Policy = None,
    instrument: options.Instrument = None,
    devices: options.Devices = None,
    check: options.Check = False,
    dry_run: options.DryRun = False,
    signs: options.Signs = False,
    confirm: options.Confirm = "every",
    yes: options.Yes = False,
    max_steps: options.MaxSteps = None,
    dose: options.Dose = None,
    return_home: options.ReturnHome = False,
    homed: options.Homed = None,
    token: options.Token = None,
    tiled: options.Tiled = None,
    practice: options.Practice = None,
    seed: options.Seed = 0,
    level: options.Level = "real",
    page: options.Page = False,
    open_page: options.OpenPage = False,
    page_port: options.PagePort = PAGE_PORT,
    out: options.Out = Path("out"),
    json_file: options.JsonFile = None,
    verify: options.Verify = None,
    record: options.Record = None,
    head: options.Head = None,
    new: options.New = None,
    kind: options.Kind = None,
    axes: options.Axes = None,
    camera: options.Camera = None,
    shutter: options.Shutter = None,
    beam: options.Beam = None,
    suspend: options.Suspend = None,
    heartbeat: options.Heartbeat = None,
    identity: options.Identity = None,
    goniometer: options.Goniometer = None,
    option: options.DeviceOption = None,
) -> None:
    """Let a policy align or find on a real instrument: check, direction check, confirmation, run, report."""
    check_output(json_file)
    words: dict[str, Any] = {
        "kind": kind,
        "axes": axes,
        "camera": camera,
        "shutter": shutter,
        "beam": beam,
        "identity": identity,
    }
    words |= {"suspenders": suspend, "heartbeats": heartbeat, "goniometer_name": goniometer, "options": option}
    if new is not None:
        return write_new(new, words, json_file)
    refuse_words_of_new(words)
    if verify is not None:
        return _verify(verify, json_file, record, head)
    _refuse_words_of_verify(record, head)
    mode = _mode({"check": check, "dry-run": dry_run, "signs": signs, "practice": practice is not None})
    how: dict[str, Any] = {"devices": devices, "confirm": confirm, "yes": yes, "max_steps": max_steps, "dose_s": dose}
    how |= {"back": return_home, "homed": tuple(homed or ()), "token": token, "tiled": tiled}
    how |= {"episodes": practice or 0, "seed": seed, "level": level, "out": out}
    served = PageWords(page_port, open_page) if page or open_page else None
    _deploy(policy, instrument, mode, how, json_file, served)


def _verify(log: Path, json_file: Path | None, record: Path | None, head: str | None) -> None:
    from beamgym.scripts.deploying.modes import verify_log

    verify_log(log, json_file, record, head)


def _refuse_words_of_verify(record: Path | None, head: str | None) -> None:
    for option, given in (("--record", record), ("--head", head)):
        if given is not None:
            raise ValueError(f"{option} is what a log is held against; name the log too: --verify audit.jsonl")


def _mode(asked: dict[str, bool]) -> str:
    modes = [name for name, on in asked.items() if on]
    if len(modes) > 1:
        raise ValueError(f"{' and '.join(f'--{name}' for name in modes)} were asked for at once; choose one")
    return modes[0] if modes else "run"


def _deploy(
    policy: str | None,
    instrument: str | None,
    mode: str,
    how: dict[str, Any],
    json_file: Path | None,
    page: PageWords | None,
) -> None:
    if instrument is None:
        raise ValueError("name an instrument: beamgym deploy --instrument instrument.yaml")
    _import_epics_early()
    bridge_or_say()
    from beamgym.hardware_bridge.deployment import Options
    from beamgym.scripts.deploying.modes import deploy

    deploy(policy, instrument, Options(**how), mode, json_file, page)


def _import_epics_early() -> None:
    """Import what there is of EPICS while few modules are: it looks for its caller among all of them, for seconds."""
    for name in ("epicscorelibs.path.pyepics", "epicscorelibs.ca.cadef", "pvxslibs.path"):
        with suppress(ImportError):
            import_module(name)


def bridge_or_say() -> None:
    """Raise ValueError with the extra's name where bluesky is not installed."""
    try:
        import beamgym.hardware_bridge.rollout.rollout  # noqa: F401
    except ImportError as error:
        raise ValueError(str(error)) from None


if __name__ == "__main__":
    run(deploy_command)
