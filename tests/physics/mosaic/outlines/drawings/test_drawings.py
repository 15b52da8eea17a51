"""Outlines from drawings: what other programs write is read in mm, and what is wrong is refused in one line."""

import numpy as np
import pytest
from shapely.geometry import Point, Polygon

from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.outlines import (
    check_apart,
    overlaps,
    read_corner_table,
    read_drawing,
    read_dxf,
    read_svg,
)
from beamgym.physics.mosaic.outlines.drawings.svg_path import path_lines

SQUARE = [(0.0, 0.0), (3.0, 0.0), (3.0, 2.0), (0.0, 2.0)]


def drawn(tmp_path, draw, units=4):
    ezdxf = pytest.importorskip("ezdxf", reason="ezdxf is in the extra mosaic")
    drawing = ezdxf.new(units=units)
    draw(drawing.modelspace(), drawing)
    drawing.saveas(tmp_path / "plate.dxf")
    return tmp_path / "plate.dxf"


def svg(tmp_path, body, head='width="40mm" height="30mm" viewBox="0 0 400 300"'):
    path = tmp_path / "plate.svg"
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" {head}>{body}</svg>', encoding="utf-8")
    return path


def table(tmp_path, text):
    (tmp_path / "corners.csv").write_text(text, encoding="utf-8")
    return tmp_path / "corners.csv"


def same(outline, corners):
    return Polygon(outline.polygon_mm).symmetric_difference(Polygon(corners)).area < 1e-6


def test_dxf_lines_of_every_kind_become_outlines(tmp_path):
    def draw(space, drawing):
        space.add_lwpolyline(SQUARE, close=True)
        space.add_polyline2d([(x + 10, y) for x, y in SQUARE], close=True)
        corners = [(x + 20, y) for x, y in SQUARE]
        for a, b in ((0, 1), (2, 1), (3, 2), (3, 0)):  # in any direction
            space.add_line(corners[a], corners[b])
        space.add_circle((32.0, 1.0), 1.5)
        space.add_text("A7").set_placement((1.0, 1.0))
        block = drawing.blocks.new("flake")
        block.add_lwpolyline(SQUARE, close=True)
        space.add_blockref("flake", (0.0, 10.0), dxfattribs={"rotation": 90.0})

    outlines = read_dxf(drawn(tmp_path, draw))
    assert len(outlines) == 5
    by_place = {(round(o.centre_mm[0]), round(o.centre_mm[1])): o for o in outlines}
    assert same(by_place[2, 1], SQUARE)
    assert by_place[2, 1].name == "A7"
    assert same(by_place[12, 1], [(x + 10, y) for x, y in SQUARE])
    assert same(by_place[22, 1], [(x + 20, y) for x, y in SQUARE])
    assert abs(by_place[32, 1].area_mm2 - np.pi * 1.5**2) < 0.05
    assert same(by_place[-1, 12], [(-y, 10 + x) for x, y in SQUARE])
    assert len({o.name for o in outlines}) == 5


def test_dxf_curves_are_followed_to_hundredths(tmp_path):
    def draw(space, drawing):
        space.add_lwpolyline([(0, 0, 0, 0, 1), (2, 0, 0, 0, 0)], close=True)  # a half disc by a bulge

    (outline,) = read_dxf(drawn(tmp_path, draw))
    assert abs(outline.area_mm2 - np.pi / 2.0) < 0.02


@pytest.mark.parametrize(("units", "scale"), [(1, 25.4), (5, 10.0), (13, 1e-3)])
def test_dxf_units_are_the_drawings_own(tmp_path, units, scale):
    path = drawn(tmp_path, lambda space, _: space.add_lwpolyline(np.array(SQUARE) * 3.0, close=True), units)
    assert np.isclose(read_dxf(path)[0].area_mm2, 54.0 * scale**2)


def test_dxf_without_a_unit_is_refused_unless_it_is_stated(tmp_path):
    path = drawn(tmp_path, lambda space, _: space.add_lwpolyline(SQUARE, close=True), units=0)
    with pytest.raises(ValueError, match=r"does not say its unit .*; state mm per unit"):
        read_dxf(path)
    assert same(read_drawing(path, mm_per_unit=1.0)[0], SQUARE)


def test_dxf_lines_that_do_not_close_are_refused_by_their_end(tmp_path):
    path = drawn(tmp_path, lambda space, _: space.add_lwpolyline(SQUARE))
    with pytest.raises(ValueError, match=r"a line ends at x = 0.000, y = 2.000 mm and meets no other; close it"):
        read_dxf(path)


def test_what_is_no_dxf_is_refused(tmp_path):
    pytest.importorskip("ezdxf", reason="ezdxf is in the extra mosaic")
    (tmp_path / "no.dxf").write_text("hello\n")
    with pytest.raises(ValueError, match="is no DXF drawing that can be read") as caught:
        read_dxf(tmp_path / "no.dxf")
    assert "\n" not in str(caught.value)


def test_svg_shapes_and_transforms_are_read_in_mm_with_y_upwards(tmp_path):
    body = """
      <defs><rect width="100" height="100"/></defs>
      <rect id="rect12" x="0" y="280" width="30" height="20"/>
      <g transform="translate(100 300)"><g transform="rotate(-90)">
        <polygon id="B" points="0,0 30,0 30,20 0,20"/></g></g>
      <circle id="C" cx="200" cy="100" r="20"/>
      <path id="D" transform="matrix(2 0 0 2 0 0)" d="m 10,10 h 15 v 10 h -15 z"/>
      <path style="display: none" d="M0 0h9v9z"/>
    """
    outlines = {o.name: o for o in read_svg(svg(tmp_path, body))}
    assert set(outlines) == {"1", "B", "C", "D"}
    assert same(outlines["1"], SQUARE)
    # Turned by -90 degrees in a frame with y down is counter-clockwise as seen: x to up, y to the right.
    assert same(outlines["B"], [(10, 0), (10, 3), (12, 3), (12, 0)])
    assert np.allclose(outlines["C"].centre_mm, [20.0, 20.0])
    assert abs(outlines["C"].area_mm2 - np.pi * 4.0) < 0.01 * np.pi * 4.0
    assert same(outlines["D"], [(2, 28), (5, 28), (5, 26), (2, 26)])


def test_svg_in_inches_without_a_view_box_counts_96_units_an_inch(tmp_path):
    path = svg(tmp_path, '<rect x="0" y="0" width="96" height="48"/>', 'width="2in" height="1in"')
    (outline,) = read_svg(path)
    assert same(outline, [(0, 12.7), (25.4, 12.7), (25.4, 25.4), (0, 25.4)])


def test_svg_arcs_and_curves_follow_their_shapes():
    (disc,) = path_lines("M-2 0a2 2 0 1 0 4 0 2 2 0 10-4 0z")  # flags without blanks
    assert abs(Polygon(disc).area - 4.0 * np.pi) < 0.02 * 4.0 * np.pi
    assert all(abs(Point(0, 0).distance(Point(*corner)) - 2.0) < 1e-9 for corner in disc)
    # The cubic of a quarter circle leaves it by 0.03 %.
    k = 0.5522847498
    (quarter,) = path_lines(f"M0 0L1 0C1 {k} {k} 1 0 1Z")
    assert abs(Polygon(quarter).area - np.pi / 4.0) < 0.002
    (smooth,) = path_lines("M0 0 Q1 1 2 0 T4 0 L4 -3 0 -3Z")
    assert abs(Polygon(smooth).area - 12.0) < 1e-6  # the two bows cancel


@pytest.mark.parametrize(
    ("body", "head", "words"),
    [
        ("<rect width='9' height='9'/>", 'viewBox="0 0 9 9"', "does not say its size in mm"),
        ("<rect width='9' height='9'/>", 'width="90" height="90"', "does not say its size in mm"),
        ("", 'width="9mm" viewBox="0 0 9 9"', "has no closed shape"),
        ("<path d='M0 0H9V9'/>", 'width="9mm" viewBox="0 0 9 9"', r"ends at \(9, 9\) and is not closed; close it"),
        ("<path d='M0 0 oops'/>", 'width="9mm" viewBox="0 0 9 9"', "is no part of an SVG path"),
        ("<path d='M0 0 L1'/>", 'width="9mm" viewBox="0 0 9 9"', "too few numbers after 'L'"),
        ("<use href='#a'/>", 'width="9mm" viewBox="0 0 9 9"', "unlink clones before you save"),
        ("<g transform='twist(3)'/>", 'width="9mm" viewBox="0 0 9 9"', "which SVG does not have"),
        ("<rect></svg>", 'width="9mm"', "is no SVG drawing"),
    ],
)
def test_bad_svg_is_refused_in_one_line(tmp_path, body, head, words):
    with pytest.raises(ValueError, match=words) as caught:
        read_svg(svg(tmp_path, body, head))
    assert "\n" not in str(caught.value)


def test_svg_with_entities_is_not_read(tmp_path):
    path = tmp_path / "bomb.svg"
    path.write_text('<!DOCTYPE svg [<!ENTITY a "aaaaaaaa">]><svg width="9mm"><text>&a;</text></svg>')
    with pytest.raises(ValueError, match="declares XML entities, which are not read"):
        read_svg(path)


def test_a_table_of_corners_is_read(tmp_path):
    text = "name,corner,x_mm,y_mm,thickness_mm\n"
    text += "".join(f"a,{i},{x},{y},0.2\n" for i, (x, y) in reversed(list(enumerate(SQUARE))))
    text += "".join(f"b,{i},{x + 5},{y},\n" for i, (x, y) in enumerate(SQUARE))
    a, b = read_corner_table(table(tmp_path, text))
    assert same(a, SQUARE)
    assert (a.thickness_mm, b.thickness_mm) == (0.2, None)
    assert (a.name, b.name) == ("a", "b")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,x_mm,y_mm\na,0,0\n", "column 'corner' is missing; the columns are name, corner, x_mm, y_mm"),
        ("name,corner,x,y_mm\na,0,0,0\n", "column 'x' is not in mm or does not say so; give x_mm in millimetres"),
        ("name,corner,x_um,y_um\na,0,0,0\n", "column 'x_um' is not in mm"),
        ("name,corner,x_mm,y_mm\na,0,zero,0\n", "row 2, x_mm: 'zero' is no number"),
        ("name,corner,x_mm,y_mm\n,0,0,0\n", "row 2: the name is empty"),
        ("name,corner,x_mm,y_mm\n", "has no corners"),
        ("", "column 'name' is missing"),
        ("name,corner,x_mm,y_mm\na,0,0,0\na,1,1,1\na,2,1,0\na,3,0,1\n", "outline a crosses itself"),
    ],
)
def test_bad_tables_are_refused_by_name(tmp_path, text, words):
    with pytest.raises(ValueError, match=words):
        read_corner_table(table(tmp_path, text))


def test_outlines_on_each_other_are_refused_and_touching_ones_are_not():
    a, b, c = (Outline(name, np.array(SQUARE) + np.array([x, 0.0])) for name, x in (("a", 0.0), ("b", 3.0), ("c", 5.5)))
    assert overlaps([a, b]) == []
    assert overlaps([a, b, c]) == [("b", "c", pytest.approx(1.0))]
    with pytest.raises(ValueError, match="outlines b and c lie on each other by 1 mm²; draw them apart"):
        check_apart([a, b, c])
    with pytest.raises(ValueError, match="two outlines are called a"):
        check_apart([a, a])


def test_other_endings_and_missing_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"outlines are read from \.dxf, \.svg, \.csv"):
        read_drawing(tmp_path / "plate.dwg")
    for name in ("plate.svg", "plate.csv"):
        with pytest.raises(ValueError, match="there is no file"):
            read_drawing(tmp_path / name)
    with pytest.raises(ValueError, match="0 mm per unit; give a number above 0"):
        read_drawing(tmp_path / "plate.svg", mm_per_unit=0.0)


def test_dxf_of_release_12_says_no_unit_and_is_not_taken_for_metres(tmp_path):
    pytest.importorskip("ezdxf", reason="ezdxf is in the extra mosaic")
    corners = "".join(f"0\nVERTEX\n8\n0\n10\n{x}\n20\n{y}\n" for x, y in SQUARE)
    path = tmp_path / "old.dxf"
    path.write_text(
        f"0\nSECTION\n2\nENTITIES\n0\nPOLYLINE\n8\n0\n66\n1\n70\n1\n{corners}0\nSEQEND\n0\nENDSEC\n0\nEOF\n"
    )
    with pytest.raises(ValueError, match=r"does not say its unit .* --mm-per-unit"):
        read_dxf(path)
    assert same(read_dxf(path, 1.0)[0], SQUARE)


def test_dxf_rows_of_blocks_names_in_them_and_hidden_layers(tmp_path):
    def draw(space, drawing):
        block = drawing.blocks.new("flake")
        block.add_lwpolyline(SQUARE, close=True)
        grid = {"row_count": 2, "column_count": 3, "row_spacing": 10.0, "column_spacing": 10.0}
        space.add_blockref("flake", (0.0, 0.0), dxfattribs=grid)
        space.add_blockref("flake", (50.0, 0.0)).add_attrib("NAME", "K9", (51.0, 1.0))
        drawing.layers.add("frame").off()
        drawing.layers.add("old").freeze()
        for layer in ("frame", "old"):
            space.add_circle((0.0, 0.0), 90.0, dxfattribs={"layer": layer})

    outlines = read_dxf(drawn(tmp_path, draw))
    assert sorted(o.centre_mm.round(6).tolist() for o in outlines) == sorted(
        [[1.5 + 10 * k, 1.0 + 10 * n] for k in range(3) for n in range(2)] + [[51.5, 1.0]]
    )
    assert next(o.name for o in outlines if o.centre_mm[0] > 50.0) == "K9"


def test_dxf_faces_that_are_no_lines_are_refused_rather_than_lost(tmp_path):
    def draw(space, _):
        space.add_lwpolyline(SQUARE, close=True)
        space.add_solid([(10, 0), (11, 0), (10, 1), (11, 1)])

    with pytest.raises(ValueError, match="SOLID is no line"):
        read_dxf(drawn(tmp_path, draw))


FLAKE = '<path d="m 20,30 h 40 v 20 h -40 z"/>'


@pytest.mark.parametrize(
    ("body", "head", "words"),
    [
        ('<polyline points="1,1 5,1 5,4"/>', None, "open; close it"),
        (FLAKE.replace("d=", 'style="transform:scale(2)" d='), None, "transform in a style"),
        (FLAKE.replace("d=", 'clip-path="url(#c)" d='), None, "release the clip"),
        (f'<svg viewBox="0 0 10 10">{FLAKE}</svg>', None, "nested svg"),
        (FLAKE, 'width="80mm" height="30mm" viewBox="0 0 400 300"', "0.2 mm a unit across and 0.1 mm up"),
        (FLAKE, 'width="80mm" height="30mm" viewBox="0 0 0 0"', "above 0"),
        (FLAKE, 'width="40mm" viewBox="0 0 a b"', "plate.svg: viewBox"),
    ],
)
def test_svg_whose_size_or_edge_would_come_out_wrong_is_refused(tmp_path, body, head, words):
    path = svg(tmp_path, body, head) if head else svg(tmp_path, body)
    with pytest.raises(ValueError, match=words):
        read_svg(path)


def test_svg_hides_what_is_hidden_and_rounds_what_is_round(tmp_path):
    body = f'<g visibility="hidden">{FLAKE}</g><rect x="100" y="100" width="60" height="40" rx="20"/>'
    (outline,) = read_svg(svg(tmp_path, body))
    assert outline.area_mm2 == pytest.approx(24.0 - (4.0 - np.pi) * 4.0, abs=0.01)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"name;corner;x_mm;y_mm\na;0;0,5;1\n", "semicolons"),
        ("name,corner,x_mm,y_mm\n\u00e4,0,0,1\n".encode("latin-1"), "UTF-8"),
        (b"name,corner,x_mm,y_mm\na,0,0,0\na,1,3,0\na,2,0,3\na,0,9,9\n", "row 5: a has a corner 0 already"),
        (b"name,corner,x_mm,y_mm,thickness\na,0,0,0,100\n", "column 'thickness' is not in mm"),
        (b'name,corner,x_mm,y_mm\n"a\nb",0,0,0\n"a\nb",1,3,0\n"a\nb",2,0,3\n', "one line of printable"),
    ],
)
def test_tables_of_other_programs_are_refused_with_what_to_save(tmp_path, content, words):
    (tmp_path / "corners.csv").write_bytes(content)
    with pytest.raises(ValueError, match=words):
        read_corner_table(tmp_path / "corners.csv")


@pytest.mark.parametrize("bordered", [False, True])
def test_a_hatch_is_no_outline_and_its_border_is_one(tmp_path, bordered):
    def draw(space, drawing):
        space.add_hatch().paths.add_polyline_path(SQUARE, is_closed=True)
        if bordered:
            space.add_lwpolyline(SQUARE, close=True)

    path = drawn(tmp_path, draw)
    if bordered:
        (outline,) = read_dxf(path)
        assert same(outline, SQUARE)
    else:
        with pytest.raises(ValueError, match="has hatches and no closed line; draw each crystal's border as a closed"):
            read_dxf(path)
