"""Where an episode's images lie: beside the documents as HDF5, or inline in every event."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import h5py
import numpy as np
from numpy.typing import NDArray

from beamgym.hardware_bridge.records.own_file import refuse_link

DATASET = "/entry/data/image"

_KEY = "frame_image"


class FrameStore:
    """A bluesky Readable that writes stream assets: image i of the file belongs to event i of the run.

    The file is opened for each image and closed again, so that it stays whole whatever happens to the program.

    Parameters
    ----------
    path : HDF5 file, made with the first image; None puts the images into the events themselves
    """

    name = "frame"
    parent = None

    def __init__(self, path: Path | None) -> None:
        self.path = None if path is None else path.absolute()
        self.count = 0
        self._image: NDArray[Any] | None = None
        self._time_s = 0.0
        self._resource = {"uid": "", "announced": False}

    @property
    def hints(self) -> dict[str, list[str]]:
        """An image is nothing for a table or a plot."""
        return {"fields": []}

    @property
    def mode(self) -> Literal["reference", "inline"]:
        """How the images are in the documents."""
        return "inline" if self.path is None else "reference"

    def put(self, image: NDArray[Any]) -> None:
        """Keep an image (slow, fast); raises ValueError where it has another shape than the ones before."""
        # A data set has one shape, and a camera whose region was changed in the middle is another camera.
        if self._image is not None and self._image.shape != image.shape:
            raise ValueError(f"the image has shape {image.shape}, those before it {self._image.shape}")
        self._image, self._time_s = np.asarray(image), time.time()
        if self.path is not None:
            append_image(self.path, self._image)
        self.count += 1

    def describe(self) -> dict[str, dict[str, Any]]:
        """Return the image's data key, by the image last put."""
        if self._image is None:
            return {}
        key = {"source": "detector, oriented as the instrument file says", "dtype": "array"}
        shape, kind = list(self._image.shape), self._image.dtype.str
        if self.path is None:
            return {_KEY: {**key, "shape": shape, "dtype_numpy": kind}}
        # bluesky's stream assets count frames in their first dimension.
        return {_KEY: {**key, "shape": [1, *shape], "dtype_numpy": kind, "external": "STREAM:"}}

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the image where it is inline; the reference to it otherwise comes by ``collect_asset_docs``."""
        if self._image is None or self.path is not None:
            return {}
        return {_KEY: {"value": self._image.tolist(), "timestamp": self._time_s}}

    def get_index(self) -> int:
        """Return the number of images."""
        return self.count

    def collect_asset_docs(self, index: int | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
        """Return the file, unless it was announced already, and which of its images is the last one put."""
        if self.path is None or self._image is None:
            return
        # A new name for the file, until a document with it has really been sent.
        if not self._resource["announced"]:
            self._resource["uid"] = str(uuid4())
            yield "stream_resource", self._file()
        yield (
            "stream_datum",
            {
                "stream_resource": self._resource["uid"],
                "uid": f"{self._resource['uid']}/{self.count - 1}",
                "descriptor": "",
                "indices": {"start": self.count - 1, "stop": self.count},
                "seq_nums": {"start": 0, "stop": 0},
            },
        )

    def announced(self, name: str, doc: dict[str, Any]) -> None:
        """Note that the file's document was sent: a bundle that a pause interrupted is collected again, unsent."""
        if name == "stream_resource" and doc["uid"] == self._resource["uid"]:
            self._resource["announced"] = True

    def _file(self) -> dict[str, Any]:
        shape = [] if self._image is None else list(self._image.shape)
        return {
            "uid": self._resource["uid"],
            "data_key": _KEY,
            "mimetype": "application/x-hdf5",
            # Tiled wants the host in a file's address.
            "uri": self.path.as_uri().replace("file://", "file://localhost") if self.path else "",
            "parameters": {"dataset": DATASET, "chunk_shape": [1, *shape]},
            "run_start": "",
        }


def append_image(path: Path, image: NDArray[Any]) -> None:
    """Append an image (slow, fast) to the file's data set (n, slow, fast), which is made where it is missing."""
    refuse_link(path)
    # Opened for each image: an HDF5 file that is open when the process is killed may not be readable.
    with h5py.File(path, "a") as file:
        if DATASET not in file:
            file.attrs["default"] = "entry"
            file.create_dataset(
                DATASET,
                shape=(0, *image.shape),
                maxshape=(None, *image.shape),
                # One image a chunk: they are written and read one by one.
                chunks=(1, *image.shape),
                dtype=image.dtype,
                compression="gzip",
                compression_opts=1,
                shuffle=True,
            )
        data = file[DATASET]
        data.resize(len(data) + 1, axis=0)
        data[-1] = image
