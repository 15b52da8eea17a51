"""A photograph of a plate of known outlines, as a camera in a laboratory would take it."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from beamgym.physics.arrays import Float64Array
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.outlines.markers import (
    DOT_MM,
    HOLE_MM,
    PAPER_MM,
    RING_MM,
    Marker,
    circle,
    dots_mm,
)

_FINER = 4
"""Parts of a pixel, along each side, in which what covers it is drawn."""


@dataclass(frozen=True)
class PhotographStyle:
    """How a photograph is taken, and of what.

    Parameters
    ----------
    width_px, height_px : of the picture
    view_mm : that its width shows in the plate's middle
    tilt_deg, tilt_towards_deg : of the camera from straight above, and the direction in which it leans
    roll_deg : by which the camera is turned
    metal : brightness of the plate, 0 to 1, for red, green and blue
    texture : relative depth of the brushing
    crystal : brightness of the crystals, as ``metal``
    tones : relative spread of brightness from crystal to crystal
    uneven : by which the light falls off from one side to the other, relative
    shadow : by which a crystal's shadow darkens the plate, 0 to 1
    shadow_mm : length of the shadows
    glare : share of the crystals on which the lamp is mirrored
    plate_glare : brightness that the lamp adds where the plate mirrors it
    blur_px : standard deviation of the lens's blur
    noise : standard deviation of the camera's noise at full brightness, 0 to 1
    quality : of the JPEG compression, 1 to 95
    """

    width_px: int = 1600
    height_px: int = 1200
    view_mm: float = 66.0
    tilt_deg: float = 8.0
    tilt_towards_deg: float = 40.0
    roll_deg: float = 4.0
    metal: tuple[float, float, float] = (0.62, 0.63, 0.65)
    texture: float = 0.06
    crystal: tuple[float, float, float] = (0.12, 0.12, 0.14)
    tones: float = 0.25
    uneven: float = 0.3
    shadow: float = 0.4
    shadow_mm: float = 0.3
    glare: float = 0.2
    plate_glare: float = 0.15
    blur_px: float = 0.8
    noise: float = 0.012
    quality: int = 88


def photograph(
    outlines: Sequence[Outline], markers: Sequence[Marker], seed: int, style: PhotographStyle | None = None
) -> NDArray[np.uint8]:
    """Return a photograph of a plate, (height, width, 3) of 0 to 255.

    Parameters
    ----------
    outlines : of the crystals, plate frame; those later in the list lie above the others
    markers : on the plate; none for a plate without markers
    seed : of texture, tones, glare and noise
    style : of the photograph
    """
    style = style or PhotographStyle()
    random = np.random.default_rng(seed)
    view = plate_to_pixel(style)
    picture = _metal(style, random)
    for marker in markers:
        _draw_marker(picture, marker, view)
    for outline in outlines:
        _draw_shadow(picture, outline, view, style)
    for outline in outlines:
        _draw_crystal(picture, outline, view, style, random)
    picture *= _lamp(style, random)[:, :, None]
    picture += _plate_glare(style, random)[:, :, None]
    picture = gaussian_filter(picture, (style.blur_px, style.blur_px, 0.0))
    picture += style.noise * np.sqrt(np.clip(picture, 0.02, 1.0)) * random.standard_normal(picture.shape)
    return _compressed(np.clip(255.0 * picture, 0.0, 255.0).astype(np.uint8), style.quality)


def plate_to_pixel(style: PhotographStyle) -> Float64Array:
    """Return the projective map (3, 3) from (x, y, 1) in mm on the plate to (column, row, 1) in the picture."""
    focal = 4.0 * style.width_px / 3.0
    distance = focal * style.view_mm / style.width_px
    leaning, towards, roll = np.radians([style.tilt_deg, style.tilt_towards_deg, style.roll_deg])
    # The camera looks along its +z at the plate's middle; its x is to the right, its y down.
    away = np.array([np.cos(towards) * np.sin(leaning), np.sin(towards) * np.sin(leaning), np.cos(leaning)])
    right = np.array([np.cos(roll), np.sin(roll), 0.0])
    right -= away * (right @ away)
    right /= np.linalg.norm(right)
    down = np.cross(right, away)
    axes = np.array([right, down, -away])
    inner = np.array([[focal, 0.0, style.width_px / 2.0], [0.0, focal, style.height_px / 2.0], [0.0, 0.0, 1.0]])
    outer = np.column_stack([axes[:, 0], axes[:, 1], [0.0, 0.0, distance]])
    found: Float64Array = inner @ outer
    return found


def projected(points_mm: Float64Array, view: Float64Array) -> Float64Array:
    """Return where points of the plate, (n, 2) mm, are seen: (n, 2) column and row in pixels."""
    whole = np.column_stack([points_mm, np.ones(len(points_mm))]) @ view.T
    found: Float64Array = whole[:, :2] / whole[:, 2:]
    return found


def _cover(picture: Float64Array, corners_px: Float64Array) -> tuple[tuple[slice, slice], Float64Array]:
    """Return the part of the picture that a polygon touches, and the share of each of its pixels that it covers."""
    height, width = picture.shape[:2]
    low = np.clip(np.floor(corners_px.min(axis=0)).astype(int) - 2, 0, [width, height])
    high = np.clip(np.ceil(corners_px.max(axis=0)).astype(int) + 3, low, [width, height])
    size = high - low
    if (size == 0).any():
        return (slice(0, 0), slice(0, 0)), np.zeros((0, 0))
    fine = Image.new("L", (int(size[0]) * _FINER, int(size[1]) * _FINER), 0)
    # Pixel centres are at whole numbers, both in the picture and in the finer one.
    corners = (corners_px - low + 0.5) * _FINER - 0.5
    ImageDraw.Draw(fine).polygon([(float(x), float(y)) for x, y in corners], fill=1)
    share = np.asarray(fine, dtype=np.float64).reshape(size[1], _FINER, size[0], _FINER).mean(axis=(1, 3))
    return (slice(low[1], high[1]), slice(low[0], high[0])), share


def _paint(picture: Float64Array, corners_px: Float64Array, colour: Float64Array | float) -> None:
    part, share = _cover(picture, corners_px)
    picture[part] += share[:, :, None] * (colour - picture[part])


def _metal(style: PhotographStyle, random: np.random.Generator) -> Float64Array:
    """Return the bare plate: brushed along a direction near the picture's rows, with fine grain."""
    shape = (style.height_px, style.width_px)
    brushed = gaussian_filter(random.standard_normal(shape), (0.8, 40.0))
    grain = gaussian_filter(random.standard_normal(shape), 1.0)
    texture = 0.8 * brushed / brushed.std() + 0.4 * grain / grain.std()
    return np.asarray(np.array(style.metal) * (1.0 + style.texture * texture[:, :, None]))


def _lamp(style: PhotographStyle, random: np.random.Generator) -> Float64Array:
    """Return how bright the light is on each pixel, about 1: falling off to one side, and towards the corners."""
    row, column = np.mgrid[0 : style.height_px, 0 : style.width_px]
    x, y = 2.0 * column / style.width_px - 1.0, 2.0 * row / style.width_px - style.height_px / style.width_px
    towards = random.uniform(0.0, 2.0 * np.pi)
    slope = 1.0 + 0.5 * style.uneven * (x * np.cos(towards) + y * np.sin(towards))
    return np.asarray(slope * (1.0 - 0.12 * (x**2 + y**2)))


def _plate_glare(style: PhotographStyle, random: np.random.Generator) -> Float64Array:
    row, column = np.mgrid[0 : style.height_px, 0 : style.width_px]
    at = random.uniform(0.2, 0.8, 2) * [style.width_px, style.height_px]
    wide, high = 0.25 * style.width_px, 0.12 * style.width_px
    return np.asarray(style.plate_glare * np.exp(-0.5 * (((column - at[0]) / wide) ** 2 + ((row - at[1]) / high) ** 2)))


def _draw_marker(picture: Float64Array, marker: Marker, view: Float64Array) -> None:
    middle = np.array([marker.x_mm, marker.y_mm])
    discs = [(PAPER_MM, middle, 0.9), (RING_MM, middle, 0.05), (HOLE_MM, middle, 0.9)]
    for radius, at, tone in [*discs, *((DOT_MM, middle + dot, 0.05) for dot in dots_mm(marker.dots))]:
        _paint(picture, projected(circle(radius, at), view), tone)


def _draw_shadow(picture: Float64Array, outline: Outline, view: Float64Array, style: PhotographStyle) -> None:
    """Darken the plate to the lower right of a crystal: sharp where it begins, soft where it ends."""
    for step in (0.5, 0.75, 1.0):
        moved = outline.polygon_mm + step * style.shadow_mm * np.array([0.8, -0.6])
        part, share = _cover(picture, projected(moved, view))
        picture[part] *= 1.0 - (1.0 - (1.0 - style.shadow) ** (1.0 / 3.0)) * share[:, :, None]


def _draw_crystal(
    picture: Float64Array, outline: Outline, view: Float64Array, style: PhotographStyle, random: np.random.Generator
) -> None:
    tone = np.exp(style.tones * random.standard_normal())
    part, share = _cover(picture, projected(outline.polygon_mm, view))
    shape = share.shape
    surface = tone * np.array(style.crystal) * np.ones((*shape, 3))
    if share.size:
        surface *= 1.0 + 0.15 * gaussian_filter(random.standard_normal(shape), 2.0)[:, :, None] * 4.0
        row, column = np.mgrid[0 : shape[0], 0 : shape[1]]
        towards = random.uniform(0.0, 2.0 * np.pi)
        along = (column - shape[1] / 2.0) * np.cos(towards) + (row - shape[0] / 2.0) * np.sin(towards)
        surface[along > 0.15 * shape[1]] *= 1.25  # a step of the layers
        if random.uniform() < style.glare:
            across = 0.12 * max(shape)
            at = random.uniform(-0.3, 0.3) * max(shape)
            surface += np.exp(-0.5 * ((along - at) / across) ** 2)[:, :, None] * random.uniform(0.3, 0.9)
    picture[part] += share[:, :, None] * (surface - picture[part])


def _compressed(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Return what JPEG compression leaves of a picture."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="JPEG", quality=quality)
    file.seek(0)
    return np.asarray(Image.open(file).convert("RGB"))
