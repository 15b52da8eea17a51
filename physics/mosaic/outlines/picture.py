"""A photograph with the outlines that were found in it."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from beamgym.physics.files import replacing
from beamgym.physics.mosaic.outlines.photograph import FoundOutlines

SURE, DOUBTFUL = (40, 230, 70), (255, 70, 60)


def draw_found(picture: NDArray[Any], found: FoundOutlines, path: Path) -> None:
    """Write a photograph with outlines and names: green where nothing is in doubt, red where something is.

    Parameters
    ----------
    picture : the photograph, (rows, columns, 3), 0 to 255
    found : what was found in it
    path : of a PNG or JPEG file
    """
    image = Image.fromarray(np.asarray(picture, dtype=np.uint8)).convert("RGB")
    draw = ImageDraw.Draw(image)
    width = max(1, round(max(image.size) / 900))
    font = ImageFont.load_default(size=max(12, round(max(image.size) / 80)))
    for outline in found.outlines:
        colour = DOUBTFUL if outline.name in found.doubts else SURE
        corners = [(float(x), float(y)) for x, y in found.view.pixels(outline.polygon_mm)]
        draw.line([*corners, corners[0]], fill=colour, width=width, joint="curve")
        x, y = found.view.pixels(outline.centre_mm[None, :])[0]
        draw.text((float(x), float(y)), outline.name, fill=(255, 230, 60), anchor="mm", font=font)
    for marker in found.view.seen:
        x, y = marker.column_px, marker.row_px
        size = 2.0 * width + 4.0
        draw.line([(x - size, y), (x + size, y)], fill=SURE, width=width)
        draw.line([(x, y - size), (x, y + size)], fill=SURE, width=width)
    with replacing(path) as draft:
        image.save(draft)
