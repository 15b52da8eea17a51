"""Lists of peaks as people and programs write them: by their columns, or refused; never shifted."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beamgym.physics.laue.files import ImageFileError, read_peaks

DATA = Path(os.environ.get("BEAMGYM_DATA", Path(__file__).parents[5] / "shared" / "data"))
FIRST, SECOND = (100.5, 200.25, 5000.0), (30.0, 50.5, 4000.0)

READ = {
    "three columns": "100.5 200.25 5000\n30 50.5 4000\n",
    "aligned": "   100.50   200.25    5000.0 \n    30.00    50.50    4000.0 \n",
    "commas": "100.5,200.25,5000\n30,50.5,4000\n",
    "commas and spaces": "100.5, 200.25, 5000\n30, 50.5, 4000\n",
    "comma at the end": "100.5,200.25,5000,\n30,50.5,4000,\n",
    "tabs": "100.5\t200.25\t5000\n30\t50.5\t4000\n",
    "Excel in German": "x;y;I\n100,5;200,25;5000\n30;50,5;4000\n",
    "Excel in French, with tabs": "X\tY\tI\n100,5\t200,25\t5000\n30,0\t50,5\t4000\n",
    "decimal commas between spaces": "100,5 200,25 5000\n30,0 50,5 4000\n",
    "semicolons and points": "X;Y;I\n100.5;200.25;5000\n30;50.5;4000\n",
    "quotes": '"X","Y","I"\n"100.5","200.25","5000"\n"30","50.5","4000"\n',
    "exponents": "1.005E+02 2.0025e2 5.0D3\n3e1 5.05e1 4e3\n",
    "windows": "X Y I\r\n100.5 200.25 5000\r\n30 50.5 4000\r\n",
    "a number of the peak": "nr X Y I\n1 100.5 200.25 5000\n2 30 50.5 4000\n",
    "units in brackets": "nr X[px] Y[px] I\n1 100.5 200.25 5000\n2 30 50.5 4000\n",
    "units behind a space": "X (pixel)  Y (pixel)  Intensity (counts)\n100.5 200.25 5000\n30 50.5 4000\n",
    "units in names": "# x_px, y_px, intensity\n100.5,200.25,5000\n30,50.5,4000\n",
    "another order": "I Y X\n5000 200.25 100.5\n4000 50.5 30\n",
    "rows and columns": "row,column,counts\n200.25,100.5,5000\n50.5,30,4000\n",
    "names of two words": "Spot No;X Pos;Y Pos;Sum\n1;100,5;200,25;5000\n2;30;50,5;4000\n",
    "ImageJ": " ,Area,Mean,X,Y,IntDen\n1,9,8,100.5,200.25,5000\n2,9,8,30,50.5,4000\n",
    "comments about": "# a note: taken at noon\n# by hand\nX Y I\n100.5 200.25 5000\n# break\n30 50.5 4000\n# end 3\n",
    "comments and no names": "# exposure: 30 s\n100.5 200.25 5000\n30 50.5 4000\n",
    "percent": "% X Y I\n100.5 200.25 5000\n30 50.5 4000\n",
    "blank lines": "\n\nX Y I\n\n100.5 200.25 5000\n\n30 50.5 4000\n\n",
    "an aside": "# X Y I (0-based pixel: first pixel centre = 0)\n100.5 200.25 5000\n30 50.5 4000\n",
}
LAUETOOLS = {
    "dat": "peak_X peak_Y peak_Itot peak_Isub peak_fwaxmaj\n"
    "101.50 201.25 5100.0 5000.0 1.06\n31.00 51.50 4100.0 4000.0 1.28\n# File created by IOLaueTools.py\n",
    "dat of a network": "#peak_X peak_Y peak_Itot peak_Isub Ipixmax Eccentricity \n"
    "101.50 201.25 5100.0 5000.0 9 1\n31.00 51.50 4100.0 4000.0 9 1\n",
    "cor": "2theta chi X Y I\n64.3 8.1 101.5 201.25 5000\n61.4 24.9 31 51.5 4000\n# dd     :   76.5\n# xcen : 1020\n",
    "cor of a simulation": "2theta   chi    x    y  I\n59.0 22.2 101.5 201.25 5000\n70.5 -30.7 31 51.5 4000\n",
    "cor with more": "2theta       chi         X           Y           I        peak_Itot peak_fwaxmaj\n"
    "54.7 -14.7 101.5 201.25 5000 5100 1.2\n51.4 14.1 31 51.5 4000 4100 1.5\n",
    "unindexed": "# Unindexed Spots of: a.cor\n# Number of unindexed spots: 2\n#Element\nNone\n#grainIndex\nNone\n"
    "#spot_index intensity 2theta Chi Xexp Yexp\n1.0 5000 70.5 -30.7 101.5 201.25\n2.0 4000 69.7 32 31 51.5\n",
}
REFUSED = {
    "": "holds no peaks",
    "X Y I\n": "holds no peaks",
    "1 2\n": "2 columns; X Y I",
    "1 2 3\n4 five 6\n": "line 2: not numbers",
    "1 2 3\n4 5\n": "line 2: 2 columns where the first line has 3",
    "1 2 nan\n": "not finite",
    "1 inf 3\n": "not finite",
    "1 2 3\nnan 2 3\n": "not finite",
    "1 2 3 4\n5 6 7 8\n": "4 columns; X Y I are needed: which they are",
    "1 100.5 200.5\n2 30.5 50.5\n3 7 8\n": "the first column only counts",
    "a b c\n1 2 3\n": "columns not recognised in 'a b c'",
    "# h k l\n1 2 3\n": "columns not recognised",
    "theta chi I\n1 2 3\n": "columns not recognised",
    "X Y\n1 2\n": "no intensity",
    "nr X Y Q\n1 2 3 4\n": "no intensity",
    "X Y I\n1 2 3 4\n": "3 columns are named .* the lines below hold 4",
    "x,y,I\n100,5,200,5,5000\n": "3 columns are named .* the lines below hold 5; decimal commas",
    "100,5,200,5,5000\n": "5 columns; X Y I are needed",
    "X[mm] Y[mm] I\n1 2 3\n": "x is in mm; positions are wanted in pixels",
    "X(µm);Y(µm);I\n1;2;3\n": "x is in µm",
    "x_mm y_mm I\n1 2 3\n": "columns not recognised",
    "X X Y I\n1 2 3 4\n": "two columns are named x",
    "1_000 2 3\n": "holds no peaks|not recognised",
    "0x10 2 3\n": "holds no peaks|not recognised",
    "1e9 2 3\n": "beyond a million pixels",
    "1 2 3\nsome words\n": "line 2",
    "1 2 3\0\n": "is not text",
    "<html><body>404 not found</body></html>\n": "holds no peaks",
}


def peaks_of(path):
    return [(*map(float, p), float(i)) for p, i in zip(path.position_px[0], path.intensity[0], strict=True)]


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_list_is_read_by_its_columns(tmp_path, name, encoding):
    (tmp_path / "x.txt").write_bytes(READ[name].encode(encoding))
    peaks = read_peaks(tmp_path / "x.txt")
    assert peaks_of(peaks) == [FIRST, SECOND]
    assert peaks.count.tolist() == [2]
    assert peaks.notes[0].startswith("the first pixel is ")


@pytest.mark.parametrize("name", LAUETOOLS)
def test_a_list_of_lauetools_counts_from_one_and_says_so(tmp_path, name):
    (tmp_path / "x.dat").write_text(LAUETOOLS[name])
    peaks = read_peaks(tmp_path / "x.dat")
    assert peaks_of(peaks) == [FIRST, SECOND]
    assert peaks.notes == ("a list of LaueTools: its first pixel is 1",)


@pytest.mark.parametrize(
    ("remark", "first"),
    [("1-based", 1), ("one-based", 1), ("first pixel centre = 1", 1), ("0-based", 0), ("first pixel is 0", 0)],
)
def test_where_a_list_says_what_its_first_pixel_is_it_is_believed(tmp_path, remark, first):
    (tmp_path / "x.txt").write_text(f"# positions in pixels, {remark}\n# X Y I\n10 20 30\n")
    peaks = read_peaks(tmp_path / "x.txt")
    assert peaks_of(peaks) == [(10.0 - first, 20.0 - first, 30.0)]
    assert peaks.notes == (f"the first pixel is {first}, as the list says",)
    against = read_peaks(tmp_path / "x.txt", one_based=not first)
    assert peaks_of(against) == [(9.0 + first, 19.0 + first, 30.0)]
    assert "is used, as asked" in against.notes[0]


@pytest.mark.parametrize("one_based", [True, False])
def test_the_users_word_counts_and_needs_no_note(tmp_path, one_based):
    (tmp_path / "x.txt").write_text("10 20 30\n")
    peaks = read_peaks(tmp_path / "x.txt", one_based)
    assert peaks_of(peaks) == [(10.0 - one_based, 20.0 - one_based, 30.0)]
    assert peaks.notes == ()


def test_peaks_come_brightest_first(tmp_path):
    (tmp_path / "x.csv").write_text("X,Y,I\n1,2,3\n4,5,9\n7,8,5\n")
    assert read_peaks(tmp_path / "x.csv").intensity[0].tolist() == [9.0, 5.0, 3.0]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_clear_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "x.txt").write_text(text, encoding="utf-8")
    with pytest.raises(ImageFileError, match=REFUSED[text]) as caught:
        read_peaks(tmp_path / "x.txt")
    assert "\n" not in str(caught.value)


def test_a_unit_in_an_older_encoding_is_understood_and_refused(tmp_path):
    (tmp_path / "x.txt").write_bytes("X[µm] Y[µm] I\n1 2 3\n".encode("latin-1"))
    with pytest.raises(ImageFileError, match="x is in µm"):
        read_peaks(tmp_path / "x.txt")


def test_an_image_is_no_list(tmp_path):
    (tmp_path / "x.dat").write_bytes(np.arange(1000, dtype=np.uint16).tobytes())
    with pytest.raises(ImageFileError, match=r"x\.dat is not text; give an image by its own ending"):
        read_peaks(tmp_path / "x.dat")


NUMBERS = st.floats(-1e4, 1e4).map(lambda value: round(value, 3))


@settings(deadline=None, max_examples=60)
@given(
    rows=st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=20),
    style=st.sampled_from([" .", "	.", ",.", ";.", "	,", ";,"]),
    order=st.permutations([0, 1, 2, 3]),
)  # fmt: skip
def test_any_list_with_names_comes_back(tmp_path_factory, rows, style, order):
    separator, decimal = style
    names = ["X", "Y", "I", "chi"]
    lines = [separator.join(names[k] for k in order)]
    for x, y, intensity in rows:
        values = [f"{value:.3f}".replace(".", decimal) for value in (x, y, intensity, 0.5)]
        lines.append(separator.join(values[k] for k in order))
    path = tmp_path_factory.mktemp("list") / "x.csv"
    path.write_text("\n".join(lines))
    expected = sorted(rows, key=lambda row: -row[2])
    np.testing.assert_allclose(peaks_of(read_peaks(path, one_based=False)), expected, rtol=1e-6, atol=1e-3)


@pytest.mark.skipif(not (DATA / "laue").is_dir(), reason="the measured data of BEAMGYM_DATA is not here")
@pytest.mark.parametrize("name", ["Ge_blanc_0000_LT_5.dat", "Ge_blanc_0000_LT_5.cor"])
def test_the_measured_lists_of_lauetools_are_the_published_peaks(name):
    folder = DATA / "laue" / "ge_marccd"
    published = read_peaks(folder / "peaks_xyI.txt")
    found = read_peaks(folder / "orig" / name)
    assert "the first pixel is 1, as the list says" in published.notes
    np.testing.assert_allclose(found.position_px[0, :20], published.position_px[0, :20], atol=0.02)
