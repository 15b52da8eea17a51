"""A data set in shards: files of some samples each, written whole, listed with their checksums in a manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

from beamgym.physics.files import replacing, write_text
from beamgym.physics.jobs.executor import Executor
from beamgym.physics.jobs.journal import open_journal
from beamgym.physics.jobs.manifest import ANOTHER, ShardRow, read_manifest, write_manifest

JOURNAL: Final = "shards.jsonl"
TOKEN: Final = ".writing"


class DamagedShard(ValueError):
    """A shard that is not as it was written."""


@dataclass(frozen=True)
class ShardCase:
    """One shard: what a worker is given.

    Parameters
    ----------
    number : of the shard
    seed : of the data set
    first, samples : number of its first sample, and how many it holds
    folder, token : where it goes; a worker who finds the token there writes the shard itself
    """

    number: int
    seed: int
    first: int
    samples: int
    folder: str = ""
    token: str = ""

    @property
    def name(self) -> str:
        """File name of the shard."""
        return f"shard_{self.number:05d}.h5"


@dataclass(frozen=True)
class ShardPlan:
    """A data set that is to be written.

    Parameters
    ----------
    folder : of the shards; made if missing
    settings : what every sample depends on besides seed and number, as JSON has it
    seed : of the data set
    samples, per_shard : how many in all, and in a file
    make : a shard's bytes, which depend on the case's seed, first and samples alone
    is_mine : whether a shard that no manifest lists is whole and of this data set; raises ValueError for another's
    """

    folder: Path
    settings: Mapping[str, Any]
    seed: int
    samples: int
    per_shard: int
    make: Callable[[ShardCase], bytes]
    is_mine: Callable[[Path, ShardCase], bool]

    def cases(self) -> list[ShardCase]:
        """Return the shards in order."""
        firsts = range(0, self.samples, self.per_shard)
        return [
            ShardCase(i, self.seed, first, min(self.per_shard, self.samples - first)) for i, first in enumerate(firsts)
        ]

    def described(self) -> dict[str, Any]:
        """Return what the folder's shards must have in common."""
        return {**self.settings, "seed": self.seed, "per_shard": self.per_shard}


def write_shards(
    plan: ShardPlan, executor: Executor, done: Callable[[int], object] = lambda samples: None, mend: bool = False
) -> list[Path]:
    """Write a data set; shards that are there and whole are kept, so that a run cut anywhere goes on.

    Parameters
    ----------
    plan : the data set
    executor : where shards are made; they do not depend on it
    done : called with a number of samples when a shard is there
    mend : make a shard anew that is there and not as it was written

    Returns
    -------
    the shards, in order

    Raises
    ------
    DamagedShard : a shard is not as it was written, and is not to be made anew
    ValueError : the folder holds another data set, or another command writes there
    OSError : a full disk: what is there stays, and the same call goes on
    WorkerLost : see ``Executor.run``
    """
    folder, cases = plan.folder, plan.cases()
    folder.mkdir(parents=True, exist_ok=True)
    rows = read_manifest(folder, plan.described())
    with open_journal(folder / JOURNAL, plan.described(), ANOTHER) as journal, _token(folder) as token:
        rows |= {number: ShardRow(**row) for number, row in journal.rows.items()}
        _check_length(folder, rows.values(), plan.samples)
        open_cases = _open_cases(plan, cases, rows, done, mend)
        todo = [replace(case, folder=str(folder.absolute()), token=token) for case in open_cases]
        for place, answer in executor.run(_Made(plan.make), todo):
            case = open_cases[place]
            row = answer if isinstance(answer, ShardRow) else _written(folder, case, answer)
            journal.add(case.number, row.as_dict())
            rows[case.number] = row
            done(case.samples)
        write_manifest(folder, plan.described(), [rows[number] for number in sorted(rows)])
        (folder / JOURNAL).unlink()
    return [folder / case.name for case in cases]


@dataclass(frozen=True)
class _Made:
    """What a worker does: a shard, written where the folder is seen from here, else its bytes."""

    make: Callable[[ShardCase], bytes]

    def __call__(self, case: ShardCase) -> ShardRow | bytes:
        content = self.make(case)
        return _written(Path(case.folder), case, content) if _is_seen(Path(case.folder), case.token) else content


def _open_cases(
    plan: ShardPlan,
    cases: Sequence[ShardCase],
    rows: dict[int, ShardRow],
    done: Callable[[int], object],
    mend: bool,
) -> list[ShardCase]:
    """Return the shards that are to be made; rows of those that are there unlisted are put in."""
    open_, damaged = [], []
    for case in cases:
        path, row = plan.folder / case.name, rows.get(case.number)
        if not path.exists() or (row is not None and row.samples < case.samples):
            open_.append(case)
        elif row is None and plan.is_mine(path, case):
            rows[case.number] = _row_of(case, path.read_bytes())
            done(case.samples)
        elif row is not None and row.is_whole(path):
            done(case.samples)
        else:
            damaged.append(case)
    if damaged and not mend:
        raise DamagedShard(_named([plan.folder / case.name for case in damaged]))
    return sorted(open_ + damaged, key=lambda case: case.number)


def _named(paths: Sequence[Path]) -> str:
    more = f" and {len(paths) - 1} more shards are" if len(paths) > 1 else " is"
    return f"{paths[0]}{more} damaged: not as written; delete what is damaged or make it anew with --mend"


def _check_length(folder: Path, rows: Iterable[ShardRow], samples: int) -> None:
    held = max((row.first + row.samples for row in rows), default=0)
    if held > samples:
        raise ValueError(
            f"{folder} holds {held} samples of this data set; ask for as many or more, or choose an empty folder"
        )


def _written(folder: Path, case: ShardCase, content: bytes) -> ShardRow:
    with replacing(folder / case.name) as draft:
        draft.write_bytes(content)
    return _row_of(case, content)


def _row_of(case: ShardCase, content: bytes) -> ShardRow:
    return ShardRow(case.name, case.first, case.samples, len(content), hashlib.sha256(content).hexdigest())


def _is_seen(folder: Path, token: str) -> bool:
    try:
        return (folder / TOKEN).read_text(encoding="utf-8") == token
    except OSError:
        return False


@contextmanager
def _token(folder: Path) -> Iterator[str]:
    """Let a file lie in the folder by which workers on other machines find out whether they see the same one."""
    token = token_hex(16)
    write_text(folder / TOKEN, token)
    try:
        yield token
    finally:
        with suppress(OSError):
            (folder / TOKEN).unlink()
