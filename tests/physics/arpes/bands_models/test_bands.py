"""Bands from CSV and HDF5: read back exactly, and refused with the line that is wrong."""

import h5py
import numpy as np
import pytest

from beamgym.physics.arpes.bands_models.bands import TabulatedBands

AXIS = np.linspace(-1.0, 1.0, 21)


def energy(kx, ky):
    return -0.2 + 0.3 * np.cos(3 * kx) + 0.1 * np.cos(2 * ky)


def rows():
    x, y = (part.ravel() for part in np.meshgrid(AXIS, AXIS, indexing="ij"))
    return np.column_stack([x, y, energy(x, y), x - 0.5])


def write(path, lines):
    path.write_text("\n".join(["kx,ky,first,second", *lines]) + "\n", encoding="utf-8")
    return path


def as_lines(values):
    return [",".join(repr(float(v)) for v in row) for row in values]


def test_a_csv_in_any_order_of_rows_interpolates_to_the_bands_it_was_made_from(tmp_path):
    shuffled = np.random.default_rng(0).permutation(rows())
    bands = TabulatedBands.read(write(tmp_path / "bands.csv", as_lines(shuffled)))
    k = np.random.default_rng(1).uniform(-1, 1, (50, 2))
    found = bands.energies(k)
    np.testing.assert_allclose(found[:, 0], energy(k[:, 0], k[:, 1]), atol=1e-4)
    np.testing.assert_allclose(found[:, 1], k[:, 0] - 0.5, atol=1e-12)


def test_hdf5_holds_the_same(tmp_path):
    with h5py.File(tmp_path / "bands.h5", "w") as store:
        store["kx"], store["ky"], store["bands"] = AXIS, AXIS, rows()[:, 2:].reshape(21, 21, 2)
    assert TabulatedBands.read(tmp_path / "bands.h5").energies([0.0, 0.0])[1] == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: lines[:100] + lines[101:], "1 are missing and 0 come twice"),
        (lambda lines: [*lines, lines[3]], "0 are missing and 1 come twice"),
        (lambda lines: [*lines[:5], "0.1,0.2,abc,1", *lines[5:]], r"line 7: .*abc.* is not a row of numbers"),
        (lambda lines: [*lines[:5], "0.1,0.2,,1", *lines[5:]], "line 7"),
        (lambda lines: [*lines[:5], "0.1,0.2,nan,1", *lines[5:]], "line 7: 4 finite numbers"),
        (lambda lines: [*lines[:5], "0.1,0.2,1", *lines[5:]], "line 7: 4 finite numbers"),
        (lambda lines: [], "no rows"),
    ],
)
def test_a_csv_with_gaps_or_non_numbers_is_refused(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        TabulatedBands.read(write(tmp_path / "bands.csv", change(as_lines(rows()))))


def test_a_csv_as_excel_saves_it_is_read(tmp_path):
    lines = "\r\n".join(["kx,ky,first,second", *as_lines(rows())]) + "\r\n"
    (tmp_path / "bands.csv").write_bytes(lines.encode("utf-8-sig"))
    assert TabulatedBands.read(tmp_path / "bands.csv").energies([0.0, 0.0])[1] == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("bands.csv", b"kx,ky,a\n\xff\xfe\x00\x81", r"bands\.csv is no CSV of plain text .*save it as CSV UTF-8"),
        ("bands.csv", b"kx,ky,a\n1,2,3\0\n", r"bands\.csv.*"),
        ("bands.h5", b"no such thing", r"bands\.h5 is no HDF5 file or a damaged one .*write it again"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_named_in_one_line(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        TabulatedBands.read(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_an_hdf5_that_was_cut_off_is_named(tmp_path):
    file = tmp_path / "bands.h5"
    with h5py.File(file, "w") as store:
        store["kx"], store["ky"], store["bands"] = AXIS, AXIS, rows()[:, 2:].reshape(21, 21, 2)
    file.write_bytes(file.read_bytes()[:-3000])
    with pytest.raises(ValueError, match=r"bands\.h5 is no HDF5 file or a damaged one"):
        TabulatedBands.read(file)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        TabulatedBands.read(tmp_path / "none.csv")
    (tmp_path / "bands.txt").write_text("x")
    with pytest.raises(ValueError, match=r"\.csv or \.h5"):
        TabulatedBands.read(tmp_path / "bands.txt")
    (tmp_path / "bad.csv").write_text("a,b,c\n1,2,3\n")
    with pytest.raises(ValueError, match="kx, ky and one for every band"):
        TabulatedBands.read(tmp_path / "bad.csv")
    with h5py.File(tmp_path / "bands.h5", "w") as store:
        store["kx"] = AXIS
    with pytest.raises(ValueError, match="lacks the data set 'ky'"):
        TabulatedBands.read(tmp_path / "bands.h5")


def test_a_window_beyond_the_table_is_refused_instead_of_extrapolated():
    bands = TabulatedBands(AXIS, AXIS, np.zeros((21, 21, 1)))
    with pytest.raises(ValueError, match="the table ends at -1 and 1"):
        bands.energies([1.2, 0.0])
