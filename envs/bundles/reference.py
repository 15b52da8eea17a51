"""Reads reference.npz without numpy's own loader: nothing is unpickled, nothing unpacked before its size is known.

A few kilobytes of a zip can unpack to terabytes, and an array's header may claim any shape. Here each array's header
must say what the manifest says before its numbers are read.
"""

import io
import math
import zipfile
import zlib
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from beamgym.envs.bundles.files import MAX_MESSAGE, BundleError
from beamgym.envs.bundles.manifest import MAX_REFERENCE, REFERENCE, Manifest
from beamgym.envs.bundles.spaces import SpaceSpec
from beamgym.physics.messages import one_line

_HEADER_BYTES = 10_000  # longer headers are refused by numpy too
_MAX_BYTES = 500_000_000  # of one array, unpacked


Numbers = dict[str, NDArray[Any]]


def read_reference(content: bytes, manifest: Manifest, name: str) -> tuple[Numbers, Numbers]:
    """Return what the reference gives to the graph, and what it is to answer.

    Parameters
    ----------
    content : of reference.npz
    manifest : says which arrays there are, and their shapes
    name : the bundle's, for messages

    Returns
    -------
    (n, ...) inputs by name (observations, and ``state/NAME`` of a memory) and outputs by name (the action first, and
    ``next/NAME``), n from 200 (of a denoiser 1) to 4096

    Raises
    ------
    BundleError : for arrays of Python objects, of other shapes or dtypes than the manifest's, missing, cut or too many
    """
    wanted = {f"observation/{key}": spec for key, spec in manifest.observation_space.items()}
    wanted |= {f"state/{key}": spec for key, spec in manifest.memory.items()}
    answers = {"action": manifest.action_space, **{f"next/{key}": spec for key, spec in manifest.memory.items()}}
    least = manifest.least_reference
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            arrays = {key: _array(archive, key, spec, least) for key, spec in wanted.items()}
            expected = {key: _array(archive, key, spec, least) for key, spec in answers.items()}
    except (KeyError, ValueError, OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise BundleError(f"bundle {name}: {REFERENCE} cannot be read: {one_line(error, MAX_MESSAGE)}") from error
    counts = {len(values) for values in (*arrays.values(), *expected.values())}
    if len(counts) > 1:
        raise BundleError(f"bundle {name}: {REFERENCE} has {sorted(counts)} rows; every array must have as many")
    return {key.removeprefix("observation/"): values for key, values in arrays.items()}, expected


def _array(archive: zipfile.ZipFile, key: str, spec: SpaceSpec, least: int) -> NDArray[Any]:
    entry = archive.getinfo(f"{key}.npy")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{key!r} is packed by method {entry.compress_type}; numpy.savez_compressed packs it well")
    with archive.open(entry) as file:
        shape, fortran_order, dtype = _header(file)
        if dtype.hasobject or dtype != np.dtype(spec.dtype):
            raise ValueError(f"{key!r} holds {dtype}, not {spec.dtype}")
        if shape[1:] != spec.shape:
            raise ValueError(f"{key!r} has rows of shape {shape[1:]}, not {spec.shape}")
        if not shape or not least <= shape[0] <= MAX_REFERENCE:
            raise ValueError(f"{key!r} has the shape {shape}; {least} to {MAX_REFERENCE} rows are needed")
        size = math.prod(shape) * dtype.itemsize
        if size > _MAX_BYTES or entry.file_size > size + _HEADER_BYTES:
            raise ValueError(f"{key!r} unpacks to {entry.file_size} bytes; at most {min(size, _MAX_BYTES)} are read")
        numbers = file.read(size)
    if len(numbers) != size:
        raise ValueError(f"{key!r} ends after {len(numbers)} of {size} bytes")
    return np.frombuffer(numbers, dtype=dtype).reshape(shape, order="F" if fortran_order else "C")


def _header(file: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(file)
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(f"an array has the format version {version}; numpy.savez writes 1.0")
    shape, fortran_order, dtype = read(file, max_header_size=_HEADER_BYTES)
    return shape, fortran_order, dtype
