"""Outlines from photographs: rendered ones of known crystals, and a real one of coins."""

from dataclasses import replace

import numpy as np
import pytest
from photographed import compared
from PIL import Image
from scipy.ndimage import gaussian_filter
from shapely import affinity

from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.outlines import (
    Marker,
    PhotographStyle,
    corner_markers,
    corner_table,
    draw_found,
    marker_sheet,
    marker_table,
    outlines_of_photograph,
    photograph,
    read_corner_table,
    read_markers,
    read_photograph,
    read_svg,
)
from beamgym.physics.mosaic.outlines.markers import RING_MM, check_markers
from beamgym.physics.mosaic.outlines.rendered import plate_to_pixel, projected
from beamgym.physics.mosaic.outlines.view import rectified, view_by_markers, view_by_scale

skimage = pytest.importorskip("skimage", reason="scikit-image is in the extra mosaic")

MARKERS = corner_markers(46.0, 36.0)
STYLE = PhotographStyle(width_px=1000, height_px=800, view_mm=52.0)
SMALL = replace(STYLE, width_px=600, height_px=480)
FACETS = {
    "square": [(0, 0), (4, 0), (4, 3), (0, 3)],
    "kite": [(0, 0), (3.5, 0.4), (4.2, 2.6), (1.0, 3.4)],
    "house": [(0, 0), (3, 0), (3, 2), (1.5, 3.2), (0, 2)],
    "wedge": [(0, 0), (5, 0.5), (0.5, 2.8)],
}


def scene():
    """Ten crystals with straight facets at stated places; the last two touch."""
    random = np.random.default_rng(2)
    outlines = []
    for k in range(8):
        corners = np.array(list(FACETS.values())[k % 4], dtype=float)
        turned = affinity.rotate(Outline("1", corners).shape, random.uniform(0.0, 360.0), origin="centroid")
        at = np.array([-13.0 + 8.5 * (k % 4), 8.0 - 8.0 * (k // 4)])
        outlines.append(np.asarray(turned.exterior.coords)[:-1] - np.array(turned.centroid.coords[0]) + at)
    outlines.append(np.array([(-4.0, -12.0), (0.0, -12.0), (0.0, -8.5), (-4.0, -8.5)]))
    outlines.append(np.array([(0.0, -10.5), (3.5, -12.5), (4.5, -9.5)]))
    return [Outline(f"true {k}", corners) for k, corners in enumerate(outlines)]


@pytest.fixture(scope="module")
def seen():
    picture = photograph(scene(), MARKERS, 1, replace(STYLE, glare=0.0))
    return outlines_of_photograph(picture, markers=MARKERS)


def test_outlines_of_a_rendered_photograph_are_those_that_were_drawn(seen):
    rows = compared(scene(), seen)
    assert len(seen.outlines) == 10
    assert min(shared for _, shared, _ in rows) > 0.93
    assert np.median([shared for _, shared, _ in rows]) >= 0.95
    assert np.median([error for *_, error in rows]) <= 0.3
    assert max(error for *_, error in rows) <= 1.0


def test_touching_crystals_are_parted_and_say_so(seen):
    one, other = (best for best, *_ in compared(scene(), seen)[-2:])
    assert one.name != other.name
    assert f"touches {other.name}" in one.note
    assert f"touches {one.name}" in other.note
    assert {one.name, other.name} <= set(seen.doubts)
    assert sum("touches" in note for note in seen.doubts.values()) == 2


def test_what_is_found_can_be_written_and_read_as_a_table(seen, tmp_path):
    (tmp_path / "outlines.csv").write_text(corner_table(seen.outlines), encoding="utf-8")
    again = read_corner_table(tmp_path / "outlines.csv")
    assert [(one.name, one.note) for one in again] == [(one.name, one.note) for one in seen.outlines]
    assert all(np.allclose(a.polygon_mm, b.polygon_mm, atol=1e-4) for a, b in zip(again, seen.outlines, strict=True))


def test_names_run_from_top_to_bottom(seen):
    assert [outline.name for outline in seen.outlines] == [str(k + 1) for k in range(10)]
    heights = [outline.centre_mm[1] for outline in seen.outlines]
    assert min(heights[:4]) > max(heights[4:8]) > max(heights[8:])


def test_glare_is_flagged_where_it_costs_more_than_a_tenth_of_a_crystal():
    picture = photograph(scene(), MARKERS, 5, replace(STYLE, glare=1.0))
    found = outlines_of_photograph(picture, markers=MARKERS)
    spoilt = [best.name for best, shared, _ in compared(scene(), found) if shared < 0.9]
    assert spoilt
    assert set(spoilt) <= set(found.doubts)


def painted(shadow=1.0):
    """A dark rectangle of 8 x 5 mm, turned by 20°, crossed by glare as bright as the plate, with a shadow below it."""
    row, column = np.mgrid[0:400, 0:500]
    x, y = (column - 250) / 30.0, (200 - row) / 30.0
    turn = np.radians(20.0)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    inside = (np.abs(along) < 4.0) & (np.abs(across) < 2.5)
    below = (np.abs(along - 0.1) < 4.0) & (np.abs(across + 0.35) < 2.5)
    plate = 0.6 * (1.0 + 0.04 * np.random.default_rng(3).standard_normal(x.shape)) * np.where(below, shadow, 1.0)
    crystal = 0.12 + 0.48 * np.exp(-0.5 * ((along - 0.5) / 0.5) ** 2)
    picture = gaussian_filter(np.where(inside, crystal, plate), 0.8)
    corners = np.array([[-4.0, -2.5], [4.0, -2.5], [4.0, 2.5], [-4.0, 2.5]])
    return 255.0 * picture, corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])


@pytest.mark.parametrize("shadow", [1.0, 0.6])
def test_glare_as_bright_as_the_plate_parts_no_crystal_and_a_shadow_is_none_of_it(shadow):
    picture, corners = painted(shadow)
    found = outlines_of_photograph(picture, mm_per_px=1.0 / 30.0, origin_px=(250.0, 200.0))
    ((_, shared, error),) = compared([Outline("1", corners)], found)
    assert len(found.outlines) == 1
    assert shared > 0.95
    assert error < 0.5


def test_a_light_crystal_on_a_dark_plate_is_seen_too():
    style = replace(STYLE, metal=(0.12, 0.12, 0.13), crystal=(0.55, 0.42, 0.12), glare=0.0, plate_glare=0.02)
    found = outlines_of_photograph(photograph(scene(), MARKERS, 3, style), markers=MARKERS)
    assert np.median([shared for _, shared, _ in compared(scene(), found)]) >= 0.95


@pytest.mark.parametrize("style", [STYLE, replace(STYLE, tilt_deg=15.0, tilt_towards_deg=250.0, roll_deg=190.0)])
def test_markers_give_places_to_hundredths_of_a_millimetre(style):
    grey = photograph([], MARKERS, 4, style).mean(axis=2) / 255.0
    view = view_by_markers(grey, MARKERS)
    points = np.array([[x, y] for x in (-18.0, 0.0, 18.0) for y in (-14.0, 0.0, 14.0)])
    assert np.abs(view.plate(projected(points, plate_to_pixel(style))) - points).max() < 0.05


def test_a_stated_scale_needs_no_markers():
    style = replace(STYLE, tilt_deg=0.0, roll_deg=0.0, glare=0.0)
    found = outlines_of_photograph(photograph(scene()[:8], [], 1, style), mm_per_px=52.0 / 1000.0)
    moved = [
        Outline(each.name, each.polygon_mm + (np.array([1000.0, 800.0]) / 2.0 - [0.0, 1.0]) * 0.052)
        for each in scene()[:8]
    ]
    assert min(shared for _, shared, _ in compared(moved, found)) > 0.93


def test_a_stated_scale_knows_turn_and_origin():
    view = view_by_scale(900, 0.05, 90.0, (600.0, 450.0))
    assert np.allclose(
        view.pixels(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])), [(600, 450), (600, 430), (580, 450)]
    )


@pytest.fixture(scope="module")
def bare():
    """A plate with markers and nothing else."""
    return photograph([], MARKERS, 1, SMALL)


def refused(words, picture, **options):
    with pytest.raises(ValueError, match=words) as caught:
        outlines_of_photograph(picture, **options)
    assert "\n" not in str(caught.value)


def test_photographs_that_tell_no_scale_are_refused_in_one_line(bare):
    refused("without markers and without a scale; state the markers' places, or mm per pixel", bare)
    refused("give one of them", bare, markers=MARKERS, mm_per_px=0.05)
    refused("give the size of a pixel on the plate, above 0", bare, mm_per_px=0.0)
    refused("no crystal is seen", bare, markers=MARKERS)
    refused("the turn is nan", bare, mm_per_px=0.05, turn_deg=float("nan"))
    refused("usually 0.01 to 0.1", bare, mm_per_px=1e300)
    refused("the photograph is black", np.zeros_like(bare), mm_per_px=0.05)
    refused("the photograph is of one tone", np.full_like(bare, 90), markers=MARKERS)
    refused("the least area is nan", bare, mm_per_px=0.05, least_mm2=float("nan"))
    refused("a perspective needs four", bare, markers=MARKERS[:3])
    refused("two markers have 1 dots", bare, markers=[*MARKERS, Marker(1, 0.0, 0.0)])
    refused("the photograph is mirrored", bare[:, ::-1], markers=MARKERS)
    refused("a picture of shape", np.zeros((8, 8)), mm_per_px=0.1)


def test_a_photograph_of_many_pixels_is_looked_at_no_finer_than_is_useful():
    flat = rectified(np.zeros((5000, 4000, 3), dtype=np.uint8), view_by_scale(5000, 1.0))
    assert flat.picture.shape[0] * flat.picture.shape[1] <= 12.1e6
    assert flat.px_per_mm == pytest.approx(np.sqrt(12e6 / (4999 * 3999)), rel=1e-3)


def test_markers_that_are_hidden_or_elsewhere_are_named(bare):
    hidden = photograph([], MARKERS[:3], 1, SMALL)
    refused("3 markers are found and four are needed; not found: 4", hidden, markers=MARKERS)
    elsewhere = [replace(marker, x_mm=1.4 * marker.x_mm, y_mm=1.4 * marker.y_mm) for marker in MARKERS]
    refused("its ring measures .* check the places", bare, markers=elsewhere)
    fifth = Marker(5, 0.0, 0.0)
    moved = [*MARKERS, replace(fifth, x_mm=1.5)]
    refused(
        "the markers lie .* mm from where they are stated", photograph([], [*MARKERS, fifth], 1, SMALL), markers=moved
    )


def test_markers_on_one_line_give_no_perspective():
    with pytest.raises(ValueError, match="on one line"):
        check_markers([Marker(k, 5.0 * k, 1.0) for k in (1, 2, 3, 4)])
    with pytest.raises(ValueError, match="10000 at most"):
        Marker(1, 1e300, 0.0)
    with pytest.raises(ValueError, match="check the unit"):
        Outline("1", np.array([[0.0, 0.0], [1e300, 0.0], [0.0, 1e300]]))
    with pytest.raises(ValueError, match="markers have 1 to 6"):
        Marker(7, 0.0, 0.0)


def test_the_printed_sheet_has_the_rings_at_their_places_and_sizes(tmp_path):
    (tmp_path / "sheet.svg").write_text(marker_sheet(MARKERS))
    text = (tmp_path / "sheet.svg").read_text()
    assert text.count(f'r="{RING_MM:.3f}"') == 4
    # Only the papers are kept: their middles are the markers' as an independent reader sees them.
    papers = [line for line in text.splitlines() if not line.startswith("<circle") or "stroke" in line]
    (tmp_path / "papers.svg").write_text("\n".join(papers))
    found = np.array([outline.centre_mm for outline in read_svg(tmp_path / "papers.svg")])
    places = np.array([[marker.x_mm, marker.y_mm] for marker in MARKERS])
    assert np.allclose(found - found[0], places - places[0], atol=0.01)


def test_the_table_of_markers_is_read_and_checked(tmp_path):
    path = tmp_path / "markers.csv"
    path.write_text(marker_table(MARKERS))
    assert tuple(read_markers(path)) == MARKERS
    for text, words in (
        ("dots,x_mm\n1,0\n", "column 'y_mm' is missing"),
        ("dots,x_mm,y_mm\n1,0,here\n", "row 2: could not convert"),
        ("dots,x_mm,y_mm\n1,0,0\n", "1 markers; a perspective needs four"),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=words):
            read_markers(path)


def test_the_picture_draws_sure_outlines_green_and_doubtful_ones_red(seen, tmp_path):
    draw_found(np.zeros((800, 1000, 3)), seen, tmp_path / "seen.png")
    drawn = np.asarray(Image.open(tmp_path / "seen.png")).astype(int)
    red = (drawn[:, :, 0] > 200) & (drawn[:, :, 1] < 120)
    green = (drawn[:, :, 1] > 200) & (drawn[:, :, 0] < 120)
    for outline in seen.outlines:
        corners = np.round(seen.view.pixels(outline.polygon_mm)).astype(int)
        wished = red if outline.name in seen.doubts else green
        assert all(wished[y - 2 : y + 3, x - 2 : x + 3].any() for x, y in corners)


def test_a_real_photograph_of_coins_gives_each_coin_once():
    # scikit-image's photograph of 24 coins from Pompeii, unevenly lit; the faces are worn and of several tones.
    coins = skimage.data.coins()
    found = outlines_of_photograph(coins, mm_per_px=0.4, least_mm2=60.0)
    centres = np.array([outline.centre_mm for outline in found.outlines])
    alone = [o for o in found.outlines if o.area_mm2 / o.shape.convex_hull.area > 0.9]
    assert 20 <= len(centres) <= 26
    assert len(alone) >= 18


def test_pictures_are_read_from_png_jpeg_and_tiff_of_8_and_16_bits(tmp_path):
    grey = (np.arange(64 * 48).reshape(48, 64) % 256).astype(np.uint8)
    Image.fromarray(grey).save(tmp_path / "a.png")
    Image.fromarray(grey).save(tmp_path / "a.jpg", quality=95)
    Image.fromarray(grey.astype(np.uint16) * 200).save(tmp_path / "a.tif")
    assert np.array_equal(read_photograph(tmp_path / "a.png")[:, :, 0], grey)
    assert np.abs(read_photograph(tmp_path / "a.jpg")[:, :, 1].astype(float) - grey).mean() < 8.0
    assert np.abs(read_photograph(tmp_path / "a.tif")[:, :, 2].astype(float) - grey).max() <= 1.0
    (tmp_path / "no.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="cannot be read as a picture; give a PNG, JPEG or TIFF file"):
        read_photograph(tmp_path / "no.png")
    with pytest.raises(ValueError, match="there is no photograph"):
        read_photograph(tmp_path / "missing.png")
