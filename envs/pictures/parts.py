"""Drawing tools: colours, type, marks with soft edges, bars, and grey values of an image.

The colours are Okabe & Ito's (Color Universal Design, 2008): blue and vermilion stay apart for every kind of sight, and
no meaning hangs on colour alone.
"""

import math
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
Canvas = NDArray[np.float32]

PAPER_COLOUR: Colour = (255, 255, 255)
INK: Colour = (24, 28, 34)
MUTED: Colour = (92, 99, 110)
LINE: Colour = (206, 210, 216)
SHADE: Colour = (236, 239, 243)
BLUE: Colour = (0, 114, 178)
VERMILION: Colour = (213, 94, 0)

_SOFT_NOISE = 5.0  # background deviations up to which grey grows in proportion to the counts; above it by the logarithm
_BLACK_NOISE = 1500.0  # background deviations drawn black


class Type:
    """DejaVu Sans in the sizes used, loaded once."""

    def __init__(self) -> None:
        self._folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
        self._loaded: dict[tuple[int, bool], ImageFont.FreeTypeFont] = {}

    def __call__(self, size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
        """Return the font of ``size`` pixels."""
        if (size, bold) not in self._loaded:
            name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
            self._loaded[size, bold] = ImageFont.truetype(str(self._folder / name), size)
        return self._loaded[size, bold]


def _window(canvas: Canvas, x: float, y: float, reach: float) -> tuple[slice, slice, NDArray[np.float32]] | None:
    """Return the rows and columns within ``reach`` of a point, and every pixel's distance from it; None outside."""
    rows, columns = canvas.shape[:2]
    top, bottom = max(0, math.floor(y - reach)), min(rows, math.ceil(y + reach) + 1)
    left, right = max(0, math.floor(x - reach)), min(columns, math.ceil(x + reach) + 1)
    if top >= bottom or left >= right:
        return None
    dy = np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(y)
    dx = np.arange(left, right, dtype=np.float32)[None, :] - np.float32(x)
    return slice(top, bottom), slice(left, right), np.sqrt(dx * dx + dy * dy)


def _blend(canvas: Canvas, rows: slice, columns: slice, cover: NDArray[np.float32], colour: Colour) -> None:
    patch = canvas[rows, columns]
    patch += cover[..., None] * (np.asarray(colour, dtype=np.float32) - patch)


def draw_ring(canvas: Canvas, x: float, y: float, radius: float, width: float, colour: Colour) -> None:
    """Draw an open circle with soft edges, in place; all lengths in pixels."""
    window = _window(canvas, x, y, radius + width)
    if window is not None:
        rows, columns, distance = window
        cover = np.clip(0.5 * width + 0.5 - np.abs(distance - np.float32(radius)), 0.0, 1.0)
        _blend(canvas, rows, columns, cover.astype(np.float32), colour)


def draw_blob(canvas: Canvas, x: float, y: float, sigma: float, darkness: float, colour: Colour = INK) -> None:
    """Draw a Gaussian spot, in place; ``darkness`` 0 to 1 is its cover at the centre."""
    window = _window(canvas, x, y, 3.5 * sigma)
    if window is not None:
        rows, columns, distance = window
        cover = np.float32(darkness) * np.exp(np.float32(-0.5 / sigma**2) * distance * distance)
        _blend(canvas, rows, columns, cover, colour)


def draw_cross(canvas: Canvas, x: float, y: float, arm: int, colour: Colour) -> None:
    """Draw a small upright cross, in place."""
    column, row = round(x), round(y)
    rows, columns = canvas.shape[:2]
    if 0 <= row < rows:
        canvas[row, max(0, column - arm) : max(0, column + arm + 1)] = colour
    if 0 <= column < columns:
        canvas[max(0, row - arm) : max(0, row + arm + 1), column] = colour


def grey_levels(image: NDArray[np.generic], width: int, height: int) -> Canvas:
    """Turn counts into darkness, resized.

    Parameters
    ----------
    image : (rows, columns) counts
    width, height : of the result, pixels

    Returns
    -------
    (height, width) float32, 0 (background) to 1; inverse hyperbolic sine of the counts in units of the background's own
    deviation, so that neither exposure nor gain changes the look, and faint spots stand beside bright ones
    """
    counts = _largest_of_blocks(np.asarray(image, dtype=np.float32), height, width)
    sample = counts[::3, ::3]
    level = np.median(sample)
    noise = max(1.4826 * float(np.median(np.abs(sample - level))), 1.0)
    dark = np.arcsinh((counts - level) / (_SOFT_NOISE * noise)) / np.arcsinh(_BLACK_NOISE / _SOFT_NOISE)
    enlarged = min(height / counts.shape[0], width / counts.shape[1]) >= 3
    method = Image.Resampling.NEAREST if enlarged else Image.Resampling.BILINEAR
    resized = Image.fromarray(dark.astype(np.float32)).resize((width, height), method)
    grey: Canvas = np.clip(np.asarray(resized), 0.0, 1.0)
    return grey


def _largest_of_blocks(counts: Canvas, height: int, width: int) -> Canvas:
    """Keep the largest of every block where there are more pixels than places: a mean would hide small spots."""
    factor = max(1, min(counts.shape[0] // height, counts.shape[1] // width))
    if factor == 1:
        return counts
    rows, columns = counts.shape[0] // factor * factor, counts.shape[1] // factor * factor
    blocks = counts[:rows, :columns].reshape(rows // factor, factor, columns // factor, factor)
    largest: Canvas = blocks.max(axis=(1, 3))
    return largest


def draw_pointer(draw: ImageDraw.ImageDraw, x: float, y: float, colour: Colour) -> None:
    """Draw a small triangle whose tip points down at (x, y)."""
    draw.polygon([(x - 5, y - 8), (x + 5, y - 8), (x, y)], fill=colour)


def fitted(draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """Return the text, shortened by an ellipsis where it is wider than ``width`` pixels."""
    if draw.textlength(text, font=font) <= width:
        return text
    while text and draw.textlength(text + "…", font=font) > width:
        text = text[:-1]
    return text.rstrip() + "…"
