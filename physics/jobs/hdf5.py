"""HDF5 files made in memory, so that their bytes can be sent, summed and written in one go."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import h5py


def hdf5_bytes(fill: "Callable[[h5py.File], object]") -> bytes:
    """Return the bytes of an HDF5 file that ``fill`` has filled; those that the same file has on a disk."""
    import h5py  # here, so that the help of a verb does not wait for it

    with h5py.File("in memory", "w", driver="core", backing_store=False) as file:
        fill(file)
        file.flush()
        content: bytes = file.id.get_file_image()
    return content
