"""Files of other programs: their counts come back, at the right energies and angles, in whatever order and unit."""

import struct

import h5py
import numpy as np
import pytest

from beamgym.physics.arpes.load import LoadError, LoadWords, from_xarray, load, read_arrays


def assert_is_the_cut(found, examples, atol=1e-3):
    assert found.counts.shape == (1, 61, 21)
    np.testing.assert_array_equal(found.counts[0], examples.cut())
    np.testing.assert_allclose(found.energy_ev, examples.ENERGY, atol=atol)
    np.testing.assert_allclose(found.slit_deg, examples.ANGLE, atol=1e-3)


@pytest.mark.parametrize("name", ["erlab.nc", "pyarpes.nc", "image.fits"])
def test_files_of_xarray_and_astropy(examples, name):
    found = load(examples.HERE / name)
    assert_is_the_cut(found, examples)
    assert found.fermi.source == "file"
    assert found.gain == 1.0


def test_pyarpes_radians_are_told(examples):
    assert any("radians" in note for note in load(examples.HERE / "pyarpes.nc").notes)
    degrees = load(examples.HERE / "pyarpes.nc", LoadWords(units=("deg",))).slit_deg
    assert degrees[-1] == pytest.approx(np.radians(10.0))


def test_kinetic_energies_that_fall_in_mev_and_angles_in_mrad(examples):
    found = load(examples.HERE / "classic.nc")
    assert found.fermi.source == "fitted"
    assert found.fermi.value_ev == pytest.approx(examples.HV - examples.WORK_FUNCTION, abs=0.02)
    assert_is_the_cut(found, examples, atol=0.02)
    level = 1e-3 * 1e3 * (examples.HV - examples.WORK_FUNCTION)
    given = load(examples.HERE / "classic.nc", LoadWords(fermi_level_ev=level))
    assert given.fermi.source == "given"
    assert_is_the_cut(given, examples)


def test_a_map_in_another_order_with_a_dead_frame(examples):
    found = load(examples.HERE / "map.nc")
    assert found.shape == (3, 2)
    assert found.counts.shape == (6, 61, 21)
    assert found.alive.tolist() == [True, True, True, False, True, True]
    assert any("1 of 6 spectra are NaN throughout" in note for note in found.notes)
    wanted = examples.site_map()
    for x, y, counts, alive in zip(found.sites["x"], found.sites["y"], found.counts, found.alive, strict=True):
        row, column = int(np.argmin(abs(examples.Y - y))), int(np.argmin(abs(examples.X - x)))
        assert alive == ((row, column) != (1, 1))
        np.testing.assert_array_equal(counts, wanted[row, column] if alive else 0)


def test_rows_of_a_table_become_a_grid_of_sites(examples):
    found = load(examples.HERE / "als.fits")
    assert found.shape == (2, 3)
    assert found.slit_deg is None
    np.testing.assert_array_equal(found.counts[:, :, 0], examples.site_map().sum(axis=3).reshape(6, -1))
    np.testing.assert_allclose(found.sites["X"][:3], examples.X, atol=1e-4)
    np.testing.assert_allclose(found.sites["Y"][[0, 3]], examples.Y)


def nxmpes(path, counts, energy, angle, kind="binding", energy_unit="eV", definition="NXmpes", **more):
    """Write what NXmpes asks for, by hand: root, entry and data point to the signal, the energies say what they are."""
    with h5py.File(path, "w") as store:
        store.attrs["default"] = "entry"
        entry = store.create_group("entry")
        entry.attrs.update({"NX_class": "NXentry", "default": "data"})
        entry["definition"] = definition
        beam = entry.create_group("instrument/beam_probe")
        beam["incident_energy"] = more.get("hv", 21.2)
        raw = entry.create_group("instrument/detector")
        raw["raw_frames"] = np.zeros((4, 5, 6))
        data = entry.create_group("data")
        data.attrs.update({"NX_class": "NXdata", "signal": "data", "axes": np.array([b"angular0", b"energy"])})
        data["data"] = counts
        data["energy"], data["angular0"] = energy, angle
        data["energy"].attrs.update({"units": energy_unit, "type": kind})
        data["angular0"].attrs["units"] = "deg"


@pytest.mark.parametrize(("kind", "sign", "zero"), [("binding", -1.0, 0.0), ("kinetic", 1.0, 16.9)])
def test_nxmpes_says_its_axes_and_which_energy_it_is(examples, tmp_path, kind, sign, zero):
    nxmpes(tmp_path / "a.nxs", examples.cut().T, sign * examples.ENERGY + zero, examples.ANGLE, kind)
    assert_is_the_cut(load(tmp_path / "a.nxs"), examples, atol=0.0 if kind == "binding" else 0.02)


def test_nxarpes_of_the_elder_way_and_plain_hdf5(examples, tmp_path):
    with h5py.File(tmp_path / "old.nxs", "w") as store:
        group = store.create_group("entry1/analyser")
        group.attrs["NX_class"] = "NXdata"
        group["data"] = examples.cut().T
        group["data"].attrs.update({"signal": 1, "axes": "angles:energies"})
        group["angles"], group["energies"] = examples.ANGLE, examples.ENERGY + 50.0
        group["energies"].attrs["units"], group["angles"].attrs["units"] = "eV", "degrees"
    assert_is_the_cut(load(tmp_path / "old.nxs"), examples, atol=0.02)
    with h5py.File(tmp_path / "plain.h5", "w") as store:
        store["counts"], store["E"], store["theta"] = examples.cut(), examples.ENERGY, examples.ANGLE
    assert_is_the_cut(load(tmp_path / "plain.h5"), examples)


def test_links_that_lead_back_or_nowhere_do_no_harm(examples, tmp_path):
    with h5py.File(tmp_path / "links.h5", "w") as store:
        store["counts"], store["E"], store["theta"] = examples.cut(), examples.ENERGY, examples.ANGLE
        store["again"], store["gone"] = h5py.SoftLink("/"), h5py.ExternalLink("missing.h5", "/data")
        store.create_group("inner")["up"] = h5py.SoftLink("/inner")
    assert_is_the_cut(load(tmp_path / "links.h5"), examples)


def test_momenta_become_angles_at_the_fermi_level(examples, tmp_path):
    momenta = 0.512316722 * np.sqrt(16.9) * np.sin(np.radians(examples.ANGLE))
    np.savez(tmp_path / "k.npz", I=examples.cut(), E=examples.ENERGY, kx=momenta)
    with pytest.raises(LoadError, match="kx is a momentum; its angle needs --photon-energy"):
        load(tmp_path / "k.npz")
    assert_is_the_cut(load(tmp_path / "k.npz", LoadWords(photon_energy_ev=21.3)), examples)


def igor_wave(counts, axes, name=b"cut0", note=b"Excitation Energy=21.2\rEnergy Scale=Binding\r"):
    """Return an Igor binary wave, version 5, as Technical Note 003 lays it out; Igor's first index is the fastest."""
    values = np.asfortranarray(counts, dtype="<f4")
    wave = struct.pack("<IIIiHH6sH32sII", 0, 0, 0, values.size, 2, 0, b"", 1, name, 0, 0)
    wave += struct.pack("<4i", *values.shape, 0, 0)
    wave += struct.pack("<4d", *[axis[1] - axis[0] for axis, _ in axes], 1.0, 1.0)
    wave += struct.pack("<4d", *[axis[0] for axis, _ in axes], 0.0, 0.0)
    wave += struct.pack("<4s4s4s8s", b"", *[unit for _, unit in axes], b"")
    wave = wave.ljust(320, b"\0")
    body = wave + values.tobytes(order="F")
    start = struct.pack("<hhiii", 5, 0, len(body), 0, len(note)).ljust(64, b"\0")
    check = -int(np.frombuffer(start + wave, "<i2").astype(np.int64).sum()) & 0xFFFF
    return start[:2] + struct.pack("<H", check) + start[4:] + body + note


def test_igor_binary_waves_and_packed_templates_by_igor2(examples, tmp_path):
    pytest.importorskip("igor2", reason="igor2 is not installed: pip install 'beamgym[igor]'")
    raw = igor_wave(examples.cut()[::-1], [(-examples.ENERGY[::-1], b"eV"), (examples.ANGLE, b"deg")])
    (tmp_path / "cut.ibw").write_bytes(raw)
    assert_is_the_cut(load(tmp_path / "cut.ibw"), examples)
    (tmp_path / "cut.pxt").write_bytes(struct.pack("<Hhi", 3, 0, len(raw)) + raw)
    assert_is_the_cut(load(tmp_path / "cut.pxt"), examples)


def test_without_igor2_one_line_names_the_remedy(examples, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "igor2.binarywave", None)
    (tmp_path / "cut.ibw").write_bytes(igor_wave(np.ones((4, 4)), [(np.arange(4.0), b"eV"), (np.arange(4.0), b"deg")]))
    with pytest.raises(LoadError, match=r"needs igor2, which is not installed: pip install 'beamgym\[igor\]'"):
        load(tmp_path / "cut.ibw")


def test_igor_text_waves(examples, tmp_path):
    rows = "\n".join(" ".join(map(str, row)) for row in examples.cut().T)
    (tmp_path / "cut.itx").write_text(
        f"IGOR\nX //Excitation Energy = 21.2\nWAVES/S/N=(21,61) 'a_1'\nBEGIN\n{rows}\nEND\n"
        "X SetScale/I x, -10, 10, \"deg (theta_y)\", 'a_1'\n"
        "X SetScale/P y, 16.4, 0.01, \"eV (Kinetic Energy)\", 'a_1'\nX SetScale d, 0, 9, \"cps (Intensity)\", 'a_1'\n"
    )
    found = load(tmp_path / "cut.itx")
    assert_is_the_cut(found, examples, atol=0.02)
    assert found.unit == "cps (Intensity)"
    text = (tmp_path / "cut.itx").read_text().split("\nEND")[0]
    (tmp_path / "half.itx").write_text(text)
    with pytest.raises(LoadError, match="cut short or still being written"):
        load(tmp_path / "half.itx")


def specs(examples, curves=21):
    lines = [
        "# Created by:        SpecsLab Prodigy, Version 4.112",
        "#",
        "#   Energy Axis:              Kinetic Energy",
    ]
    lines += ["# Region:                       Spectrum", "# Excitation Energy:            16.9", "# Cycle: 0", "#"]
    for number in range(curves):
        lines += [f"# Cycle: 0, Curve: {number}", "#", f"# NonEnergyOrdinate:            {examples.ANGLE[number]}"]
        lines += [f"{e + 16.9:.4f}  {c}" for e, c in zip(examples.ENERGY, examples.cut()[:, number], strict=True)]
    return "\n".join(lines) + "\n"


def test_specs_xy(examples, tmp_path):
    (tmp_path / "cut.xy").write_text(specs(examples))
    assert_is_the_cut(load(tmp_path / "cut.xy"), examples, atol=0.02)
    (tmp_path / "half.xy").write_text(specs(examples)[:-200])
    with pytest.raises(LoadError, match="still being written"):
        load(tmp_path / "half.xy")


def test_scienta_text(examples, tmp_path):
    rows = "\n".join(
        f"{e} " + " ".join(map(str, row)) for e, row in zip(examples.ENERGY + 30.0, examples.cut(), strict=True)
    )
    scales = [" ".join(map(str, axis)) for axis in (examples.ENERGY + 30.0, examples.ANGLE)]
    (tmp_path / "cut.txt").write_text(
        "[Info]\nNumber of Regions=1\n[Region 1]\nRegion Name=EF\nDimension 1 name=Kinetic Energy [eV]\n"
        f"Dimension 1 scale={scales[0]}\nDimension 2 name=Y-Scale [deg]\nDimension 2 scale={scales[1]}\n"
        f"[Info 1]\nExcitation Energy=34.4\nEnergy Scale=Kinetic\n[Data 1]\n{rows}\n"
    )
    assert_is_the_cut(load(tmp_path / "cut.txt"), examples, atol=0.02)


def test_columns_with_names(examples, tmp_path):
    grid = [
        (e, a, c)
        for e, row in zip(examples.ENERGY, examples.cut(), strict=True)
        for a, c in zip(examples.ANGLE, row, strict=True)
    ]
    np.savetxt(tmp_path / "cut.csv", grid[::-1], delimiter=",", header="energy_eV,angle_deg,counts")
    assert_is_the_cut(load(tmp_path / "cut.csv"), examples)
    np.savetxt(tmp_path / "gap.csv", grid[1:], delimiter=",", header="energy_eV,angle_deg,counts")
    with pytest.raises(LoadError, match="rows are missing or doubled"):
        load(tmp_path / "gap.csv")


def test_a_matrix_with_axes_that_the_user_names(examples, tmp_path):
    np.savetxt(tmp_path / "cut.txt", examples.cut())
    with pytest.raises(LoadError, match="name it: --energy-axis NAME, or --energy-axis 0=FIRST:LAST"):
        load(tmp_path / "cut.txt")
    assert_is_the_cut(load(tmp_path / "cut.txt", LoadWords("0=-0.5:0.1", "1=-10:10:deg")), examples)
    meant = LoadWords("0=-500:100:meV", f"1={np.radians(-10.0)}:{np.radians(10.0)}:rad")
    assert_is_the_cut(load(tmp_path / "cut.txt", meant), examples)


def test_lists_of_equal_length_are_not_guessed(tmp_path):
    axis = np.linspace(-1.0, 0.2, 20)
    np.savez(tmp_path / "square.npz", I=np.ones((20, 20)), E=axis, theta=10.0 * axis)
    with pytest.raises(LoadError, match="say which is which: --energy-axis 0=E --angle-axis 1=theta"):
        load(tmp_path / "square.npz")
    found = load(tmp_path / "square.npz", LoadWords("1=E", "0=theta"))
    np.testing.assert_allclose(found.slit_deg, 10.0 * axis)


def test_an_xarray_in_memory_is_read_by_its_names(examples):
    class Named:
        """As much of an xarray.DataArray as is read."""

        def __init__(self, values, dims, coords):
            self.values, self.dims, self.attrs, self.name = values, dims, {}, "named"
            self.coords = {name: type("C", (), {"values": v, "attrs": {}, "ndim": 1})() for name, v in coords.items()}

    from beamgym.physics.arpes.load import from_array

    named = Named(examples.cut().T, ("alpha", "eV"), {"eV": examples.ENERGY, "alpha": examples.ANGLE})
    assert_is_the_cut(from_array(from_xarray(named)), examples)


def test_several_spectra_are_chosen_by_name_or_number(examples, tmp_path):
    np.savez(
        tmp_path / "two.npz", first=examples.cut(), second=2 * examples.cut(), E=examples.ENERGY, theta=examples.ANGLE
    )
    with pytest.raises(LoadError, match="holds 2 spectra; choose one by --dataset: 1: first"):
        load(tmp_path / "two.npz")
    for name in ("second", "2"):
        assert load(tmp_path / "two.npz", LoadWords(dataset=name)).counts.sum() == 2 * examples.cut().sum()
    with pytest.raises(LoadError, match="--dataset third is not in"):
        load(tmp_path / "two.npz", LoadWords(dataset="third"))


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"", "empty.h5", "is empty; is it still being written"),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 40, "half.h5", "damaged or still being written"),
        (b"%PDF-1.4 whatever", "page.pdf", "no file of a known kind; known are .h5"),
        (b"PK\x03\x04 cut short", "half.npz", "damaged"),
        (b"1 2 3\n4 5\n6 7 8 9\n", "ragged.txt", "lines of .2, 3, 4. numbers"),
        (b"1 2 3\n4 5 6\n", "three.txt", "three columns without names; write a first line"),
    ],
)
def test_what_is_no_spectrum_is_refused_in_one_line(tmp_path, content, name, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(LoadError, match=says) as caught:
        load(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_fits_file_that_is_cut_short_is_told(examples, tmp_path):
    (tmp_path / "a.fits").write_bytes((examples.HERE / "als.fits").read_bytes()[:6000])
    with pytest.raises(LoadError, match="cut short or still being written"):
        read_arrays(tmp_path / "a.fits")
    with pytest.raises(FileNotFoundError, match="there is no file"):
        load(tmp_path / "none.fits")
