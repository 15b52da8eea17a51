"""Pictures by Pillow (PNG, JPEG, GIF, WebP, JPEG 2000, BMP), PNM pictures, and arrays of numpy."""

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from beamgym.physics.laue.files.images.pixels import ImageFileError, Pixels, check_frame, check_size, damaged

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "JPEG2000", "BMP")
SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  ")
PNM_SIGNATURES = (b"P2", b"P3", b"P5", b"P6")
NUMPY_SIGNATURE = b"\x93NUMPY"
_GREY_MODES = ("L", "I", "F", "I;16", "I;16B", "I;16L", "I;16N")
_ORIENTATION = 0x0112
_PNM_HEADER = re.compile(rb"(P[2356])((?:\s+#[^\n]*\n\s*|\s+)\d+){3}\s")


def is_picture(head: bytes) -> bool:
    """Tell from a file's first 16 bytes whether it is one of these pictures."""
    return head.startswith(SIGNATURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def read_picture(file: Path, frame: int, formats: Sequence[str] = _FORMATS) -> Pixels:
    """Read one picture; colours come back as channels.

    Parameters
    ----------
    file : the picture
    frame : which of several, from 0
    formats : Pillow's names of those that are tried

    Raises
    ------
    ImageFileError : damaged, cut short, black and white, or without that frame
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's warning of large pictures; the size is checked here
            with Image.open(file, formats=tuple(formats)) as handle:
                check_size(file, handle.height, handle.width)
                frames = int(getattr(handle, "n_frames", 1))
                check_frame(file, frame, frames)
                handle.seek(frame)
                return _pixels(file, handle, frames)
    except ImageFileError:
        raise
    except UnidentifiedImageError:
        raise damaged(file, "its header is not understood") from None
    except Exception as error:  # Pillow's readers raise SyntaxError, struct.error and more on damaged files
        raise damaged(file, error) from None


def _pixels(file: Path, handle: Image.Image, frames: int) -> Pixels:
    handle.load()
    if handle.mode == "1":
        raise ImageFileError(f"{file.name} is black and white, one bit a pixel: scan or save it in grey levels")
    notes = []
    if handle.getexif().get(_ORIENTATION, 1) != 1:
        notes.append("the camera noted that it was turned (EXIF): the picture is read as it is stored, not turned")
    if handle.format == "PNG" and handle.mode not in _GREY_MODES and _png_bits(file) == 16:
        notes.append("a 16-bit colour PNG is read with 8 bits; save it as 16-bit grey")
    if handle.mode in _GREY_MODES:
        return Pixels(np.array(handle), frames, notes=tuple(notes))
    transparent = handle.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in handle.info
    values = np.array(handle.convert("RGBA" if transparent else "RGB"))
    ignored = values[:, :, 3] == 0 if transparent else None
    return Pixels(values[:, :, :3], frames, ignored, tuple(notes))


def _png_bits(file: Path) -> int:
    with file.open("rb") as handle:
        return handle.read(25)[24]


def read_pnm(file: Path, frame: int) -> Pixels:
    """Read a PGM or PPM picture as it is stored; Pillow would stretch its counts to the full range.

    Raises
    ------
    ImageFileError : damaged or cut short
    """
    raw = file.read_bytes()
    header = _PNM_HEADER.match(raw)
    if header is None:
        raise damaged(file, "its header is not understood")
    columns, rows, top = (int(word) for word in re.sub(rb"#[^\n]*", b"", header[0][2:]).split())
    channels = 3 if header[1] in (b"P3", b"P6") else 1
    check_frame(file, frame, 1)
    check_size(file, rows, columns, channels)
    if not 0 < top < 2**16:
        raise damaged(file, f"its highest count is {top}")
    body, count = raw[header.end() :], rows * columns * channels
    if header[1] in (b"P2", b"P3"):
        words = body.split()[:count]
        if len(words) < count or not all(word.isdigit() and int(word) <= top for word in words):
            raise damaged(file, "its numbers end early")
        values = np.array(words, dtype=np.int64).astype(np.uint16)
    else:
        kind = np.dtype(np.uint8 if top < 256 else ">u2")
        size = count * kind.itemsize
        # some programs write two line ends behind the header
        start = 1 if len(body) == size + 1 and body[:1].isspace() else 0
        if len(body) - start < size:
            raise damaged(file, f"{len(body) - start} of {size} bytes")
        values = np.frombuffer(body, kind, count, start)
    return Pixels(values.reshape((rows, columns) if channels == 1 else (rows, columns, 3)))


def read_numpy(file: Path, frame: int) -> Pixels:
    """Read one image of a .npy file: (slow, fast), or (frames, slow, fast).

    Raises
    ------
    ImageFileError : damaged, no array of real numbers, or without that frame
    """
    try:
        array: NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # numpy parses the header as Python text
        raise damaged(file, error) from None
    if array.ndim not in (2, 3) or array.dtype.kind not in "uif":
        raise ImageFileError(f"{file.name} holds {array.dtype} of shape {array.shape}, not an image or a stack")
    colours = array.ndim == 3 and array.shape[2] in (3, 4) and array.dtype == np.uint8
    frames = array.shape[0] if array.ndim == 3 and not colours else 1
    check_frame(file, frame, frames)
    chosen = array if array.ndim == 2 or colours else array[frame]
    check_size(file, chosen.shape[0], chosen.shape[1])
    return Pixels(np.array(chosen), frames)
