"""The spot list: against a plain-numpy reference, against measured patterns, and its bookkeeping."""

import json
import os
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from scipy.spatial.transform import Rotation

from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.crystal.crystal import load_crystal
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.files.detectors.lauetools import from_lauetools
from beamgym.physics.laue.layers import SensitiveLayer
from beamgym.physics.laue.pattern.absorption import Slab
from beamgym.physics.laue.pattern.intensity import energy_weight
from beamgym.physics.laue.pattern.lists.brightest_kernels import BUCKETS, brightest_rows
from beamgym.physics.laue.pattern.lists.panel_kernels import sines_of_panel
from beamgym.physics.laue.pattern.lists.tables import Panel
from beamgym.physics.laue.pattern.spots import LaueModel, check_orientations

DATA = Path(os.environ.get("BEAMGYM_DATA", Path(__file__).parents[4] / ".." / "shared" / "data"))
CASES = {"ge_marccd": 0.191, "moo3_scmos": 1.849, "sic4h_scmos": 0.184}
SMALL = (512, 512)
B_ISO = {"b_iso": [0.5]}


@cache
def crystal(name, radiation="xray"):
    return load_crystal(name, radiation)


@cache
def model(name="Si", panel="back_reflection", **options):
    detector = getattr(Detector, panel)(70.0, SMALL, 0.32)
    return LaueModel(crystal(name), Beam.tube("W"), detector, **options)


def rotations(n, seed=0):
    return Rotation.random(n, random_state=seed).as_matrix()


def reference(laue, u):
    """The same list in plain numpy: {primitive hkl that diffracts: (position, intensity, energy)}."""
    table, beam, detector, cell = laue.table, laue.beam, laue.detector, laue.crystal
    volume = 1.0 / abs(np.linalg.det(cell.b_matrix))
    weight = energy_weight(beam, volume, laue.extinction)
    mu_grid = cell.absorption_per_mm(beam.energy_kev)
    spots = {}
    for i in range(len(table.hkl)):
        sign = -np.sign((u @ table.q_inv_a[i])[0])
        q = sign * (u @ table.q_inv_a[i])
        wavelength = -2.0 * q[0] / (q @ q)
        exit_ray = np.array([1.0, 0.0, 0.0]) + wavelength * q
        position, hit = detector.to_pixel(exit_ray)
        if not hit:
            continue
        sin_theta = -q[0] / np.linalg.norm(q)
        parts, energies = [], []
        for k in range(table.first[i], table.first[i + 1]):
            energy = table.order[k] * HC_KEV_A / wavelength
            if not beam.band_kev[0] <= energy <= beam.band_kev[1]:
                continue
            f_sum = 0.0
            for e in range(len(table.elements)):
                f1, f2 = (np.interp(energy, table.energy_kev, t[e]) for t in (table.f_prime, table.f_second))
                partial = table.partial[k, e] if sign > 0 else np.conj(table.partial[k, e])
                f_sum = f_sum + (table.f0[k, e] + f1 + 1j * f2) * partial
            mu = np.interp(energy, beam.energy_kev, mu_grid)
            strength = np.interp(energy, beam.energy_kev, weight)
            if beam.layer is not None:
                depth, cosine = beam.layer.depth(energy), exit_ray @ detector.normal
                strength *= (1.0 - np.exp(-depth / abs(cosine))) / (1.0 - np.exp(-depth))
            if laue.extinction == "none":
                strength *= abs(f_sum) ** 2 * attenuation(laue.slab, u, exit_ray, mu)
                p = polarisation(beam, exit_ray, power=2)
            else:
                strength *= abs(f_sum)
                p = polarisation(beam, exit_ray, power=1)
            parts.append(strength * (1.0 if beam.radiation == "neutron" else p) / sin_theta**2)
            energies.append(energy)
        if parts and sum(parts) > 0:
            hkl = tuple(int(x) for x in sign * table.hkl[i])
            spots[hkl] = (position, sum(parts), energies[int(np.argmax(parts))])
    return spots


def polarisation(beam, exit_ray, power):
    """The beam's two fields split along and across the plane of reflection; along it, |cos 2θ| to a power."""
    across = np.array([0.0, -exit_ray[2], exit_ray[1]]) / np.hypot(*exit_ray[1:])
    share_across = (1 + beam.polarisation) / 2 * across[1] ** 2 + (1 - beam.polarisation) / 2 * across[2] ** 2
    return share_across + (1 - share_across) * abs(exit_ray[0]) ** power


def attenuation(slab, u, exit_ray, mu):
    """The slab integral by quadrature over depth."""
    if slab is None:
        return 1.0 / (2.0 * mu)
    normal = u @ slab.normal
    normal = -normal if normal[0] > 0 else normal
    sin_in, sin_out = -normal[0], normal @ exit_ray
    thickness = slab.thickness_mm or 40.0 / mu
    if slab.thickness_mm is None and sin_out <= 0:
        return 0.0
    depth = np.linspace(0.0, thickness * (1 if slab.thickness_mm else sin_in), 200_001)
    path = depth / sin_in + (depth / sin_out if sin_out > 0 else (thickness - depth) / -sin_out)
    return np.trapezoid(np.exp(-mu * path), depth) / (sin_in if slab.whole_footprint else 1.0)


def listed(laue, spots, row=0):
    """The kernel's list in the reference's form."""
    table, found = laue.table, {}
    for k in range(spots.count[row]):
        ray = int(spots.ray[row, k])
        hkl = tuple(int(x) for x in (table.hkl[ray] if ray >= 0 else -table.hkl[-ray - 1]))
        found[hkl] = (spots.position_px[row, k], spots.intensity[row, k], spots.energy_kev[row, k])
    return found


def agree(laue, u, intensity_rtol=5e-4):
    """Weight and 1/µ are interpolated together in the kernel and apart here, hence the tolerance."""
    wanted, found = reference(laue, u), listed(laue, laue.spots(u[None]))
    assert set(wanted) == set(found)
    assert len(wanted) > 5
    for hkl, (position, intensity, energy) in wanted.items():
        np.testing.assert_allclose(found[hkl][0], position, atol=2e-4)  # float32 holds 512 to 3e-5
        np.testing.assert_allclose(found[hkl][1], intensity, rtol=intensity_rtol)
        np.testing.assert_allclose(found[hkl][2], energy, rtol=1e-6)


@pytest.mark.parametrize("name", ["Si", "quartz", "NaCl"])
@pytest.mark.parametrize("panel", ["back_reflection", "side", "transmission"])
def test_the_kernel_equals_plain_numpy(name, panel):
    agree(model(name, panel), rotations(1, 3)[0])


def test_a_polarised_beam_equals_plain_numpy():
    laue = model("Si", "side")
    polarised = LaueModel(laue.crystal, Beam.bending_magnet(polarisation=0.9), laue.detector)
    agree(polarised, rotations(1, 4)[0])


@pytest.mark.parametrize("panel", ["back_reflection", "side"])
def test_a_phosphor_crossed_obliquely_equals_plain_numpy(panel):
    laue = model("Si", panel)
    beam = laue.beam.detected_by(SensitiveLayer.phosphor(0.03))
    agree(LaueModel(laue.crystal, beam, laue.detector), rotations(1, 3)[0])


def test_an_oblique_ray_gains_by_its_path_in_a_thin_layer_and_nothing_in_a_thick_one():
    """1/cos α and 1, the limits of (1 − exp(−µt/cos α))/(1 − exp(−µt)); α reaches 49° in the panel's corner."""
    laue, u = model("Si", "back_reflection"), rotations(1, 3)
    spots = laue.spots(u)
    cosine = np.abs(laue.detector.directions(spots.position_px[0].astype(float)) @ laue.detector.normal)
    assert cosine.min() < 0.75
    for thickness_mm, gain in ((1e-6, 1.0 / cosine), (5.0, np.ones_like(cosine))):
        beam = laue.beam.detected_by(SensitiveLayer.phosphor(thickness_mm))
        both = (LaueModel(laue.crystal, b, laue.detector).spots(u) for b in (beam, beam.at_normal_incidence()))
        with_path, without = (each.intensity[0].astype(float) for each in both)
        np.testing.assert_allclose(with_path / without, gain, rtol=2e-4)


def test_neutrons_equal_plain_numpy():
    laue = LaueModel(crystal("NaCl", "neutron"), Beam.neutron(), Detector.back_reflection(70.0, SMALL, 0.32))
    agree(laue, rotations(1, 5)[0])


@pytest.mark.parametrize("degree", [-1.0, 0.0, 0.9])
def test_perfect_crystal_equals_plain_numpy(degree):
    beam = Beam.bending_magnet(polarisation=degree)
    agree(LaueModel(crystal("Si"), beam, model("Si", "side").detector, extinction="full"), rotations(1, 6)[0])


@pytest.mark.parametrize("thickness", [None, 0.05])
@pytest.mark.parametrize("whole", [True, False])
def test_slabs_equal_a_quadrature_over_depth(thickness, whole):
    laue = LaueModel(
        crystal("Si"),
        Beam.flat((8.0, 12.0)),
        Detector.side(70.0, SMALL, 0.64),
        slab=Slab([0.1, 0.2, 1.0], thickness, whole),
    )
    agree(laue, rotations(1, 8)[0], intensity_rtol=2e-3)


def test_nothing_leaves_a_thick_slab_through_its_far_side():
    u = rotations(1, 9)
    spots = model("Si", "transmission", slab=Slab(u[0].T @ [-1.0, 0.0, 0.0])).spots(u)
    assert spots.count[0] == 0
    assert model("Si", "transmission").spots(u).count[0] > 0


@pytest.mark.parametrize(("name", "differ"), [("quartz", True), ("Si", False)])
def test_friedel_mates_differ_where_the_crystal_absorbs_and_has_no_centre(name, differ):
    """Half a turn about an axis normal to q puts −h−k−l where hkl was: same place, energy and angle, another |F|."""
    laue, u = model(name, "side"), rotations(1, 11)[0]
    forward, most = listed(laue, laue.spots(u[None])), 0.0
    for hkl, (position, intensity, _) in forward.items():
        q = u @ laue.crystal.b_matrix @ hkl
        axis = np.cross(q, [0.3, 0.5, 0.8])
        half_turn = Rotation.from_rotvec(np.pi * axis / np.linalg.norm(axis)).as_matrix()
        mate = listed(laue, laue.spots((half_turn @ u)[None]))[tuple(-x for x in hkl)]
        np.testing.assert_allclose(mate[0], position, atol=1e-3)
        most = max(most, abs(mate[1] / intensity - 1.0))
    assert (most > 1e-2) if differ else (most < 1e-4)


def test_harmonics_are_summed_into_one_spot():
    """A band that holds one harmonic more gives the old intensity plus that harmonic's."""
    detector, silicon = Detector.side(70.0, SMALL, 0.32), crystal("Si")
    u = rotations(1, 12)
    flat = [Beam.flat(band, flux_per_s=band[1] - band[0]) for band in ((5.0, 12.0), (12.0, 24.0), (5.0, 24.0))]
    table = silicon.reflections(24.0)
    low, high, both = (listed(m, m.spots(u)) for m in (LaueModel(silicon, b, detector, table=table) for b in flat))
    shared = set(low) & set(high)
    assert shared
    for hkl in both:
        parts = sum(part[hkl][1] for part in (low, high) if hkl in part)
        assert both[hkl][1] == pytest.approx(parts, rel=1e-3)


def test_a_row_does_not_depend_on_the_rest_of_the_batch():
    u = rotations(300, 13)
    panels = np.stack([model().detector.displaced([0, d, 0], [0, d, d]).as_vector() for d in np.linspace(-1, 1, 300)])
    every = model().spots(u, panels)
    for k in (0, 1, 255, 256, 299):
        one = model().spots(u[k : k + 1], panels[k : k + 1])
        n = one.count[0]
        assert every.count[k] == n
        for name in ("position_px", "intensity", "energy_kev", "ray"):
            np.testing.assert_array_equal(getattr(every, name)[k, :n], getattr(one, name)[0])


def test_a_displaced_panel_is_the_same_as_a_model_of_that_panel():
    u, moved = rotations(4, 14), model().detector.displaced([0.5, -1.0, 2.0], [1.0, 2.0, 3.0])
    by_row = model().spots(u, np.tile(moved.as_vector(), (4, 1)))
    by_model = LaueModel(model().crystal, model().beam, moved).spots(u)
    np.testing.assert_array_equal(by_row.position_px, by_model.position_px)
    np.testing.assert_array_equal(by_row.intensity, by_model.intensity)


def test_brightest_keeps_the_strongest_in_descending_order():
    u = rotations(20, 15)
    every, few = model().spots(u), model(brightest=10).spots(u)
    for k in range(20):
        wanted = np.sort(every.intensity[k])[::-1][:10]
        np.testing.assert_array_equal(few.intensity[k], wanted)
        place = [int(np.flatnonzero(every.ray[k] == r)[0]) for r in few.ray[k]]
        np.testing.assert_array_equal(every.position_px[k, place], few.position_px[k])


def test_rows_are_padded_with_zeros():
    spots = model().spots(rotations(20, 16))
    assert spots.intensity.shape[1] == spots.count.max()
    assert (spots.intensity[spots.mask] > 0).all()
    assert (spots.intensity[~spots.mask] == 0).all()
    assert (spots.position_px[~spots.mask] == 0).all()


def test_symmetric_orientations_give_the_same_pattern():
    silicon, u = crystal("Si"), rotations(1, 17)[0]
    one = np.sort(model().spots(u[None]).intensity[0])
    for turn in silicon.rotations:
        np.testing.assert_allclose(np.sort(model().spots((u @ turn)[None]).intensity[0]), one, rtol=1e-5)


def test_a_mirrored_camera_mirrors_the_pattern():
    u, detector = rotations(1, 18), model().detector
    last = detector.to_lab_mm([SMALL[1] - 1, 0])
    mirrored = Detector(last, -detector.fast, detector.slow, detector.pixel_mm, detector.shape)
    assert mirrored.mirrored
    plain, other = model().spots(u), LaueModel(model().crystal, model().beam, mirrored).spots(u)
    np.testing.assert_allclose(other.position_px[0, :, 0], SMALL[1] - 1 - plain.position_px[0, :, 0], atol=1e-3)
    np.testing.assert_array_equal(other.position_px[0, :, 1], plain.position_px[0, :, 1])


def test_intensity_is_proportional_to_the_flux():
    u = rotations(1, 19)
    brighter = LaueModel(model().crystal, model().beam.with_flux(3e9), model().detector)
    np.testing.assert_allclose(brighter.spots(u).intensity, 3.0 * model().spots(u).intensity, rtol=1e-5)


def test_an_empty_batch_is_no_error():
    spots = model().spots(np.zeros((0, 3, 3)))
    assert spots.count.shape == (0,)
    assert spots.position_px.shape == (0, 0, 2)


@pytest.mark.parametrize(
    ("orientation", "words"),
    [
        (np.eye(3)[:2], "shape"),
        (np.zeros((2, 3, 3)), "orientation 0"),
        (np.stack([np.eye(3), np.full((3, 3), np.nan)]), "orientation 1"),
        (np.stack([np.eye(3), np.diag([1.0, 1.0, -1.0])]), "orientation 1"),
    ],
)
def test_what_is_no_orientation_is_refused(orientation, words):
    with pytest.raises(ValueError, match=words) as error:
        check_orientations(orientation)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("panels", [np.zeros(9), np.zeros((2, 9))])
def test_panels_of_the_wrong_shape_are_refused(panels):
    with pytest.raises(ValueError, match=r"\(1, 9\)"):
        model().spots(np.eye(3), panels)


@pytest.mark.parametrize(
    "row",
    [[np.nan] * 9, [-70, 0, 0, 0, 1, 0, 0, 0.1, 1], [-70, 0, 0, 0, 2, 0, 0, 0, 1], [0, 5, 5, 0, 1, 0, 0, 0, -1]],
)
def test_a_row_that_is_no_panel_is_refused(row):
    with pytest.raises(ValueError, match="row 1 is no panel"):
        model().spots(rotations(2), np.stack([model().detector.as_vector(), row]))


def test_a_detector_out_of_reach_says_what_would_reach():
    far = Detector.transmission(2000.0, (64, 64), 0.1)
    with pytest.raises(ValueError, match="no reflection between 5 and 25 keV can reach") as error:
        LaueModel(crystal("Si"), Beam.flat((5.0, 25.0)), far)
    assert "use energies above" in str(error.value)


def test_a_table_that_ends_below_the_beam_is_refused_and_not_taken_for_the_whole_pattern():
    short = crystal("Si").reflections(10.0)
    with pytest.raises(ValueError, match=r"ends at 10 keV, the beam at 25: make it by crystal\.reflections\(25\)"):
        LaueModel(crystal("Si"), Beam.flat((5.0, 25.0)), Detector.back_reflection(), table=short)


def test_a_beam_of_other_radiation_is_refused():
    with pytest.raises(ValueError, match='radiation="neutron"'):
        LaueModel(crystal("Si"), Beam.neutron(), Detector.back_reflection())
    with pytest.raises(ValueError, match="extinction"):
        LaueModel(crystal("Si"), Beam.flat(), Detector.back_reflection(), extinction="some")
    with pytest.raises(ValueError, match="brightest"):
        LaueModel(crystal("Si"), Beam.flat(), Detector.back_reflection(), brightest=0)


# Measured patterns ----------------------------------------------------------------------------------------------------


def measured(case):
    folder = DATA / "laue" / case
    if not folder.is_dir():
        pytest.skip("the measured data of BEAMGYM_DATA is not here")
    info = json.loads((folder / "case.json").read_text())
    geometry = info["geom"]
    detector = from_lauetools(
        *(geometry[k] for k in ("dd", "xcen", "ycen", "xbet", "xgam", "pixel")), shape=tuple(geometry["shape"])
    )
    return info, detector, np.loadtxt(folder / "indexed_hklxyIE.txt")


def modelled(info, detector):
    """A model of the measured case and the orientation in it: the refined, strained lattice with one atom, so that none
    of the reflections that the authors indexed by position alone is absent."""
    ub = np.array(info["UB0"])
    atom = load_crystal(
        Structure(Lattice.from_parameters(*info["lattice"]), ["Si"], [[0, 0, 0]], site_properties=B_ISO)
    )
    u = Rotation.align_vectors(ub.T, atom.b_matrix.T)[0].as_matrix()
    return LaueModel(replace(atom, b_matrix=u.T @ ub), Beam.flat(tuple(info["band_keV"])), detector), u


@pytest.mark.parametrize("case", CASES)
def test_measured_patterns_are_reproduced_to_the_published_residual(case):
    info, detector, indexed = measured(case)
    laue, u = modelled(info, detector)
    found = listed(laue, laue.spots(u[None]))
    residual = []
    for *indices, x, y, _, energy in indexed:
        hkl = np.array(indices).astype(int)
        primitive = tuple(int(v) for v in hkl // np.gcd.reduce(hkl))
        position, _, _ = found[primitive]
        residual.append(np.hypot(*(position + 1.0 - [x, y])))
        q = u @ laue.crystal.b_matrix @ hkl
        assert -HC_KEV_A * (q @ q) / (2 * q[0]) == pytest.approx(energy, abs=2e-3)
    print(f"{case}: mean residual {np.mean(residual):.3f} px, published {CASES[case]} px")
    assert np.mean(residual) == pytest.approx(CASES[case], abs=0.01)


@pytest.mark.parametrize("case", CASES)
def test_random_orientations_match_hardly_any_measured_peak(case):
    """A peak is matched by any spot within 1 px."""
    info, detector, indexed = measured(case)
    laue, _ = modelled(info, detector)
    spots = laue.spots(rotations(20, 20))
    matched = 0
    for k in range(20):
        apart = spots.position_px[k, : spots.count[k], None] + 1.0 - indexed[None, :, 3:5]
        matched += np.count_nonzero(np.hypot(apart[..., 0], apart[..., 1]).min(axis=0) < 1.0)
    print(f"{case}: {matched / (20 * len(indexed)):.2%} of the peaks match a random orientation")
    assert matched < 0.01 * 20 * len(indexed)


def test_a_synthetic_pattern_is_reproduced_and_a_random_orientation_is_not():
    """The measured cases' twin for those without the data: positions by textbook formula, 0.2 px of scatter."""
    detector = from_lauetools(70.775, 941.736, 1082.562, 0.63, -0.682, 0.079142, (2048, 2048))
    laue = LaueModel(crystal("Ge"), Beam.flat((5.0, 23.0)), detector)
    u, rng = rotations(1, 21)[0], np.random.default_rng(0)
    truth = reference(laue, u)
    peaks = {hkl: spot[0] + rng.normal(0, 0.2, 2) for hkl, spot in truth.items()}
    right, wrong = listed(laue, laue.spots(u[None])), listed(laue, laue.spots(rotations(1, 22)))
    residual = [np.hypot(*(right[hkl][0] - position)) for hkl, position in peaks.items()]
    assert np.mean(residual) == pytest.approx(0.2 * np.sqrt(np.pi / 2), rel=0.15)
    near = [np.hypot(*(wrong[hkl][0] - position)) < 1.0 for hkl, position in peaks.items() if hkl in wrong]
    assert sum(near) < 0.01 * len(peaks)


@pytest.mark.parametrize(
    ("panel", "options", "beam"),
    [
        ("back_reflection", {}, Beam.tube("W")),
        ("side", {"extinction": "full"}, Beam.tube("Cu")),
        ("transmission", {"slab": Slab((0, 0, 1), 0.05)}, Beam.tube("Mo")),
        ("back_reflection", {"slab": Slab((1, 1, 0), None, False)}, Beam.tube("W").detected_by("phosphor")),
    ],
)
def test_ranked_rays_give_the_same_lists_to_the_bit(panel, options, beam):
    detector = getattr(Detector, panel)(70.0, SMALL, 0.32)
    few = LaueModel(crystal("quartz"), beam, detector, brightest=30, **options)
    u, own = rotations(250, 30), np.tile(detector.as_vector(), (250, 1))
    own[:, 0] += np.linspace(-0.3, 0.3, 250)
    own[200:, :3] += 25.0 * detector.normal  # so far from the nominal panel that no bound holds
    first = few.spots(u[:100], own[:100])
    ranked = few.spots(u, own)
    assert (np.diff(few._rays.bound) <= 0).all()
    assert np.isfinite(few._rays.bound).all()
    for name in ("count", "position_px", "intensity", "energy_kev", "ray"):
        np.testing.assert_array_equal(getattr(ranked, name)[:100], getattr(first, name))
    once = [few.with_table(few.table).spots(u[i : i + 1], own[i : i + 1]) for i in range(100, 250)]
    for name in ("intensity", "ray"):
        np.testing.assert_array_equal(getattr(ranked, name)[100:], np.concatenate([getattr(o, name) for o in once]))


@pytest.mark.parametrize("panel", ["back_reflection", "side", "transmission"])
def test_no_spot_is_brighter_than_its_rays_bound(panel):
    whole, few = model("quartz", panel), model("quartz", panel, brightest=1)
    few.spots(rotations(200, 31))
    bound = np.empty(len(few.table.hkl))
    bound[few._rays.row] = few._rays.bound
    spots = whole.spots(rotations(300, 32))
    ray = np.where(spots.ray >= 0, spots.ray, -spots.ray - 1)
    share = spots.intensity[spots.mask] / bound[ray[spots.mask]]
    assert share.max() <= 1.0 + 1e-6  # float32
    assert np.median(share) > 0.2


@pytest.mark.parametrize("panel", ["back_reflection", "side", "transmission", "top"])
def test_a_panels_angles_are_the_detectors(panel):
    detector = getattr(Detector, panel)(70.0, (300, 512), 0.32)
    found = sines_of_panel(detector.as_vector(), Panel(detector.pixel_mm, *detector.shape))
    np.testing.assert_allclose(found, detector.sin_theta_range(), atol=3e-7)


def test_the_brightest_of_a_list_are_those_of_a_full_sort():
    generator = np.random.default_rng(33)
    for number in (1, 7, 400):
        intensity = np.exp(6.0 * generator.normal(size=number))
        intensity[::3] = intensity[0]  # ties, broken by the ray
        ray = generator.permutation(number).astype(np.int32)
        ray[::2] = -ray[::2] - 1
        single, rank = np.empty(number, np.float32), np.empty(number, np.int32)
        room = np.empty(BUCKETS, np.int32)
        row = np.where(ray >= 0, ray, -ray - 1)
        wanted = np.lexsort((row, -intensity))
        for keep in (1, 5, number, number + 3):
            kept = brightest_rows(intensity, ray, number, keep, single, single.view(np.int32), room, rank)
            np.testing.assert_array_equal(rank[:kept], wanted[: min(keep, number)])
