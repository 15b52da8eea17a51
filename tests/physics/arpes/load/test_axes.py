"""What an axis is, which way it runs and in which unit: found, taken with a word, or refused with the remedy."""

import numpy as np
import pytest

from beamgym.physics.arpes.load import LabelledArray, LabelledAxis, LoadError, LoadWords, from_array

ENERGY = np.linspace(-0.5, 0.1, 61)
ANGLE = np.linspace(-10.0, 10.0, 25)


def spectrum(energy=ENERGY, angle=ANGLE):
    mean = 200.0 / (1.0 + np.exp(ENERGY[:, None] / 0.015)) * (1.0 + 0.5 * np.cos(angle)[None, :]) + 1.0
    return np.random.default_rng(1).poisson(mean)


def labelled(values=None, energy=ENERGY, angle=ANGLE, names=("eV", "alpha"), units=("", "deg"), kind="", about=None):
    values = spectrum() if values is None else values
    axes = (LabelledAxis(names[0], energy, units[0], kind), LabelledAxis(names[1], angle, units[1]))
    return LabelledArray("cut", values, axes, about or {})


@pytest.mark.parametrize(
    ("name", "unit", "factor", "offset"),
    [
        ("eV", "eV", 1, 0),
        ("Energy", "meV", 1e3, 0),
        ("binding energy", "eV", -1, 0),
        ("E-EF", "eV", 1, 0),
        ("KE", "eV", 1, 30),
    ],
)
def test_energies_come_out_rising_from_the_fermi_level(name, unit, factor, offset):
    found = from_array(labelled(energy=ENERGY * factor + offset, names=(name, "alpha"), units=(unit, "deg")))
    np.testing.assert_allclose(found.energy_ev, ENERGY, atol=0.01)
    np.testing.assert_array_equal(found.counts[0], spectrum())


def test_the_occupied_side_is_the_one_that_holds_the_counts():
    even = np.linspace(-0.3, 0.3, 61)
    counts = np.random.default_rng(2).poisson(np.where(even < 0, 100.0, 2.0)[:, None] * np.ones((1, 25)))
    up, down = (from_array(labelled(counts[::sign], sign * even)) for sign in (1, -1))
    np.testing.assert_array_equal(up.counts, down.counts)
    turned = from_array(labelled(counts[::-1], even))
    np.testing.assert_array_equal(turned.counts, up.counts)
    assert any("told by the counts alone" in note for note in turned.notes)
    with pytest.raises(LoadError, match="say --binding or --kinetic"):
        from_array(labelled(np.full((61, 25), 50), even))


@pytest.mark.parametrize(
    ("units", "factor", "said"),
    [(("", "rad"), np.pi / 180, ()), (("", "mrad"), 1e3 * np.pi / 180, ()), (("", ""), np.pi / 180, ("rad",))],
)
def test_angles_come_out_in_degrees_rising(units, factor, said):
    found = from_array(labelled(spectrum()[:, ::-1], angle=ANGLE[::-1] * factor, units=units), LoadWords(units=said))
    np.testing.assert_allclose(found.slit_deg, ANGLE)
    np.testing.assert_array_equal(found.counts[0], spectrum())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"angle": np.radians(ANGLE), "units": ("", "")}, "spans 0.349 and has no unit; say --unit rad"),
        (
            {"names": ("eV", "pixels"), "units": ("", "")},
            "counts pixels; give its angles: --angle-axis pixels=FIRST:LAST",
        ),
        ({"units": ("", "furlong")}, "angles in 'furlong'; say what they are"),
        ({"units": ("J", "deg")}, "energies in 'J'; say what they are: --unit eV"),
        ({"energy": np.sort(np.abs(ENERGY))[::-1] * 0}, "neither rise nor fall"),
        ({"energy": np.where(ENERGY > 0, np.nan, ENERGY)}, "energies that are not finite"),
        ({"names": ("y", "x"), "units": ("mm", "mm")}, "no axis that is known as energies; name it"),
        ({"names": ("eV", "energy"), "units": ("", "")}, "several axes that could be energies"),
        ({"names": ("eV", "kx"), "units": ("", "1/A")}, "its angle needs --photon-energy"),
        ({"names": ("eV", "kx"), "units": ("", "1/A"), "about": {"hv": 21.2}}, "more than 16.8 eV carry"),
        ({"values": spectrum() - 40.0}, "is negative .* a background was subtracted"),
        ({"values": np.where(spectrum() > 250, np.nan, spectrum())}, "count them as 0: --dead-as-zero"),
        ({"values": spectrum() * 0}, "holds no counts at all"),
        ({"values": spectrum() * 1j}, "complex128, no real numbers"),
    ],
)
def test_what_is_not_certain_is_refused_with_the_remedy(change, says):
    with pytest.raises(LoadError, match=says) as caught:
        from_array(labelled(**change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"energy_axis": "time"}, "cut has the axes eV 61 x alpha 25; name one of them"),
        ({"energy_axis": "alpha", "angle_axis": "alpha"}, "both name axis 'alpha'"),
        ({"energy_axis": "0=theta"}, "give FIRST:LAST, or a list of 61 numbers in the file; it holds none"),
        ({"gain": -1.0}, "no size of an electron"),
    ],
)
def test_words_that_fit_nothing_are_told(words, says):
    with pytest.raises(LoadError, match=says):
        from_array(labelled(), LoadWords(**words))


def test_an_axis_of_another_length_is_refused_at_once():
    with pytest.raises(LoadError, match="axis 'eV' of cut holds 60 numbers for 61 pixels"):
        labelled(energy=ENERGY[:-1])


def test_masked_pixels_and_dead_borders_are_no_counts():
    border = spectrum().astype(float)
    border[:, :3], border[-2:] = np.nan, np.nan
    found = from_array(labelled(border))
    assert found.counts.shape == (1, 59, 22)
    np.testing.assert_allclose(found.slit_deg, ANGLE[3:])
    masked = np.ma.masked_array(spectrum(), mask=np.zeros((61, 25), bool))
    masked[30, 12] = np.ma.masked
    with pytest.raises(LoadError, match="1 pixels of cut are NaN"):
        from_array(labelled(masked))
    zeroed = from_array(labelled(masked), LoadWords(dead_as_zero=True))
    assert zeroed.counts[0, 30, 12] == 0
    assert zeroed.counts.sum() == spectrum().sum() - spectrum()[30, 12]


def test_a_scan_of_another_angle_is_a_list_of_spectra():
    tilt = np.array([0.0, 1.0, 2.0])
    axes = (LabelledAxis("beta", tilt), LabelledAxis("eV", ENERGY), LabelledAxis("alpha", ANGLE))
    found = from_array(LabelledArray("scan", np.stack([spectrum()] * 3), axes))
    assert found.shape == (3,)
    np.testing.assert_array_equal(found.sites["beta"], tilt)
    with pytest.raises(LoadError, match="two momenta"):
        from_array(
            LabelledArray(
                "k",
                np.ones((9, 61, 9)),
                (LabelledAxis("kx", tilt[:1].repeat(9) + np.arange(9.0)), axes[1], LabelledAxis("ky", np.arange(9.0))),
            )
        )
