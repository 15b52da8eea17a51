"""Images out of HDF5 files: what the file itself points to, never what is largest.

The order is NeXus' own: ``default`` attributes down to a group, its ``signal``; without them the one NXdata with a
signal; Eiger's data_000001, data_000002 …; and last the only dataset that can be an image and is no calibration.
Where that leaves several, they are named and one has to be chosen.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arrays import BoolArray
from beamgym.physics.laue.files.images.pixels import ImageFileError, Pixels, check_frame, check_size
from beamgym.physics.laue.files.parsing import look_through
from beamgym.physics.messages import one_line

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_NUMBERED = re.compile(r"data_\d+")
_CALIBRATION = re.compile(
    r"flat|dark|mask|gain|pedestal|background|bkg|trim|efficien|countrate|error|sigma|variance|std|weight|thumbnail"
    r"|offset|pixel_?(x|y|z|id)|_set$|roi|histogram|threshold|calib|white|blank|correction|twotheta|table",
    re.IGNORECASE,
)
_LEAST_EDGE = 8
"""Pixels along the shorter edge of an image; tables of a few columns are none."""
_LONGEST_PATH = 8
_NAMED = 5
_VIRTUAL_PIXEL = 1 << 30
"""Bit of NeXus' pixel_mask that marks a pixel with interpolated counts: its place is good."""


def read_hdf5(file: Path, frame: int, dataset: str | None) -> Pixels:
    """Read one image.

    Parameters
    ----------
    file : an HDF5 file
    frame : which image, from 0; Eiger's files of many are counted on from one to the next
    dataset : path of the data; by default what the file points to

    Raises
    ------
    ImageFileError : damaged, without an image, without that frame, or with several images and no word of which
    """
    try:
        look_through(file)
    except ValueError as error:
        raise ImageFileError(str(error)) from None
    try:
        with h5py.File(file, "r") as handle:
            stacks, notes = _chosen(file, handle, dataset)
            frames = [_frames(file, stack) for stack in stacks]
            check_frame(file, frame, sum(frames))
            image = _frame(file, stacks, frames, frame)
            ignored, said = _pixel_mask(handle, stacks[0], image.shape[:2])
            return Pixels(image, sum(frames), ignored, (*notes, *said))
    except ImageFileError:
        raise
    except MemoryError:
        raise ImageFileError(f"{file.name} says it holds more than the memory does") from None
    except Exception as error:  # h5py raises OSError, KeyError, RuntimeError, TypeError and more on damaged files
        missing = "filter" in str(error) and "plugin" in str(error)
        remedy = "; its compression needs the package hdf5plugin" if missing else ""
        raise ImageFileError(
            f"{file.name} is damaged, cut short or no HDF5 file ({one_line(error, 100)}){remedy}"
        ) from None


def _chosen(file: Path, handle: h5py.File, dataset: str | None) -> tuple[list[h5py.Dataset], list[str]]:
    """Return the datasets whose frames follow one another, and what is to be said about the choice."""
    if dataset is not None:
        return _named(file, handle, dataset), []
    pointed = _pointed_to(file, handle)
    if pointed:
        return pointed, []
    return _only_one(file, handle)


def _named(file: Path, handle: h5py.File, dataset: str) -> list[h5py.Dataset]:
    """Return the dataset that a user names, or the signal of the group."""
    item = _get(file, handle, dataset)
    if isinstance(item, h5py.Dataset):
        return [item]
    found = _in_group(file, item) if isinstance(item, h5py.Group) else []
    if not found:
        raise ImageFileError(f"{file.name} holds no dataset {dataset!r} that is an image; name another with --dataset")
    return found


def _get(file: Path, group: h5py.Group, name: str) -> Any:
    """Return an object by its name, None where there is none; a link to another file that is away is told."""
    link = group.get(name, getlink=True)
    item = group.get(name)
    if item is None and isinstance(link, h5py.ExternalLink):
        raise ImageFileError(
            f"{file.name} keeps its images in {link.filename!r}, which cannot be read here: copy it beside the file"
        )
    return item


def _pointed_to(file: Path, handle: h5py.File) -> list[h5py.Dataset]:
    """Follow ``default`` and ``signal``, or the one NXdata that has a signal."""
    group: h5py.Group = handle
    for _ in range(_LONGEST_PATH):
        name = _text(group.attrs.get("default"))
        target = _get(file, group, name) if name else None
        if isinstance(target, h5py.Dataset):
            return [target] if _may_be_image(target) else []
        if not isinstance(target, h5py.Group) or target == group:
            break
        group = target
    found = _in_group(file, group)
    if found:
        return found
    signals = [found for data in _groups(group, "NXdata") if (found := _in_group(file, data))]
    different = _different([stacks[0] for stacks in signals])
    if len(different) > 1:
        _say_which(file, different)
    return signals[0] if signals else []


def _in_group(file: Path, group: h5py.Group) -> list[h5py.Dataset]:
    """Return a group's signal: its attribute, the old mark on a dataset, or data_000001 and what follows it."""
    name = _text(group.attrs.get("signal"))
    item = _get(file, group, name) if name else None
    if isinstance(item, h5py.Dataset) and _may_be_image(item):
        return [item]
    names = [str(key) for key in group]
    marked = [
        child
        for key in names
        if isinstance(child := _safely(group, key), h5py.Dataset)
        and _text(child.attrs.get("signal")) == "1"
        and _may_be_image(child)
    ]
    if marked:
        return marked[:1]
    numbered = sorted((key for key in names if _NUMBERED.fullmatch(key)), key=lambda key: int(key[5:]))
    stacks = [_get(file, group, key) for key in numbered]
    return [stack for stack in stacks if isinstance(stack, h5py.Dataset) and _may_be_image(stack)]


def _only_one(file: Path, handle: h5py.File) -> tuple[list[h5py.Dataset], list[str]]:
    for group in (handle, *_groups(handle)):
        numbered = _in_group(file, group) if any(_NUMBERED.fullmatch(str(key)) for key in group) else []
        if numbered:
            return numbered, []
    every = _different(list(_images(handle)))
    images = [item for item in every if not _CALIBRATION.search(str(item.name))]
    if len(images) > 1:
        _say_which(file, images)
    if not images:
        raise ImageFileError(
            f"{file.name} holds no image, that is no dataset of two or three dimensions"
            + (f" but {', '.join(str(item.name) for item in every[:_NAMED])}" if every else "")
            + "; name one with --dataset"
        )
    left = f"; {len(every) - 1} more called flat field, mask or the like are left alone" if len(every) > 1 else ""
    return images, [f"{images[0].name} is read, as the file points to none{left}"] if left else []


def _say_which(file: Path, images: Sequence[h5py.Dataset]) -> None:
    names = ", ".join(str(item.name) for item in images[:_NAMED]) + (" …" if len(images) > _NAMED else "")
    raise ImageFileError(f"{file.name} holds {len(images)} images and points to none: name one with --dataset: {names}")


def _groups(handle: h5py.Group, kind: str | None = None) -> list[h5py.Group]:
    """Return every group, or those of one NX_class; links to other files are not followed."""
    found = []

    def visit(_: str, item: object) -> None:
        if isinstance(item, h5py.Group) and (kind is None or _text(item.attrs.get("NX_class")) == kind):
            found.append(item)

    handle.visititems(visit)
    return found


def _images(handle: h5py.Group) -> Iterator[h5py.Dataset]:
    """Every dataset that can be an image, behind links as well."""
    for group in (handle, *_groups(handle)):
        for key in group:
            item = _safely(group, str(key))
            if isinstance(item, h5py.Dataset) and _may_be_image(item):
                yield item


def _safely(group: h5py.Group, key: str) -> Any:
    try:
        return group.get(key)
    except (OSError, RuntimeError, KeyError):
        return None


def _different(items: Sequence[h5py.Dataset]) -> list[h5py.Dataset]:
    """Leave out datasets that are links to one another."""
    kept: list[h5py.Dataset] = []
    for item in items:
        if all(item != other for other in kept):
            kept.append(item)
    return kept


def _may_be_image(item: h5py.Dataset) -> bool:
    if item.dtype.kind not in "uif" or item.shape is None or item.ndim < 2:
        return False
    return min(item.shape[-2:]) >= _LEAST_EDGE or _coloured(item)


def _frames(file: Path, stack: h5py.Dataset) -> int:
    if stack.dtype.kind not in "uif" or stack.ndim < 2:
        raise ImageFileError(
            f"{file.name}: {stack.name} is {stack.dtype} of shape {stack.shape}, not an image or a stack"
        )
    check_size(file, *_edges(stack))
    return int(np.prod(stack.shape[:-3] if _coloured(stack) else stack.shape[:-2], dtype=np.int64))


def _edges(stack: h5py.Dataset) -> tuple[int, int]:
    rows, columns = stack.shape[-3:-1] if _coloured(stack) else stack.shape[-2:]
    return int(rows), int(columns)


def _coloured(stack: h5py.Dataset) -> bool:
    """Whether the last dimension holds the colours of a picture."""
    return stack.ndim >= 3 and stack.shape[-1] in (3, 4) and min(stack.shape[-3:-1]) >= _LEAST_EDGE


def _frame(file: Path, stacks: Sequence[h5py.Dataset], frames: Sequence[int], frame: int) -> NDArray[Any]:
    for stack, count in zip(stacks, frames, strict=True):
        if frame < count:
            leading = stack.shape[:-3] if _coloured(stack) else stack.shape[:-2]
            place = tuple(int(i) for i in np.unravel_index(frame, leading)) if leading else ()
            _check_written(file, stack, place)
            return np.asarray(stack[place] if place else stack[()])
        frame -= count
    raise AssertionError("the frame was checked")


def _check_written(file: Path, stack: h5py.Dataset, place: tuple[int, ...]) -> None:
    """Refuse what HDF5 would fill up with zeros: parts never written, and virtual data whose source is away."""
    if stack.is_virtual:
        for source in stack.virtual_sources():
            if source.file_name != "." and "%" not in source.file_name and not _beside(file, source.file_name):
                raise ImageFileError(
                    f"{file.name} keeps its images in {source.file_name!r}, which is not here: copy it beside the file"
                )
        return
    if stack.chunks is None:
        if stack.external is None and stack.size and not stack.id.get_storage_size():
            raise _unwritten(file, stack)
        return
    if stack.id.get_num_chunks() == int(np.prod([-(-e // c) for e, c in zip(stack.shape, stack.chunks, strict=True)])):
        return
    ranges = [range(start - start % chunk, start + 1, chunk) for start, chunk in zip(place, stack.chunks, strict=False)]
    rest = slice(len(place), None)
    ranges += [range(0, edge, chunk) for edge, chunk in zip(stack.shape[rest], stack.chunks[rest], strict=True)]
    for corner in itertools.product(*ranges):
        if stack.id.get_chunk_info_by_coord(corner).byte_offset is None:
            raise _unwritten(file, stack)


def _unwritten(file: Path, stack: h5py.Dataset) -> ImageFileError:
    return ImageFileError(
        f"{file.name} is cut short: {stack.name} was not written to its end; wait for the camera or copy it again"
    )


def _beside(file: Path, name: str) -> bool:
    return (file.parent / name).is_file() or Path(name).is_file()


def _pixel_mask(
    handle: h5py.File, stack: h5py.Dataset, shape: tuple[int, ...]
) -> tuple[BoolArray | None, tuple[str, ...]]:
    """Return the pixels that the file's NXdetector pixel_mask marks, any bit but that of virtual pixels."""
    masks = [
        item
        for group in _groups(handle)
        for key in group
        if str(key).lower() in ("pixel_mask", "pixel_mask_applied_mask")
        and isinstance(item := _safely(group, str(key)), h5py.Dataset)
        and item.dtype.kind in "uib"
        and item != stack
    ]
    fitting = [mask for mask in _different(masks) if mask.shape[-2:] == shape and mask.size == np.prod(shape)]
    if not fitting:
        return None, (f"{masks[0].name} has another shape than the image and is not used",) if masks else ()
    bits = np.zeros(shape, dtype=np.int64)
    for mask in fitting:
        bits |= mask[()].reshape(shape).astype(np.int64)
    ignored: BoolArray = (bits & ~_VIRTUAL_PIXEL) != 0
    if ignored.mean() > 0.5:
        return None, (f"{fitting[0].name} marks more than half of the pixels and is not used; --mask gives another",)
    return ignored, ()


def _text(value: object) -> str | None:
    """Return an attribute's text, however it is stored: str, bytes, or an array of one of them or of a number."""
    if value is None or isinstance(value, h5py.Empty):
        return None
    if isinstance(value, np.ndarray):
        if value.size != 1:
            return None
        value = value.reshape(-1)[0]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").rstrip("\0 ")
    return str(value).strip()
