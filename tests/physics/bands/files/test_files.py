"""Cubes and theories in the layouts that people have, and one line for those that cannot be read."""

import json

import h5py
import numpy as np
import pytest

from beamgym.physics.bands.cube import BandCube
from beamgym.physics.bands.files import CubeWords, from_pymatgen, read_bands, read_cube, read_theory, write_bands
from beamgym.physics.bands.structure import BandStructure

ENERGY, KX, KY = np.linspace(-2.0, 0.5, 40), np.linspace(-0.5, 0.5, 9), np.linspace(-0.4, 0.4, 7)
VALUES = np.random.default_rng(0).uniform(1.0, 2.0, (9, 7, 40))


@pytest.fixture
def cube():
    return BandCube.of(ENERGY, KX, KY, VALUES)


@pytest.fixture
def line():
    return BandCube.of(ENERGY, np.linspace(0.0, 2.0, 21), [0.0], np.ones((21, 1, 40)))


def plain(path, **arrays):
    with h5py.File(path, "w") as store:
        for name, values in arrays.items():
            store[name.replace("__", "/")] = values
    return path


def test_plain_data_sets_are_read_whatever_the_order_of_dimensions(tmp_path):
    path = plain(tmp_path / "a.h5", E=ENERGY, kx=KX, ky=KY, V=np.moveaxis(VALUES, 2, 0))
    np.testing.assert_allclose(read_cube(path).intensity, VALUES, rtol=1e-6)


def test_nexus_names_its_axes(tmp_path):
    path = tmp_path / "n.nxs"
    with h5py.File(path, "w") as store:
        data = store.create_group("entry/data")
        store["entry"].attrs["NX_class"] = "NXentry"
        data.attrs.update({"NX_class": "NXdata", "signal": "data", "axes": ["kx", "ky", "energy"]})
        data["data"] = VALUES
        for name, axis in (("kx", KX), ("ky", KY), ("energy", ENERGY)):
            data[name] = axis
    np.testing.assert_allclose(read_cube(path).intensity, VALUES, rtol=1e-6)


def test_a_line_without_momenta_is_given_a_length_which_is_said(tmp_path):
    path = plain(tmp_path / "l.h5", data__E=ENERGY[::-1], data__kimage=VALUES[:, 0, ::-1])
    found = read_cube(path, CubeWords(length=1.5))
    assert found.kx[-1] == 1.5
    np.testing.assert_allclose(found.intensity[:, 0], VALUES[:, 0], rtol=1e-6)
    assert any("state --length" in note for note in read_cube(path).notes)


def test_energies_in_mev_become_ev_and_are_refused_without_their_unit(tmp_path):
    path = plain(tmp_path / "m.h5", E=ENERGY * 1e3, kx=KX, ky=KY, V=np.moveaxis(VALUES, 2, 0))
    with pytest.raises(ValueError, match="units = meV"):
        read_cube(path)
    with h5py.File(path, "a") as store:
        store["E"].attrs["units"] = "meV"
    found = read_cube(path)
    np.testing.assert_allclose(found.energy_ev, ENERGY, rtol=1e-6, atol=1e-9)
    assert any("meV" in note for note in found.notes)


def test_a_survey_is_read_where_a_window_of_it_is_kept(tmp_path):
    path = plain(tmp_path / "s.h5", E=np.linspace(-90.0, 1.0, ENERGY.size), kx=KX, ky=KY, V=np.moveaxis(VALUES, 2, 0))
    with pytest.raises(ValueError, match="--window LOW HIGH"):
        read_cube(path)
    assert read_cube(path, CubeWords(window_ev=(-50.0, 0.0))).energy_ev.min() >= -50.0


def test_binding_energies_that_end_near_the_fermi_level_are_warned_of(tmp_path):
    energy = np.linspace(-0.3, 0.9, ENERGY.size)
    bright = np.where(energy > 0.0, 10.0, 1.0) * np.ones_like(VALUES)
    path = plain(tmp_path / "near.h5", E=energy, kx=KX, ky=KY, V=np.moveaxis(bright, 2, 0))
    assert any("turn their sign" in note for note in read_cube(path).notes)


def test_energies_of_the_other_sign_are_warned_of(tmp_path):
    turned = plain(tmp_path / "b.h5", E=-ENERGY, kx=KX, ky=KY, V=np.moveaxis(VALUES, 2, 0))
    assert any("turn their sign" in note for note in read_cube(turned).notes)
    usual = plain(tmp_path / "u.h5", E=ENERGY, kx=KX, ky=KY, V=np.moveaxis(VALUES, 2, 0))
    assert not any("turn their sign" in note for note in read_cube(usual).notes)


def test_kinetic_energies_need_a_fermi_level(tmp_path):
    path = plain(tmp_path / "k.h5", E=ENERGY + 16.7, kx=KX, ky=KY, V=np.moveaxis(VALUES, 2, 0))
    with pytest.raises(ValueError, match="--fermi"):
        read_cube(path)
    np.testing.assert_allclose(read_cube(path, CubeWords(fermi_ev=16.7)).energy_ev, ENERGY, atol=1e-9)


@pytest.mark.parametrize(
    ("words", "missing"), [({}, "--photon-energy"), ({"photon_energy_ev": 21.2}, "--work-function")]
)
def test_angles_need_photon_energy_and_work_function(tmp_path, words, missing):
    path = tmp_path / "angles.h5"
    with h5py.File(path, "w") as store:
        data = store.create_group("entry/data")
        data.attrs.update({"NX_class": "NXdata", "signal": "counts", "axes": ["eV", "alpha", "beta"]})
        data["counts"] = np.moveaxis(VALUES, 2, 0)
        for name, axis in (("eV", ENERGY), ("alpha", 10 * KX), ("beta", 10 * KY)):
            data[name] = axis
    with pytest.raises(ValueError, match=missing):
        read_cube(path, CubeWords(**words))
    found = read_cube(path, CubeWords(photon_energy_ev=21.2, work_function_ev=4.5))
    # the slit runs along ky: 5° are 0.5123 √16.7 sin 5°, less at lower energies
    assert found.ky[-1] <= 0.5123 * np.sqrt(17.2) * np.sin(np.radians(5.0))
    assert found.ky[-1] > 0.5123 * np.sqrt(14.7) * np.sin(np.radians(5.0)) - 1e-6


def test_binning_and_window(tmp_path):
    path = plain(tmp_path / "b.h5", E=ENERGY, kx=KX, ky=KY, V=np.moveaxis(VALUES, 2, 0))
    binned = read_cube(path, CubeWords(every=2, window_ev=(-1.0, 0.0)))
    assert binned.shape[:2] == (4, 3)
    assert binned.energy_ev[0] >= -1.0
    whole = read_cube(path).window(-1.0, 0.0).intensity
    np.testing.assert_allclose(binned.intensity[0, 0], whole[:2, :2].mean(axis=(0, 1)), rtol=1e-5)
    with pytest.raises(ValueError, match="choose a smaller"):
        read_cube(path, CubeWords(every=4))


def test_files_without_an_energy_axis_name_what_they_hold(tmp_path):
    with pytest.raises(ValueError, match="energy axis"):
        read_cube(plain(tmp_path / "x.h5", V=VALUES))
    with pytest.raises(ValueError, match="have no values; write ky"):
        read_cube(plain(tmp_path / "y.h5", E=ENERGY, kx=KX, V=np.moveaxis(VALUES, 2, 0)))
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read_cube(tmp_path / "none.h5")


def test_theories_are_read_from_hdf5_csv_and_tight_binding(tmp_path, cube):
    x, y = np.meshgrid(KX, KY, indexing="ij")
    energy = np.stack([-0.5 + 0.2 * x, -1.0 - y])
    hdf5 = read_theory(plain(tmp_path / "t.h5", kx=KX, ky=KY, bands=energy), cube)
    np.testing.assert_allclose(hdf5.energy_ev, energy, atol=1e-9)
    rows = ["kx,ky,one,two", *(f"{a},{b},{-0.5 + 0.2 * a},{-1.0 - b}" for a in KX for b in KY)]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    np.testing.assert_allclose(read_theory(tmp_path / "t.csv", cube).energy_ev, energy, atol=1e-9)
    terms = {"onsite": [-1.0], "nearest": [0.1], "diagonal": [0.0], "second": [0.0]}
    (tmp_path / "t.json").write_text(json.dumps({"tight_binding": {"lattice": "square", "a": 4.0, "terms": terms}}))
    found = read_theory(tmp_path / "t.json", cube).energy_ev[0]
    np.testing.assert_allclose(found, -1.0 + 0.2 * (np.cos(4 * x) + np.cos(4 * y)), atol=1e-6)


def test_lines_are_read_from_csv_hdf5_and_pymatgen(tmp_path, line):
    (tmp_path / "l.csv").write_text("k,one\n" + "\n".join(f"{k},{-k}" for k in np.linspace(0, 2, 11)))
    np.testing.assert_allclose(read_theory(tmp_path / "l.csv", line).energy_ev[0, :, 0], -line.kx, atol=1e-9)
    spread = read_theory(plain(tmp_path / "l.h5", data__kimage=np.stack([np.linspace(0, -2, 50)])), line)
    np.testing.assert_allclose(spread.energy_ev[0, :, 0], -line.kx, atol=1e-9)
    assert "spread evenly" in spread.notes[0]

    class Symmetric:
        """What of pymatgen's BandStructureSymmLine is read."""

        efermi, distance = 1.0, np.linspace(0.0, 2.1, 30)
        bands = {1: np.stack([np.linspace(0.5, 0.0, 30), np.linspace(3.0, 4.0, 30)])}  # noqa: RUF012

    found = from_pymatgen(Symmetric(), line)
    assert len(found) == 1  # the other is empty
    np.testing.assert_allclose(found.energy_ev[0, :, 0], -0.5 - 0.25 * line.kx, atol=1e-6)
    Symmetric.distance = np.linspace(0.0, 5.0, 30)
    with pytest.raises(ValueError, match="another cell"):
        from_pymatgen(Symmetric(), line)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("t.csv", "x,y,z\n1,2,3", "must begin with kx,ky"),
        ("t.csv", "kx,ky,one\n0,0,a", "not a table of numbers"),
        ("t.csv", "kx,ky,one\n0,0,1\n0,1,1\n1,0,1", "fill its gaps"),
        ("t.json", "[1]", "no JSON object"),
        ("t.json", '{"tight_binding": {"lattice": "square"}}', "tight_binding needs"),
        ("t.json", '{"a": 1}', "pymatgen writes it"),
        ("t.h5", "nothing", "no HDF5 file"),
        ("t.txt", "1", "read from .h5, .csv and .json"),
    ],
)
def test_a_theory_that_cannot_be_read_is_refused_in_one_line(tmp_path, cube, name, text, told):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=told) as error:
        read_theory(tmp_path / name, cube)
    assert "\n" not in str(error.value)


def test_bands_written_are_read_again_and_carry_nexus_names(tmp_path):
    bands = BandStructure.of(KX, KY, np.stack([np.ones((9, 7)), np.zeros((9, 7))]), name="found", notes=("one", "two"))
    path = write_bands(tmp_path / "b.h5", bands)
    again = read_bands(path)
    assert np.array_equal(again.energy_ev, bands.energy_ev)
    assert (again.name, again.notes) == ("found", ("one", "two"))
    with h5py.File(path) as store:
        assert store["entry/definition"][()] == b"NXmpes"
        assert list(store["entry/data"].attrs["axes"]) == ["band", "kx", "ky"]
        assert store["entry/data/bands"].attrs["units"] == "eV"
    with pytest.raises(ValueError, match="holds no bands"):
        read_bands(plain(tmp_path / "c.h5", x=KX))
