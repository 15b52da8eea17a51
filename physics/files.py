"""The one way of this project to write a file or a folder: whole, or not at all."""

import json
import math
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

_STEM = 40
"""Letters of a name that its draft repeats: a name may have 255 bytes, and a draft's is longer."""


@contextmanager
def replacing(path: str | os.PathLike[str], *, durable: bool = False) -> Iterator[Path]:
    """Yield a draft beside a file, and put it in the file's place once the block has ended well.

    Whatever ends the block otherwise, Ctrl-C included, leaves the old file as it was and removes the draft.

    Parameters
    ----------
    path : the file; one that is there lends the new one its permissions. A symbolic link stays one: the file that it
        names is replaced. A device or a pipe is no file to replace, and is itself what is yielded
    durable : return after the content and the name are on the disk, so that a power failure does not take them back

    Yields
    ------
    an empty, hidden file of the same ending in the same folder, for any writer that wants a path

    Raises
    ------
    OSError : when the folder is missing or may not be written, or the disk is full; it names the file, not the draft
    """
    if _is_device(Path(path)):
        yield Path(path)
        return
    target = Path(os.path.realpath(path))
    draft = target.with_name(f".{target.stem[:_STEM]}.{token_hex(4)}{target.suffix}")
    with _naming(path, draft):
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        try:
            yield draft
            _put(draft, target, durable)
        except BaseException:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise


def write_text(path: str | os.PathLike[str], text: str, *, durable: bool = False) -> None:
    """Write a text as UTF-8, whole or not at all; parameters and errors are those of ``replacing``."""
    with replacing(path, durable=durable) as draft:
        draft.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Write plain content as JSON, whole or not at all; numbers that are not finite become null.

    Raises
    ------
    TypeError : something in it that JSON has no word for
    OSError : as for ``replacing``
    """
    write_text(path, json.dumps(_finite(content), indent=2, allow_nan=False, ensure_ascii=False) + "\n")


@contextmanager
def replacing_folder(path: str | os.PathLike[str], overwrite: bool = False) -> Iterator[Path]:
    """Yield an empty folder of the same name, and put it in the place of ``path`` once the block has ended well.

    Parameters
    ----------
    path : the folder; folders above it that are missing are made. A symbolic link stays one, as for ``replacing``
    overwrite : replace what is there

    Raises
    ------
    ValueError : something is there and ``overwrite`` is False
    OSError : when the folders above may not be written, or the disk is full

    Notes
    -----
    Not every system can swap two folders in one step. The old one is therefore moved aside, and moved back where the
    new one cannot take its place. A program killed between the two moves leaves both in a hidden folder
    beside ``path``.
    """
    if os.path.lexists(path) and not overwrite:
        raise ValueError(f"{path} exists; choose another name or overwrite it")
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    hidden = Path(tempfile.mkdtemp(prefix=f".{target.name[:_STEM]}-", dir=target.parent))
    draft, aside = hidden / Path(path).name, hidden / "replaced"
    try:
        draft.mkdir()
        yield draft
        _swap(draft, target, aside)
    finally:
        if target.exists() or not aside.exists():
            shutil.rmtree(hidden)


def sync(path: Path) -> None:
    """Bring a file's content, or the names in a folder, to the disk; raises OSError where the disk refuses."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _finite(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _is_device(path: Path) -> bool:
    return path.exists() and not (path.is_file() or path.is_dir())


def _put(draft: Path, target: Path, durable: bool) -> None:
    if target.is_file():
        draft.chmod(stat.S_IMODE(target.stat().st_mode))
    if durable:
        sync(draft)  # before the name: a name must never stand for content that is not there
    os.replace(draft, target)
    if durable:
        sync(target.parent)


def _swap(new: Path, target: Path, aside: Path) -> None:
    try:
        if target.exists():
            os.replace(target, aside)
        os.replace(new, target)
    except BaseException:
        if aside.exists() and not target.exists():
            os.replace(aside, target)
        raise


@contextmanager
def _naming(path: str | os.PathLike[str], draft: Path) -> Iterator[None]:
    """Let an error of the system's name the file that was asked for instead of its draft."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(draft)):
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
