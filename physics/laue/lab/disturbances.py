"""What scanners, telephones, screens and file formats do to a picture; each keeps the places of the spots."""

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from beamgym.physics.arrays import Float64Array

Picture = NDArray[np.unsignedinteger]


def disturbed(image: Picture, kind: str, seed: int) -> Picture:
    """Return a picture after one of ``DISTURBANCES``; one seed, one result.

    Parameters
    ----------
    image : (slow, fast) uint8 or uint16
    kind : key of DISTURBANCES
    """
    return DISTURBANCES[kind](image, np.random.default_rng([seed, len(kind)]))


def _plain(image: Picture, rng: np.random.Generator) -> Picture:
    return image


def _whole(values: Float64Array, like: Picture) -> Picture:
    return np.clip(np.rint(values), 0, np.iinfo(like.dtype).max).astype(like.dtype)


def _across(image: Picture) -> tuple[Float64Array, Float64Array]:
    """Return (slow, fast) coordinates from -1 to 1."""
    rows, columns = np.mgrid[-1.0 : 1.0 : image.shape[0] * 1j, -1.0 : 1.0 : image.shape[1] * 1j]
    return rows, columns


def _slope(image: Picture, rng: np.random.Generator) -> Picture:
    """Light from one side: up to 60 % more or less."""
    rows, columns = _across(image)
    angle, strength = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(0.2, 0.6)
    return _whole(
        image * (0.7 + 0.7 * strength * (rows * np.sin(angle) + columns * np.cos(angle)) / np.sqrt(2.0)), image
    )


def _vignette(image: Picture, rng: np.random.Generator) -> Picture:
    """Corners of a lens: cos⁴ of the field angle, down to a third."""
    rows, columns = _across(image)
    return _whole(image * np.cos(np.arctan(rng.uniform(0.3, 0.6) * np.hypot(rows, columns))) ** 4, image)


def _patches(image: Picture, rng: np.random.Generator) -> Picture:
    """Uneven screen or developer: blotches of 10 % that are a tenth of the picture wide."""
    blotches = gaussian_filter(rng.normal(size=image.shape), min(image.shape) / 15.0)
    return _whole(image * (1.0 + 0.05 * blotches / blotches.std()), image)


def _eight_bits(image: Picture) -> NDArray[np.uint8]:
    top = float(np.percentile(image, 99.95)) if image.dtype == np.uint16 else 255.0
    grey: NDArray[np.uint8] = np.clip(np.rint(image * (255.0 / max(top, 1.0))), 0, 255).astype(np.uint8)
    return grey


def _jpeg(image: Picture, rng: np.random.Generator) -> Picture:
    """Quality 60 to 90."""
    buffer = io.BytesIO()
    Image.fromarray(_eight_bits(image)).save(buffer, "JPEG", quality=int(rng.integers(60, 91)))
    return np.asarray(Image.open(buffer))


def _gamma(image: Picture, rng: np.random.Generator) -> Picture:
    """A telephone's or a monitor's tone curve, 8 bits."""
    return _whole(255.0 * (_eight_bits(image) / 255.0) ** rng.uniform(0.4, 0.7), np.zeros(0, dtype=np.uint8))


def _grain(image: Picture, rng: np.random.Generator) -> Picture:
    """Film grain wider than a scanner's pixel: noise of neighbouring pixels hangs together."""
    grain = gaussian_filter(rng.normal(size=image.shape), rng.uniform(0.6, 1.2))
    spread = float(np.median(np.abs(np.diff(image.astype(np.float64), axis=1)))) + 0.5
    return _whole(gaussian_filter(image.astype(np.float64), 0.5) + 1.5 * spread * grain / grain.std(), image)


def _scratches(image: Picture, rng: np.random.Generator) -> Picture:
    """Five to fifteen hairs and scratches of either sign, one or two pixels thick, and dust as wide as 3 %."""
    out, high = image.astype(np.float64), float(np.percentile(image, 99.5) - np.percentile(image, 0.5))
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    for _ in range(int(rng.integers(5, 16))):
        start = rng.uniform(0.0, 1.0, 2) * image.shape
        angle, bend, length = rng.uniform(0.0, 2.0 * np.pi), rng.normal(0.0, 0.002), rng.uniform(30.0, 300.0)
        way = np.arange(0.0, length, 0.5)
        turned = angle + bend * way
        row = np.rint(start[0] + np.cumsum(0.5 * np.sin(turned))).astype(int)
        column = np.rint(start[1] + np.cumsum(0.5 * np.cos(turned))).astype(int)
        depth = high * rng.uniform(0.1, 0.6) * rng.choice([-1.0, 1.0])
        for thick in range(int(rng.integers(1, 3))):
            inside = (row + thick >= 0) & (row + thick < image.shape[0]) & (column >= 0) & (column < image.shape[1])
            pixels = np.unique(np.stack([row[inside] + thick, column[inside]]), axis=1)
            out[pixels[0], pixels[1]] += depth
    for _ in range(5):
        place, size = rng.uniform(0.0, 1.0, 2) * image.shape, rng.uniform(0.01, 0.03) * image.shape[0]
        out += 0.1 * high * np.exp(-0.5 * (np.hypot(rows - place[0], columns - place[1]) / size) ** 4)
    return _whole(out, image)


def _zingers(image: Picture, rng: np.random.Generator) -> Picture:
    """Cosmic rays: thirty tracks of two to four bright pixels."""
    out = image.astype(np.float64)
    spread, dark = (
        float(np.median(np.abs(np.diff(out, axis=1)))) + 0.5,
        np.median(image) > 0.6 * np.percentile(image, 99.5),
    )
    for _ in range(30):
        row, column = (int(rng.integers(4, n - 4)) for n in image.shape)
        for step in range(int(rng.integers(2, 5))):
            where = (row + step, column) if rng.random() < 0.5 else (row, column + step)
            out[where] += spread * rng.uniform(20.0, 300.0) * (-1.0 if dark else 1.0)
    return _whole(out, image)


def _gaps(image: Picture, rng: np.random.Generator) -> Picture:
    """Dead lines, and a seam between two halves whose gains differ by some percent."""
    out = image.astype(np.float64)
    seam = int(image.shape[1] * rng.uniform(0.3, 0.7))
    out[:, seam:] *= rng.uniform(0.93, 1.07)
    for _ in range(3):
        out[int(rng.integers(0, image.shape[0]))] = 0.0
        out[:, int(rng.integers(0, image.shape[1]))] = 0.0
    return _whole(out, image)


DISTURBANCES: dict[str, Callable[[Picture, np.random.Generator], Picture]] = {
    "plain": _plain,
    "slope": _slope,
    "vignette": _vignette,
    "patches": _patches,
    "jpeg": _jpeg,
    "gamma": _gamma,
    "grain": _grain,
    "scratches": _scratches,
    "zingers": _zingers,
    "gaps": _gaps,
}
