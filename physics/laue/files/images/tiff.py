"""TIFF images read to the last byte: one that is cut short or damaged is refused, where decoders fill up with zeros.

Read are strips and tiles, both byte orders, BigTIFF, integers of 8 to 64 and floats of 16 to 64 bits, uncompressed or
packed with deflate, LZW or PackBits, with predictors (TIFF 6.0, Adobe 1992, and its Technical Note 3). JPEG inside a
TIFF is left to Pillow.
"""

import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.laue.files.images import unpack_kernels
from beamgym.physics.laue.files.images.pictures import read_picture
from beamgym.physics.laue.files.images.pixels import ImageFileError, Pixels, check_frame, check_size, damaged

UInt8Array = NDArray[np.uint8]

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 254, 256, 257, 258, 259, 262, 266
_STRIPS, _SAMPLES, _ROWS_PER_STRIP, _STRIP_BYTES, _PLANAR, _PREDICTOR, _PALETTE = 273, 277, 278, 279, 284, 317, 320
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES, _FORMAT = 322, 323, 324, 325, 339
_TYPES: Mapping[int, str] = {1: "u1", 3: "u2", 4: "u4", 6: "i1", 8: "i2", 9: "i4", 13: "u4", 16: "u8", 17: "i8"}
_KNOWN = {254, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325, 339}
_SAMPLE_TYPES: Mapping[int, str] = {1: "u", 2: "i", 3: "f", 4: "u"}
_MOST_PAGES = 100_000
_WHITE_IS_ZERO, _PALETTE_COLOUR = 0, 3
_READ_COLOURS = (0, 1, 2, 3)
_JPEG = 7


@dataclass(frozen=True)
class _Layout:
    """Where one page's pixels lie, in strips or tiles of ``height`` × ``width`` pixels."""

    rows: int
    columns: int
    samples: int
    planes: int
    height: int
    width: int
    tiled: bool
    offsets: tuple[int, ...]
    sizes: tuple[int, ...]
    dtype: np.dtype[Any]


def read_tiff(file: Path, frame: int) -> Pixels:
    """Read one page of a TIFF file.

    Raises
    ------
    ImageFileError : damaged, cut short, of a kind that is not read, or without that page
    """
    raw = file.read_bytes()
    try:
        pages = _pages(raw)
        if not pages:
            raise damaged(file, "no picture in it")
        check_frame(file, frame, len(pages))
        return _page(file, raw, pages[frame], frame, len(pages))
    except (struct.error, IndexError, KeyError, OverflowError, ValueError, zlib.error) as error:
        raise error if isinstance(error, ImageFileError) else damaged(file, error) from None


def _page(file: Path, raw: bytes, tags: Mapping[int, tuple[int, ...]], frame: int, frames: int) -> Pixels:
    order = "<" if raw[:2] == b"II" else ">"
    layout = _layout(file, tags, order)
    compression = tags.get(_COMPRESSION, (1,))[0]
    unpack = _UNPACKERS.get(compression)
    photometric = tags.get(_PHOTOMETRIC, (1,))[0]
    if photometric not in _READ_COLOURS and compression != _JPEG:
        raise ImageFileError(f"{file.name} has printer's or television colours; save it as grey levels")
    if compression == _JPEG:
        for number in range(len(layout.offsets)):
            _check_within(file, raw, layout, number, layout.sizes[number])
        return read_picture(file, frame, ("TIFF",))
    if unpack is None:
        raise ImageFileError(
            f"{file.name} is packed by TIFF compression {compression}; save it with LZW, deflate or none"
        )
    predictor = tags.get(_PREDICTOR, (1,))[0] if unpack is not _unpack_none else 1
    values = _assembled(file, raw, layout, unpack, predictor)
    if photometric == _PALETTE_COLOUR:
        return Pixels(_coloured(values, tags, file), frames)
    said = "this TIFF shows 0 as white: its numbers are taken as they are stored"
    return Pixels(values, frames, notes=(said,) if photometric == _WHITE_IS_ZERO else ())


def _pages(raw: bytes) -> list[dict[int, tuple[int, ...]]]:
    """Return the tags of every page that is not a thumbnail of another."""
    order = "<" if raw[:2] == b"II" else ">"
    big = raw[2:4] in (b"+\0", b"\0+")
    (place,) = struct.unpack_from(order + ("Q" if big else "I"), raw, 8 if big else 4)
    pages: list[dict[int, tuple[int, ...]]] = []
    seen = set()
    while place and place not in seen and len(pages) < _MOST_PAGES:
        seen.add(place)
        tags, place = _directory(raw, place, order, big)
        if not tags.get(_SUBFILE, (0,))[0] & 1:
            pages.append(tags)
    return pages


def _directory(raw: bytes, place: int, order: str, big: bool) -> tuple[dict[int, tuple[int, ...]], int]:
    """Return one directory's tags and where the next directory lies, 0 after the last."""
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), raw, place)
    start, size = place + (8 if big else 2), 20 if big else 12
    tags = {}
    for number in range(count):
        tag, kind, length = struct.unpack_from(order + ("HHQ" if big else "HHI"), raw, start + number * size)
        if tag in _KNOWN and kind in _TYPES:
            tags[tag] = _values(raw, start + number * size + (12 if big else 8), _TYPES[kind], length, order, big)
    (following,) = struct.unpack_from(order + ("Q" if big else "I"), raw, start + count * size)
    return tags, following


def _values(raw: bytes, place: int, kind: str, length: int, order: str, big: bool) -> tuple[int, ...]:
    dtype = np.dtype(order + kind)
    if length * dtype.itemsize > (8 if big else 4):
        (place,) = struct.unpack_from(order + ("Q" if big else "I"), raw, place)
    if length < 1 or place + length * dtype.itemsize > len(raw):
        raise ValueError("a directory points beyond the file's end")
    return tuple(int(value) for value in np.frombuffer(raw, dtype, length, place))


def _layout(file: Path, tags: Mapping[int, tuple[int, ...]], order: str) -> _Layout:
    rows, columns = tags[_HEIGHT][0], tags[_WIDTH][0]
    samples = tags.get(_SAMPLES, (1,))[0]
    check_size(file, rows, columns, samples)
    apart = tags.get(_PLANAR, (1,))[0] == 2 and samples > 1
    tiled = _TILES in tags
    height = tags[_TILE_HEIGHT][0] if tiled else min(tags.get(_ROWS_PER_STRIP, (rows,))[0], rows)
    width = tags[_TILE_WIDTH][0] if tiled else columns
    check_size(file, height, width, samples)
    dtype = _sample_type(file, tags, order)
    inner = 1 if apart else samples
    offsets = tags[_TILES if tiled else _STRIPS]
    whole = height * width * inner * dtype.itemsize
    sizes = tags.get(_TILE_BYTES if tiled else _STRIP_BYTES, (whole,) * len(offsets))
    layout = _Layout(
        rows, columns, inner, samples if apart else 1, height, width, tiled, offsets, sizes, dtype
    )  # fmt: skip
    needed = layout.planes * -(-rows // height) * -(-columns // width)
    if len(offsets) < needed or len(sizes) < needed:
        raise ValueError(f"{min(len(offsets), len(sizes))} of {needed} pieces are listed")
    return layout


def _sample_type(file: Path, tags: Mapping[int, tuple[int, ...]], order: str) -> np.dtype[Any]:
    bits, kinds = set(tags.get(_BITS, (1,))), set(tags.get(_FORMAT, (1,)))
    if bits == {1}:
        raise ImageFileError(f"{file.name} is black and white, one bit a pixel: scan or save it in grey levels")
    kind = _SAMPLE_TYPES.get(min(kinds), "?")
    size = min(bits) // 8
    if len(bits) > 1 or len(kinds) > 1 or min(bits) % 8 or size not in (1, 2, 4, 8) or (kind, size) == ("f", 1):
        raise ImageFileError(
            f"{file.name} has {'/'.join(map(str, sorted(bits)))} bits a sample of format "
            f"{'/'.join(map(str, sorted(kinds)))}; save it with 8, 16 or 32 bits"
        )
    if kind == "?":
        raise ImageFileError(f"{file.name} holds complex numbers or samples of unknown format; save its magnitude")
    if tags.get(_FILL_ORDER, (1,))[0] != 1:
        raise ImageFileError(f"{file.name} stores its bits in reverse (FillOrder 2); save it anew")
    return np.dtype(order + kind + str(size))


def _assembled(
    file: Path, raw: bytes, layout: _Layout, unpack: Callable[[bytes, int], UInt8Array], predictor: int
) -> NDArray[Any]:
    """Return (rows, columns) or (rows, columns, channels)."""
    image = np.empty((layout.rows, layout.columns, layout.samples * layout.planes), layout.dtype)
    across = -(-layout.columns // layout.width)
    down = -(-layout.rows // layout.height)
    for number in range(layout.planes * down * across):
        plane, piece = divmod(number, down * across)
        row, column = (piece // across) * layout.height, (piece % across) * layout.width
        height = layout.height if layout.tiled else min(layout.height, layout.rows - row)
        shape = (height, layout.width, layout.samples)
        values = _piece(file, raw, layout, number, shape, unpack)
        values = _undo_predictor(values, shape, layout.dtype, predictor)
        target = image[row : row + height, column : column + layout.width]
        channels = slice(None) if layout.planes == 1 else slice(plane, plane + 1)
        target[:, :, channels] = values[: target.shape[0], : target.shape[1]]
    return image[:, :, 0] if image.shape[2] == 1 else image


def _piece(
    file: Path,
    raw: bytes,
    layout: _Layout,
    number: int,
    shape: tuple[int, int, int],
    unpack: Callable[[bytes, int], UInt8Array],
) -> UInt8Array:
    """Return one strip's or tile's bytes, all of them."""
    expected = int(np.prod(shape)) * layout.dtype.itemsize
    whole = layout.height * layout.width * layout.samples * layout.dtype.itemsize
    # some cameras write a wrong length of what is not packed
    size = expected if unpack is _unpack_none else layout.sizes[number]
    start = _check_within(file, raw, layout, number, size)
    unpacked = unpack(raw[start : start + size], whole)
    # the last strip may be packed at its full height
    if unpacked.size not in (expected, whole):
        raise damaged(file, f"piece {number + 1} of {len(layout.offsets)} holds {unpacked.size} of {expected} bytes")
    return unpacked[:expected]


def _check_within(file: Path, raw: bytes, layout: _Layout, number: int, size: int) -> int:
    """Return where a strip or tile of this size begins; raise where it does not lie within the file."""
    start = layout.offsets[number]
    if start == 0 or size == 0 or start + size > len(raw):
        raise damaged(file, f"piece {number + 1} of {len(layout.offsets)} lies beyond the file's end")
    return start


def _undo_predictor(
    values: UInt8Array, shape: tuple[int, int, int], dtype: np.dtype[Any], predictor: int
) -> NDArray[Any]:
    if predictor == 1:
        stored: NDArray[Any] = values.view(dtype).reshape(shape)
        return stored
    if predictor == 2 and dtype.kind in "ui":
        steps = values.view(dtype).reshape(shape).astype(dtype.newbyteorder("="))
        sums: NDArray[Any] = np.cumsum(steps, axis=1, dtype=steps.dtype)
        return sums
    if predictor == 3 and dtype.kind == "f":
        height, width, samples = shape
        steps = values.reshape(height, width * dtype.itemsize, samples)
        planes = np.cumsum(steps, axis=1, dtype=np.uint8).reshape(height, dtype.itemsize, width * samples)
        floats: NDArray[Any] = np.ascontiguousarray(planes.transpose(0, 2, 1)).view(dtype.newbyteorder(">"))
        image: NDArray[Any] = floats.reshape(shape)
        return image
    raise ValueError(f"predictor {predictor} of {dtype}")


def _coloured(values: NDArray[Any], tags: Mapping[int, tuple[int, ...]], file: Path) -> NDArray[Any]:
    """Return (rows, columns, 3) of 8 bits where the stored numbers stand for the colours of a table."""
    table = np.array(tags[_PALETTE], dtype=np.uint32).reshape(3, -1)
    if values.ndim != 2 or values.dtype.kind != "u" or int(values.max()) >= table.shape[1]:
        raise damaged(file, "a number without a colour")
    # colours have 16 bits here; some programs write 8
    colours: NDArray[Any] = (table >> (8 if table.max() > 255 else 0)).astype(np.uint8).T[values]
    return colours


def _unpack_none(packed: bytes, whole: int) -> UInt8Array:
    return np.frombuffer(packed, np.uint8)


def _unpack_deflate(packed: bytes, whole: int) -> UInt8Array:
    stream = zlib.decompressobj()
    data = stream.decompress(packed, whole + 1)
    # the checksum stands behind the data: without it nobody knows whether these bytes are right
    if not stream.eof:
        raise ValueError("its deflated data do not end")
    return np.frombuffer(data, np.uint8)


def _unpack_lzw(packed: bytes, whole: int) -> UInt8Array:
    out = np.zeros(whole, np.uint8)
    written = unpack_kernels.unpack_lzw(np.frombuffer(packed, np.uint8), out)
    if written < 0:
        raise ValueError("its LZW codes make no sense")
    return out[:written]


def _unpack_runs(packed: bytes, whole: int) -> UInt8Array:
    out = np.zeros(whole, np.uint8)
    return out[: unpack_kernels.unpack_runs(np.frombuffer(packed, np.uint8), out)]


_UNPACKERS: Mapping[int, Callable[[bytes, int], UInt8Array]] = {
    1: _unpack_none,
    5: _unpack_lzw,
    8: _unpack_deflate,
    32773: _unpack_runs,
    32946: _unpack_deflate,
}
