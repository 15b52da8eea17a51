"""Random scenes of crystals with touching pairs, and how well their outlines are found on a photograph."""

import numpy as np
from shapely import affinity
from shapely.geometry import LineString, Point

from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.outlines import corner_markers
from beamgym.physics.mosaic.packing import draw_flakes

WIDTH_MM, HEIGHT_MM = 60.0, 46.0
MARKERS = corner_markers(WIDTH_MM, HEIGHT_MM)


def compared(truth, found):
    """For each true crystal: the outline that shares most with it, intersection over union, error of its longest side.

    The error is the angle between the longest side that was found and the true side on which its middle lies.
    """
    rows = []
    for outline in truth:
        best = max(found.outlines, key=lambda each: each.shape.intersection(outline.shape).area)
        shared = best.shape.intersection(outline.shape).area / best.shape.union(outline.shape).area
        sides = np.roll(best.polygon_mm, -1, axis=0) - best.polygon_mm
        k = int(np.argmax(np.hypot(*sides.T)))
        middle = Point(*(best.polygon_mm[k] + sides[k] / 2.0))
        ends = np.roll(outline.polygon_mm, -1, axis=0)
        true_sides = zip(outline.polygon_mm, ends, strict=True)
        a, b = min(true_sides, key=lambda side: LineString(side).distance(middle))
        turn = np.degrees(np.arctan2(*sides[k][::-1]) - np.arctan2(*(b - a)[::-1]))
        rows.append((best, shared, abs((turn + 90.0) % 180.0 - 90.0)))
    return rows


def random_scene(seed, n=24, pairs=3):
    """Up to n flakes on the plate, half a millimetre apart at least, of which some are then pushed against another."""
    random = np.random.default_rng([seed, 1])
    shapes = []
    for flake in draw_flakes(n, seed):
        for _ in range(400):
            at = random.uniform(-0.5, 0.5, 2) * [WIDTH_MM - 8.0, HEIGHT_MM - 8.0]
            shape = affinity.translate(flake.shape, *at)
            free = all(shape.distance(other) > 0.5 for other in shapes)
            if free and all(shape.distance(Point(m.x_mm, m.y_mm)) > 4.0 for m in MARKERS):
                shapes.append(shape)
                break
    near = sorted((shapes[i].distance(shapes[j]), i, j) for i in range(len(shapes)) for j in range(i))
    pushed = set()
    for _, i, j in near:
        if len(pushed) < 2 * pairs and not pushed & {i, j} and (shape := against(shapes, i, j)) is not None:
            shapes[i] = shape
            pushed |= {i, j}
    return [Outline(str(k), np.asarray(shape.exterior.coords)[:-1]) for k, shape in enumerate(shapes)]


def against(shapes, i, j):
    """Shape i pushed towards shape j until it touches; None where another is in the way."""
    way = np.array(shapes[j].centroid.coords[0]) - shapes[i].centroid.coords[0]
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2.0
        apart = affinity.translate(shapes[i], *(middle * way)).distance(shapes[j]) > 0.0
        low, high = (middle, high) if apart else (low, middle)
    moved = affinity.translate(shapes[i], *(low * way))
    others = [shape for k, shape in enumerate(shapes) if k not in (i, j)]
    return moved if all(moved.distance(shape) > 0.3 for shape in others) else None
