"""The path language of SVG, its curves made straight (W3C, SVG 1.1, chapter 8)."""

import math
import re
from itertools import pairwise

import numpy as np

from beamgym.physics.arrays import Float64Array

_TOKEN = re.compile(r"[MmLlHhVvCcSsQqTtAaZz]|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_NUMBERS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7, "Z": 0}
_PIECES = 24
"""Straight pieces of a curve."""


def path_lines(text: str) -> list[Float64Array]:
    """Return the closed lines of a path, each (k, 2), in the path's own units.

    Raises
    ------
    ValueError : something that is no path, or a line that is not closed
    """
    lines: list[list[Float64Array]] = []
    here = start = control = np.zeros(2)
    before = ""
    for letter, numbers in _commands(text):
        upper = letter.upper()
        base = here if letter.islower() else np.zeros(2)
        if upper == "Z":
            lines[-1].append(start)
            here = start
        elif upper == "M":
            here = start = np.array(numbers) + base
            lines.append([here])
        else:
            if before == "Z":
                lines.append([here])
            points, control = _drawn(upper, np.array(numbers), base, here, _reflected(upper, before, here, control))
            lines[-1].extend(points)
            here = points[-1]
        before = upper
    return [_closed(line) for line in lines if len(line) > 2]


def _commands(text: str) -> list[tuple[str, list[float]]]:
    """Return the commands with their numbers, repeated ones written out."""
    if left := _TOKEN.sub("", text).replace(",", " ").strip():
        raise ValueError(f"{left[:20]!r} is no part of an SVG path")
    found: list[tuple[str, list[float]]] = []
    letter = ""
    tokens = _TOKEN.findall(_arc_flags(text))
    while tokens:
        if tokens[0].isalpha():
            letter = tokens.pop(0)
        number = _NUMBERS[letter.upper()] if letter else -1
        if number < 0 or len(tokens) < number or any(token.isalpha() for token in tokens[:number]):
            raise ValueError(f"an SVG path with too few numbers after {letter or 'its beginning'!r}")
        found.append((letter, [float(token) for token in tokens[:number]]))
        del tokens[:number]
        letter = {"M": "L", "m": "l"}.get(letter, letter)
        if letter in "Zz" and tokens and not tokens[0].isalpha():
            raise ValueError("an SVG path with numbers after 'Z'")
    if found and found[0][0] not in "Mm":
        raise ValueError("an SVG path that does not begin with M")
    return found


def _arc_flags(text: str) -> str:
    """Return the text with blanks around the flags of arcs, which may be written without any."""

    def spaced(match: re.Match[str]) -> str:
        number = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
        arc = re.compile(rf"{number}[\s,]*{number}[\s,]*{number}[\s,]*([01])[\s,]*([01])[\s,]*{number}[\s,]*{number}")
        return match.group(0)[0] + " " + arc.sub(r"\1 \2 \3 \4 \5 \6 \7 ", match.group(0)[1:])

    return re.sub(r"[Aa][^A-DF-Za-df-z]*", spaced, text)


def _reflected(upper: str, before: str, here: Float64Array, control: Float64Array) -> Float64Array:
    """Return the first control point of a smooth curve."""
    goes_on = (upper == "S" and before in "CS") or (upper == "T" and before in "QT")
    return 2.0 * here - control if goes_on and before else here


def _drawn(
    upper: str, numbers: Float64Array, base: Float64Array, here: Float64Array, smooth: Float64Array
) -> tuple[list[Float64Array], Float64Array]:
    """Return the points of one command after the one that it begins at, and its last control point."""
    if upper == "H":
        end = np.array([numbers[0] + base[0], here[1]])
        return [end], end
    if upper == "V":
        end = np.array([here[0], numbers[0] + base[1]])
        return [end], end
    if upper == "A":
        end = numbers[5:] + base
        return arc_points(here, end, numbers[0], numbers[1], numbers[2], bool(numbers[3]), bool(numbers[4])), end
    points = list(numbers.reshape(-1, 2) + base)
    if upper == "L":
        return points, points[-1]
    if upper in "ST":
        points.insert(0, smooth)
    return _bezier([here, *points]), points[-2]


def _bezier(corners: list[Float64Array]) -> list[Float64Array]:
    """Return points of a Bézier curve of any degree (de Casteljau)."""
    found = []
    for t in np.linspace(0.0, 1.0, _PIECES + 1)[1:]:
        level = corners
        while len(level) > 1:
            level = [(1.0 - t) * a + t * b for a, b in pairwise(level)]
        found.append(level[0])
    return found


def arc_points(
    here: Float64Array, end: Float64Array, rx: float, ry: float, turn_deg: float, large: bool, sweep: bool
) -> list[Float64Array]:
    """Return points of an elliptical arc after its beginning (SVG 1.1, appendix F.6)."""
    rx, ry = abs(rx), abs(ry)
    if rx == 0.0 or ry == 0.0 or np.array_equal(here, end):
        return [end]
    c, s = math.cos(math.radians(turn_deg)), math.sin(math.radians(turn_deg))
    turn = np.array([[c, s], [-s, c]])
    x, y = turn @ (here - end) / 2.0
    stretch = math.sqrt(max(1.0, (x / rx) ** 2 + (y / ry) ** 2))
    rx, ry = rx * stretch, ry * stretch
    across = (rx * y) ** 2 + (ry * x) ** 2
    factor = math.sqrt(max(0.0, ((rx * ry) ** 2 - across) / across)) * (-1.0 if large == sweep else 1.0)
    middle_turned = factor * np.array([rx * y / ry, -ry * x / rx])
    middle = turn.T @ middle_turned + (here + end) / 2.0
    first = math.atan2((y - middle_turned[1]) / ry, (x - middle_turned[0]) / rx)
    last = math.atan2((-y - middle_turned[1]) / ry, (-x - middle_turned[0]) / rx)
    if sweep and last < first:
        last += 2.0 * math.pi
    if not sweep and last > first:
        last -= 2.0 * math.pi
    around = np.linspace(first, last, _PIECES + 1)[1:]
    points = [middle + turn.T @ np.array([rx * math.cos(a), ry * math.sin(a)]) for a in around]
    return [*points[:-1], end]


def _closed(line: list[Float64Array]) -> Float64Array:
    points = np.array(line)
    size = float(np.ptp(points, axis=0).max())
    if np.hypot(*(points[0] - points[-1])) > 0.01 * size:
        x, y = points[-1]
        raise ValueError(f"a path that ends at ({x:g}, {y:g}) and is not closed; close it")
    keep = np.append(True, np.hypot(*np.diff(points, axis=0).T) > 1e-9)
    return np.asarray(points[keep])
