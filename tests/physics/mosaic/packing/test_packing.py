"""Packing: nothing overlaps, every gap is kept, the turns are those allowed, and what is left out is named."""

from dataclasses import replace

import numpy as np
import pytest
from shapely import affinity
from shapely.geometry import Polygon

from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.packing import (
    FreePlace,
    HolderPlate,
    Spacing,
    check_packing,
    draw_flakes,
    draw_packing,
    pack,
    pieces_of,
    placed_outline,
    strip_density,
    width_deg,
    within_width,
)
from beamgym.physics.mosaic.records import Correction, Placement

FLAKES = draw_flakes(40, seed=7)
GAP = Spacing(wall_mm=0.4, clearance_mm=0.1)
PLATE = HolderPlate(34.0, 30.0, free_places=(FreePlace(-13.0, 11.0, 1.5, "screw 1"), FreePlace(0.0, 0.0, 2.0, "hole")))


def corrections(outlines, *, tilt_deg=0.3, halves=True):
    """Any turn, tilts of a normal spread, and a half turn that is equivalent."""
    random = np.random.default_rng(3)
    found = []
    for outline in outlines:
        turn = float(random.uniform(0.0, 360.0))
        x, y = tilt_deg * random.standard_normal(2)
        found.append(Correction(outline.name, turn, float(x), float(y), (turn + 180.0,) if halves else ()))
    return found


def pieces(outlines=FLAKES, **options):
    return pieces_of(outlines, corrections(outlines, **options), 3.2)[0]


def placed_turns_are_allowed(packing, turns):
    return all(
        min(abs((p.turn_deg - t + 180.0) % 360.0 - 180.0) for t in (turns[p.name], turns[p.name] + 180.0)) < 1e-9
        for p in packing.placements
    )


@pytest.mark.parametrize(
    "plates", [[PLATE], [HolderPlate(24.0, 24.0, "circle", free_places=PLATE.free_places[1:])] * 2]
)
def test_crystals_lie_apart_within_the_plates_in_turns_that_are_allowed(plates):
    packing = pack(pieces(), plates, GAP, solver="shapely", tries=1)
    assert check_packing(FLAKES, packing.placements, plates, GAP.gap_mm) == []
    assert placed_turns_are_allowed(packing, {c.name: c.turn_deg for c in corrections(FLAKES)})
    assert min(packing.density) > 0.3
    assert {p.name for p in packing.placements} | set(packing.left_out) == {flake.name for flake in FLAKES}
    assert {p.name for p in packing.placements}.isdisjoint(packing.left_out)
    mass = {flake.name: flake.area_mm2 * 0.1 * 3.2 for flake in FLAKES}
    assert np.isclose(packing.mass_mg, sum(mass[p.name] for p in packing.placements))


def test_one_seed_is_one_packing():
    first, again = (
        pack(pieces(FLAKES[:20]), [HolderPlate(16.0, 16.0)], GAP, solver="shapely", tries=4, seed=5) for _ in range(2)
    )
    assert first.placements == again.placements


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("solver", "gap_mm", "bar"),
    [
        ("shapely", 0.25, 0.60),
        *(pytest.param("shapely", *figures, marks=SLOW) for figures in ((0.6, 0.45), (1.0, 0.36))),
        *(pytest.param("spyrrow", *figures, marks=SLOW) for figures in ((0.25, 0.60), (0.6, 0.45), (1.0, 0.36))),
    ],
)
def test_120_flakes_on_a_strip_of_40_mm_are_dense(solver, gap_mm, bar):
    if solver == "spyrrow":
        pytest.importorskip("spyrrow", reason="spyrrow is in the extra mosaic")
    density = strip_density(pieces(draw_flakes(120, seed=1)), gap_mm, solver=solver, tries=1, seconds=20.0)
    print(f"{solver}, gap {gap_mm} mm: density {density:.3f}")
    assert density >= bar


def test_spyrrow_keeps_gaps_edges_and_free_places():
    pytest.importorskip("spyrrow", reason="spyrrow is in the extra mosaic")
    small = HolderPlate(20.0, 24.0, free_places=PLATE.free_places[1:])
    packing = pack(pieces(FLAKES[:25]), [small], GAP, solver="spyrrow", seconds=2.0)
    assert packing.solver == "spyrrow"
    assert check_packing(FLAKES, packing.placements, packing.plates, GAP.gap_mm) == []
    assert packing.density[0] > 0.35


@pytest.mark.parametrize("shape", ["rectangle", "circle"])
def test_the_smallest_plate_takes_all_and_its_screws_keep_their_edges(shape):
    wide = HolderPlate(60.0, 60.0, shape, free_places=(FreePlace(26.0, 0.0, 1.5),))
    packing = pack(pieces(), [wide], GAP, objective="smallest plate", solver="shapely", tries=1)
    (plate,) = packing.plates
    assert packing.left_out == {}
    assert check_packing(FLAKES, packing.placements, packing.plates, GAP.gap_mm) == []
    assert plate.width_mm < 50.0
    assert np.isclose(plate.width_mm / 2.0 - plate.free_places[0].x_mm, 4.0)


def test_a_crystal_turned_over_is_mirrored_and_its_shape_tells_its_hands_apart():
    chiral = Outline("L", np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 1.0], [1.0, 1.0], [1.0, 2.0], [0.0, 2.0]]), 0.2)
    over = Correction("L", 90.0, 0.0, 0.0, turned_over=True)
    piece = pieces_of([chiral], [over], 5.0)[0][0]
    packing = pack([piece], [HolderPlate(10.0, 10.0)], GAP, solver="shapely", tries=1)
    (placement,) = packing.placements
    assert placement.turned_over
    lying = placed_outline(chiral, placement)
    own_way = affinity.translate(piece.turned(90.0), placement.x_mm, placement.y_mm)
    assert lying.symmetric_difference(own_way).area < 1e-9
    other_hand = placed_outline(chiral, replace(placement, turned_over=False))
    assert lying.symmetric_difference(other_hand).area > 1.0
    # The long foot of the L points up after mirroring (it then points to -x) and a turn of 90 degrees (to -y).
    assert np.isclose(lying.bounds[3] - lying.bounds[1], 3.0)
    foot = max(np.asarray(lying.exterior.coords), key=lambda corner: abs(corner[1] - placement.y_mm))
    assert foot[1] < placement.y_mm


def test_most_mass_takes_the_thick_crystals_first():
    flakes = [replace(flake, thickness_mm=1.0 if i % 2 else 0.1) for i, flake in enumerate(draw_flakes(40, seed=2))]
    packing = pack(pieces(flakes), [HolderPlate(24.0, 20.0)], GAP, solver="shapely", tries=2)
    thick = [int(p.name) % 2 == 0 for p in packing.placements]
    assert packing.left_out
    assert np.mean(thick) > 0.7


def test_crystals_that_spoil_the_width_are_left_out_and_named():
    all_of_them = pieces(tilt_deg=0.5)
    spoiler = replace(all_of_them[4], tilt_deg=np.array([6.0, 0.0]))
    all_of_them[4] = spoiler
    packing = pack(all_of_them, [HolderPlate(60.0, 40.0)], GAP, most_width_deg=0.8, solver="shapely", tries=1)
    assert width_deg(all_of_them) > 2.0
    assert packing.width_deg <= 0.8
    assert "tilted by 6.00°" in packing.left_out[spoiler.name]
    kept, _ = within_width(all_of_them, 0.8)
    assert {piece.name for piece in kept} == {p.name for p in packing.placements}
    assert len(kept) > 20


def test_the_width_of_normal_tilts_is_their_fwhm():
    random = np.random.default_rng(0)
    one = pieces()[0]
    many = [replace(one, tilt_deg=0.4 * random.standard_normal(2)) for _ in range(4000)]
    # Standard error of a standard deviation from 4000: 0.4 / sqrt(8000), and the wider of two is taken.
    assert abs(width_deg(many) - 2.3548 * 0.4) < 4.0 * 2.3548 * 0.4 / np.sqrt(8000.0)
    blurred = [replace(piece, sigma_deg=np.full(3, 0.3)) for piece in many]
    assert abs(width_deg(blurred) - 2.3548 * 0.5) < 4.0 * 2.3548 * 0.4 / np.sqrt(8000.0)


def test_the_width_is_that_of_the_tilts_of_the_turns_that_were_packed():
    bar = np.array([[0.0, 0.0], [9.0, 0.0], [9.0, 2.0], [0.0, 2.0]])
    bars = [Outline(str(k), bar if k % 2 else bar[:, ::-1], 0.1) for k in range(4)]
    # On a plate of this height every bar lies along x: half of them in the turn beside the first, their tilts along y.
    made = pieces_of(bars, [Correction(each.name, 0.0, 1.0, 0.0, (90.0,)) for each in bars], 3.0)[0]
    narrow = HolderPlate(60.0, 7.0, edge_mm=1.0)
    packing = pack(made, [narrow], GAP, solver="shapely", tries=1)
    assert sorted(p.turn_deg for p in packing.placements) == [0.0, 0.0, 90.0, 90.0]
    assert width_deg(made) == 0.0
    assert packing.width_deg == pytest.approx(2.3548 * 0.5, rel=1e-4)
    kept = pack(made, [narrow], GAP, solver="shapely", tries=1, most_width_deg=0.5)
    assert kept.width_deg <= 0.5
    assert len(kept.placements) == 2


def test_a_rods_mass_is_that_of_its_outline_and_not_of_the_groove_that_it_covers():
    rod = Outline("R", np.array([[0.0, 0.0], [5.0, 0.0], [5.0, 1.0], [0.0, 1.0]]), 1.0)
    wide = replace(rod, polygon_mm=rod.polygon_mm * [1.0, 1.4])
    (piece,), _ = pieces_of([rod], [Correction("R", 0.0, 45.0, 0.0)], 6.0, footprints=[wide])
    assert piece.mass_mg == pytest.approx(30.0)
    assert piece.area_mm2 == pytest.approx(7.0)


def test_the_check_sees_what_is_wrong():
    square = [Outline(name, np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]])) for name in "abcde"]
    lying = [Placement("a", 0, 0.0, 0.0, 0.0), Placement("b", 0, 2.4, 0.0, 0.0), Placement("c", 0, 2.4, 1.0, 0.0)]
    lying += [Placement("d", 0, 8.2, 0.0, 90.0), Placement("e", 0, -3.0, 9.5, 0.0), Placement("e", 1, 0.0, 0.0, 0.0)]
    plate = HolderPlate(20.0, 20.0, free_places=(FreePlace(-2.5, 0.0, 1.0, "hole"),))
    said = check_packing(square[:4] + square[4:], lying, [plate], 0.6)
    assert said == [
        "e is placed twice",
        "e lies on FRONT 2, which is not there",
        "a is 0.500 mm from hole, not 0.6 mm",
        "d is 0.800 mm from the plate's edge, not 2 mm",
        "e lies over the plate's edge",
        *[line for line in said if " and " in line],
    ]
    assert {line for line in said if " and " in line} == {
        "a and b are 0.400 mm apart, not 0.6 mm",
        "a and c are 0.400 mm apart, not 0.6 mm",
        "b and c lie on each other",
    }


def test_a_flake_larger_than_the_plate_is_named_with_a_remedy():
    large = Outline("17", 20.0 * np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]), 0.1)
    packing = pack(pieces([*FLAKES[:3], large]), [HolderPlate(20.0, 20.0)], GAP, solver="shapely", tries=1)
    assert "17 is larger than the plate" in packing.left_out["17"]
    assert "take a larger plate" in packing.left_out["17"]
    with pytest.raises(ValueError, match="no crystal is left to pack; 17 is larger than the plate"):
        pack(pieces([large]), [HolderPlate(20.0, 20.0)], GAP, solver="shapely", tries=1)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Spacing(clearance_mm=-0.1), "a clearance of -0.1 mm would press the crystals; give 0 or more"),
        (
            lambda: Spacing(wall_mm=0.2),
            "a wall of 0.2 mm is thinner than the printer's thinnest, 0.4 mm; widen the wall",
        ),
        (lambda: HolderPlate(0.0, 10.0), "give two sizes above 0"),
        (lambda: HolderPlate(10.0, 10.0, edge_mm=5.0), "less than half of the plate"),
        (lambda: HolderPlate(10.0, 12.0, "circle"), "give its diameter twice"),
        (lambda: HolderPlate(10.0, 10.0, "oval"), "the shapes are rectangle and circle"),
        (lambda: FreePlace(0.0, 0.0, -1.0, "screw 2"), "screw 2: a radius of -1 mm"),
        (lambda: pack([], [PLATE], GAP), "no crystal to pack"),
        (lambda: pack(pieces(), [], GAP), "no plate to pack on"),
        (lambda: pack(pieces(), [PLATE], GAP, objective="least mass"), "there are: most mass, smallest plate"),
        (lambda: pack(pieces(), [PLATE], GAP, solver="sparrow"), "there are: both, shapely, spyrrow"),
        (lambda: pack(pieces(), [PLATE], GAP, most_width_deg=0.0), "give a width above 0"),
        (lambda: pieces_of(FLAKES, [Correction("x", 0.0, 0.0, 0.0)], 3.2), "a correction of x, which has no outline"),
        (lambda: pieces_of([*FLAKES[:2], FLAKES[1]], [], 3.2), "two outlines are called 2"),
        (lambda: pieces_of(FLAKES, [], 0.0), "a density of 0 g/cm³"),
        (lambda: pieces_of([Outline("1", FLAKES[0].polygon_mm)], corrections(FLAKES[:1]), 3.0), "1 has no thickness"),
    ],
)
def test_bad_input_is_refused_in_one_line_with_the_remedy(make, words):
    with pytest.raises(ValueError, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_crystals_without_a_correction_are_named():
    left_out = pieces_of(FLAKES[:3], corrections(FLAKES[:1]), 3.2, without_turn={"2": "several grains"})[1]
    assert left_out == {"2": "several grains", "3": "not corrected"}


def test_the_picture_shows_crystals_in_their_places(tmp_path):
    packing = pack(pieces(FLAKES[:6]), [HolderPlate(24.0, 20.0)], GAP, solver="shapely", tries=1)
    draw_packing(packing, FLAKES, tmp_path / "packed.svg")
    written = (tmp_path / "packed.svg").read_text()
    assert all(f"<!-- {p.name} -->" in written for p in packing.placements)


def test_flakes_are_the_same_however_many_are_drawn():
    assert np.array_equal(draw_flakes(3, 5)[2].polygon_mm, draw_flakes(9, 5)[2].polygon_mm)
    assert all(Polygon(flake.polygon_mm).convex_hull.area <= flake.area_mm2 * (1 + 1e-9) for flake in FLAKES)


def test_a_few_small_pieces_on_a_high_strip_are_laid_by_shapely_where_spyrrow_gives_up():
    pytest.importorskip("spyrrow", reason="the extra mosaic")
    rods = [Outline(str(k), np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 0.6], [0.0, 0.6]]), 0.5) for k in range(4)]
    turns = [Correction(each.name, 90.0, 0.0, 0.0) for each in rods]
    pieces, _ = pieces_of(rods, turns, 5.0)
    options = {"objective": "smallest plate", "tries": 1, "seconds": 2.0}
    found = pack(pieces, [HolderPlate(40.0, 40.0, edge_mm=1.0)], Spacing(0.8, 0.1), **options)
    assert len(found.placements) == 4
    assert check_packing(rods, found.placements, found.plates, found.gap_mm) == []
    with pytest.raises(ValueError, match="take the solver shapely"):
        pack(pieces, [HolderPlate(40.0, 40.0, edge_mm=1.0)], Spacing(0.8, 0.1), solver="spyrrow", **options)
