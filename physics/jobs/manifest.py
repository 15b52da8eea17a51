"""The list of a data set's shards with their checksums, and the settings that all of them have in common."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from beamgym.physics.files import write_json
from beamgym.physics.jobs.journal import as_json, check_settings

MANIFEST: Final = "manifest.json"
FORMAT: Final = "beamgym shards 1"
ANOTHER: Final = "another data set"


@dataclass(frozen=True)
class ShardRow:
    """One shard as it was written.

    Parameters
    ----------
    name : of the file
    first, samples : number of its first sample, and how many it holds
    bytes, sha256 : length and checksum of the file
    """

    name: str
    first: int
    samples: int
    bytes: int
    sha256: str

    @property
    def number(self) -> int:
        """Number of the shard."""
        return int(Path(self.name).stem.removeprefix("shard_"))

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)

    def is_whole(self, path: Path) -> bool:
        """Return whether a file is the one that was written."""
        if path.stat().st_size != self.bytes:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256


def read_manifest(folder: Path, settings: Mapping[str, Any]) -> dict[int, ShardRow]:
    """Return the shards of a folder's manifest by their numbers; none where there is no manifest.

    Parameters
    ----------
    folder : of the shards
    settings : those of the data set that is to be in it

    Raises
    ------
    ValueError : it is the manifest of another data set, whose first setting that differs is named, or is damaged
    """
    path = folder / MANIFEST
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        known, found, rows = content["format"], content["settings"], [ShardRow(**row) for row in content["shards"]]
        numbered = {row.number: row for row in rows}
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{path} is damaged; delete it: shards that are whole are kept and listed anew") from None
    if known != FORMAT:
        raise ValueError(f"{path} is of another form, {known!r}, not {FORMAT!r}; choose another place")
    check_settings(folder, found, as_json(settings), ANOTHER)
    return numbered


def write_manifest(folder: Path, settings: Mapping[str, Any], shards: Sequence[ShardRow]) -> None:
    """Write the manifest, whole or not at all; the same data set has the same one wherever and however it was made."""
    rows = [shard.as_dict() for shard in shards]
    samples = max((shard.first + shard.samples for shard in shards), default=0)
    write_json(folder / MANIFEST, {"format": FORMAT, "settings": dict(settings), "samples": samples, "shards": rows})
