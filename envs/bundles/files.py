"""Reads a bundle's files, and nothing else: plain files in its directory, of bounded size, with the listed SHA-256."""

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError

from beamgym.envs.bundles.checks import check_seen, check_space
from beamgym.envs.bundles.manifest import MANIFEST, Manifest, parse_manifest
from beamgym.physics.messages import one_line

MAX_BYTES = 100_000_000
"""Largest file of a bundle; a policy for spot lists has under 10 MB."""

MAX_MANIFEST_BYTES = 1_000_000
MAX_FILES = 16

MAX_MESSAGE = 200
"""Letters of a message that a bundle's content can have written itself."""

_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class BundleError(ValueError):
    """A bundle that is not what it says it is, or not for this environment."""


def read_manifest(folder: Path) -> Manifest:
    """Return a bundle's validated manifest.

    Parameters
    ----------
    folder : the bundle's directory

    Raises
    ------
    BundleError : for what is no directory, holds no manifest, or holds one that does not validate
    """
    _check_folder(folder)
    content = _read(folder, MANIFEST, MAX_MANIFEST_BYTES)
    try:
        manifest = parse_manifest(json.loads(content, parse_constant=_constant))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        key = one_line(".".join(str(part) for part in first["loc"]) or "the whole", MAX_MESSAGE)
        raise BundleError(f"bundle {folder.name}: {MANIFEST}: {key}: {one_line(first['msg'], MAX_MESSAGE)}") from error
    except (ValueError, RecursionError) as error:
        raise BundleError(f"bundle {folder.name}: {MANIFEST} is not JSON: {one_line(error, MAX_MESSAGE)}") from error
    if len(manifest.files) > MAX_FILES:
        raise BundleError(f"bundle {folder.name}: {len(manifest.files)} files are listed; at most {MAX_FILES} are read")
    try:
        for name, spec in {**manifest.observation_space, **manifest.memory}.items():
            check_seen(f"the space of {name!r}", spec)
        check_space(f"the space of {manifest.output!r}", manifest.action_space)
    except ValueError as error:
        raise BundleError(f"bundle {folder.name}: {MANIFEST}: {one_line(error, MAX_MESSAGE)}") from error
    return manifest


def read_listed(folder: Path, name: str, digest: str) -> bytes:
    """Return the content of a file that the manifest lists.

    Raises
    ------
    BundleError : when it is missing, no plain file, too large, or has another SHA-256 than listed
    """
    content = _read(folder, name, MAX_BYTES)
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise BundleError(
            f"bundle {folder.name}: {name} was changed: its SHA-256 is {found[:12]}…, not {digest[:12]}… as listed; "
            "get the bundle anew"
        )
    return content


def _check_folder(folder: Path) -> None:
    try:
        if not folder.is_dir():
            raise BundleError(
                f"{folder} is no bundle: it is no directory; give the directory that `beamgym train` wrote. "
                "SB3's .zip and .pth files run code when they are loaded: export them on the machine that trained them"
            )
        found = (folder / MANIFEST).is_symlink() or (folder / MANIFEST).exists()
    except OSError as error:
        raise BundleError(f"bundle {folder} cannot be read: {_reason(error)}") from error
    if not found:
        raise BundleError(
            f"{folder} is no bundle: it holds no {MANIFEST}; give the directory that `beamgym train` wrote"
        )


def _read(folder: Path, name: str, limit: int) -> bytes:
    """Read a plain file; a link, a pipe or a device is not even opened."""
    path = folder / name
    try:
        _check_plain(folder, name, os.lstat(path), limit)
        with open(os.open(path, _FLAGS), "rb") as file:
            _check_plain(folder, name, os.fstat(file.fileno()), limit)
            content = file.read(limit + 1)
    except OSError as error:
        raise BundleError(f"bundle {folder.name}: {name} is missing or cannot be read: {_reason(error)}") from error
    if len(content) > limit:
        raise BundleError(f"bundle {folder.name}: {name} grows while it is read; copy the bundle and read the copy")
    return content


def _check_plain(folder: Path, name: str, found: os.stat_result, limit: int) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise BundleError(f"bundle {folder.name}: {name} is no plain file; get the bundle anew")
    if found.st_size > limit:
        raise BundleError(f"bundle {folder.name}: {name} has {found.st_size} bytes; at most {limit} are read")
    if found.st_size == 0:
        raise BundleError(f"bundle {folder.name}: {name} is empty; get the bundle anew")


def _reason(error: OSError) -> str:
    return one_line(error.strerror or type(error).__name__, MAX_MESSAGE)


def _constant(text: str) -> float:
    if text == "NaN":
        _refuse_nan()
    return float(text)


def _refuse_nan() -> NoReturn:
    raise ValueError("it holds NaN; bounds are numbers or Infinity")
