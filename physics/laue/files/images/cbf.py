"""CBF images with byte offsets, as Dectris' detectors write them (imgCIF 1.5), by their header and their checksum."""

import base64
import hashlib
import re
from pathlib import Path

import numpy as np

from beamgym.physics.laue.files.images import unpack_kernels
from beamgym.physics.laue.files.images.pixels import ImageFileError, Pixels, check_frame, check_size, damaged

SIGNATURE = b"###CBF"
_SECTION = b"--CIF-BINARY-FORMAT-SECTION--"
_START = b"\x0c\x1a\x04\xd5"
_TYPES = {
    f"{sign} {bits}-bit integer": f"{letter}{bits // 8}"
    for sign, letter in (("signed", "i"), ("unsigned", "u"))
    for bits in (8, 16, 32, 64)
}


def read_cbf(file: Path, frame: int) -> Pixels:
    """Read the image of a CBF file.

    Raises
    ------
    ImageFileError : damaged, cut short, or packed in another way than by byte offsets
    """
    check_frame(file, frame, 1)
    raw = file.read_bytes()
    section = raw.find(_SECTION)
    start = raw.find(_START, max(section, 0))
    if section < 0 or start < 0:
        raise damaged(file, "it holds no binary section")
    header = raw[section:start].decode("latin-1")
    body = raw[start + len(_START) :]
    columns, rows = (_number(file, header, f"X-Binary-Size-{name}-Dimension") for name in ("Fastest", "Second"))
    check_size(file, rows, columns)
    if "x-CBF_BYTE_OFFSET" not in header:
        raise ImageFileError(f"{file.name} is packed in a way that is not read; convert it to byte offsets")
    kind = _TYPES.get(_entry(header, "X-Binary-Element-Type") or "signed 32-bit integer")
    if kind is None:
        raise damaged(file, "its type of numbers is not known")
    body = _whole(file, header, body)
    counts = np.zeros(rows * columns, dtype=np.int64)
    written = unpack_kernels.unpack_byte_offsets(np.frombuffer(body, np.uint8), counts)
    if written < counts.size:
        raise damaged(file, f"it holds {written} of {counts.size} pixels")
    return Pixels(counts.astype(kind).reshape(rows, columns))


def _whole(file: Path, header: str, body: bytes) -> bytes:
    """Return the binary section, which must be as long as stated and fit its checksum."""
    size = _number(file, header, "X-Binary-Size")
    if len(body) < size:
        raise damaged(file, f"{len(body)} of {size} bytes")
    stated = _entry(header, "Content-MD5")
    digest = hashlib.md5(body[:size], usedforsecurity=False).digest()
    if stated is not None and base64.b64encode(digest).decode() != stated:
        raise damaged(file, "its checksum does not fit")
    return body[:size]


def _entry(header: str, key: str) -> str | None:
    found = re.search(rf"^{key}\s*[:=]\s*(.*?)\s*$", header, re.MULTILINE)
    return found[1].strip('"') if found else None


def _number(file: Path, header: str, key: str) -> int:
    value = _entry(header, key) or ""
    if not re.fullmatch(r"[0-9]{1,12}", value):
        raise damaged(file, f"its header states no {key}")
    return int(value)
