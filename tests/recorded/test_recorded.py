"""What the environments and bundles showed before files were moved, they show now, to 1e-5; images to one count.

The record was made by ``python tests/recorded/record.py --fixtures``; ``compare.py`` compares two commits to the bit.
"""

import json

import numpy as np
import pytest
from cases import cases
from kept import DATA, coarse, kept_cases
from others import bundles
from record import KEPT_STEPS, play

TOLERANCE = 1e-5
COUNTS = 1.0
"""By so much a pixel of an image may differ between processors."""

KEPT = {case.name: case for case in kept_cases()}
RECORDED = json.loads((DATA / "trajectories.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def matrices():
    with np.load(DATA / "trajectories.npz", allow_pickle=False) as content:
        return dict(content)


def assert_as_recorded(name, record, matrices):
    layout, found = coarse(record, KEPT[name].envs if name in KEPT else 0)
    wanted = RECORDED["layouts"][RECORDED["records"][name]]
    assert [tuple(part) for part in layout] == [tuple(part) for part in wanted]
    assert found.shape == matrices[name].shape
    start = 0
    for part, dtype, width in layout:
        columns = slice(start, start + width)
        pixels = dtype == "uint8"
        np.testing.assert_allclose(
            found[:, columns],
            matrices[name][:, columns],
            rtol=0.0 if pixels else TOLERANCE,
            atol=COUNTS if pixels else TOLERANCE,
            err_msg=f"{name}: {part}",
        )
        start += width


@pytest.mark.parametrize("name", KEPT)
def test_a_seeded_trajectory_is_what_it_was(name, matrices):
    assert_as_recorded(name, play(KEPT[name], KEPT_STEPS), matrices)


@pytest.mark.parametrize("name", bundles())
def test_a_shipped_bundle_answers_what_it_answered(name, matrices):
    assert_as_recorded(name, bundles()[name](), matrices)


def test_every_record_is_replayed_and_every_case_has_its_own_name():
    assert set(RECORDED["records"]) == {*KEPT, *bundles()}
    assert len({case.name for case in cases()}) == len(cases())


@pytest.mark.parametrize(
    "name",
    ["info/is_success", "terminated", "truncated", "info/limited", "info/remount_deg", "info/final_info/is_success"],
)
def test_the_trajectories_hold_every_kind_of_ending(name, matrices):
    assert any(np.abs(columns_of(case, name, matrices)).max(initial=0.0) > 0 for case in KEPT)


def columns_of(case, name, matrices):
    """Return the numbers of one name in one record that are there."""
    layout = RECORDED["layouts"][RECORDED["records"][case]]
    start = np.cumsum([0, *(width for _, _, width in layout)])
    parts = [
        matrices[case][:, begin : begin + part[2]]
        for begin, part in zip(start, layout, strict=False)
        if part[0] == name
    ]
    return np.concatenate([part[~np.isnan(part)] for part in parts]) if parts else np.zeros(0)
