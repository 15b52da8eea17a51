"""Sums and extremes of rows against plain numpy, and the order that their sums keep."""

import numpy as np
import pytest

from beamgym.physics.arpes.detection.measures_kernels import four_sums, lane_sum, lower, raise_to, row_sum

RNG = np.random.default_rng(6)


def in_fours(row):
    """Add a row up in single precision, the middle two of every four first."""
    total, even = np.float32(0.0), len(row) - len(row) % 4
    for a, b, c, d in row[:even].reshape(-1, 4):
        total = ((total + a) + (b + c)) + d
    for value in row[even:]:
        total = total + value
    return total


def in_lanes(row):
    """Add a row up in single precision: in 64 lanes, then in eight, then one by one."""
    total, j = np.float32(0.0), 0
    for width in (64, 8):
        blocks = (len(row) - j) // width
        if blocks == 0:
            continue
        lanes = np.zeros(width, dtype=np.float32)
        lanes[0] = total
        for part in row[j : j + blocks * width].reshape(blocks, width):
            lanes = lanes + part
        if width == 64:
            lanes = (lanes[:16] + lanes[16:32]) + (lanes[32:48] + lanes[48:])
        while len(lanes) > 1:
            lanes = lanes[: len(lanes) // 2] + lanes[len(lanes) // 2 :]
        total, j = lanes[0], j + blocks * width
    for value in row[j:]:
        total = total + value
    return total


@pytest.mark.parametrize("columns", [1, 7, 8, 64, 100, 224])
def test_sums_keep_their_order_to_the_last_digit(columns):
    rows = RNG.random((4, columns)).astype(np.float32)
    together = np.empty(4, dtype=np.float32)
    four_sums(rows, together)
    for row, total in zip(rows, together, strict=True):
        assert row_sum(row) == total == in_fours(row)
        assert lane_sum(row, np.empty(64, dtype=np.float32)) == in_lanes(row)


def test_extremes_are_taken_column_by_column():
    image = RNG.normal(size=(9, 30)).astype(np.float32)
    least, most = image[0].copy(), image[0].copy()
    for row in image[1:]:
        lower(row, least)
        raise_to(row, most)
    np.testing.assert_array_equal(least, image.min(0))
    np.testing.assert_array_equal(most, image.max(0))
