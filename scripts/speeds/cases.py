"""What `beamgym speed` measures: one function per row, each returning how to do the work once and how much that is."""

from collections.abc import Callable
from typing import Any

import numpy as np

from beamgym.scripts.speeds import arpes as speed_arpes
from beamgym.scripts.speeds import deploy_start
from beamgym.scripts.speeds.calibrating import calibrating_ms
from beamgym.scripts.speeds.indexing import index_60_peaks
from beamgym.scripts.speeds.work import SelfTimed, Work, stepping

BACK_REFLECTION_BAND_KEV = (5.0, 25.0)
IMAGES = 8
"""Large images are drawn one by one, as the peer does; of a batch, most of the time goes into clearing new memory."""

SMALL_STEP_DEG = 20.0
"""Largest rotation of the moves with which the environments are timed, as a policy that homes in makes them."""

DECLARED_SHARE = 0.05
"""Share of the timed actions that declare, so that the cost of new episodes is in the figure."""


def laue_spots_si_back(seed: int) -> Work:
    """Spot lists of silicon in back-reflection, 5 to 25 keV, full intensities, all spots."""
    model, orientations = _silicon_back(seed, 256)
    return Work(lambda: model.spots(orientations), len(orientations))


def laue_image_2048(seed: int) -> Work:
    """The same case as images: 2048 × 2048, the default spot shape, fresh uint16 arrays, no noise; spots included."""
    from beamgym.physics.laue.pattern import ImageModel, Sensor

    model, orientations = _silicon_back(seed, IMAGES)
    images = ImageModel(model.detector, camera=Sensor(offset=0.0, noise=False))

    def once() -> None:
        for i in range(len(orientations)):
            images.render(model.spots(orientations[i : i + 1]))

    return Work(once, len(orientations))


def laue_image_84_noise(seed: int) -> Work:
    """84 × 84 images of the same panel: background, exact Poisson counts, read noise; spots included."""
    from beamgym.physics.counter_rng import make_keys
    from beamgym.physics.laue.detector import Detector
    from beamgym.physics.laue.pattern import ImageBackground, ImageModel, Sensor, SpotShape

    panel = Detector.back_reflection(shape=(84, 84), pixel_mm=0.08 * 2048 / 84)
    model, orientations = _silicon_back(seed, 256, panel)
    images = ImageModel(panel, SpotShape(blur_mm=0.5 * panel.pixel_mm), ImageBackground(), Sensor())
    keys = make_keys(seed, np.arange(len(orientations)))
    return Work(lambda: images.render(model.spots(orientations), keys, exposure_s=10.0), len(orientations))


def env_laue_spots_vec256(seed: int) -> Work:
    """LaueAlign-v0 as registered, native vector of 256, new episodes begun in the same step."""
    return _align("beamgym/LaueAlign-v0", 256, seed)


def env_laue_image_84(seed: int) -> Work:
    """LaueAlignImage-v0 as registered, native vector of 64: rendered 84 × 84 frames with noise."""
    return _align("beamgym/LaueAlignImage-v0", 64, seed)


def env_laue_zone(seed: int) -> Work:
    """LaueZone-v0 as registered, native vector of 64: unknown crystals, 84 × 84 frames."""
    import gymnasium as gym
    from gymnasium.vector import AutoresetMode

    env = gym.make_vec(
        "beamgym/LaueZone-v0",
        num_envs=64,
        vectorization_mode="vector_entry_point",
        autoreset_mode=AutoresetMode.SAME_STEP,
    )
    env.reset(seed=seed)
    env.action_space.seed(seed)
    actions = [env.action_space.sample() for _ in range(16)]
    return Work(stepping(env, actions), 64)


def guard_step_ms(seed: int) -> SelfTimed:
    """What the guard adds to a step of two axes, shutter and frame, on devices that take no time; its log included."""

    def read() -> float:
        from beamgym.hardware_bridge.guard import guard_step_ms as measured

        return measured()["guard_step_ms"]

    return SelfTimed(read)


CASES: dict[str, tuple[Callable[[int], Work | SelfTimed], str]] = {
    "laue_spots_si_back": (laue_spots_si_back, "lists/s"),
    "laue_image_2048": (laue_image_2048, "images/s"),
    "laue_image_84_noise": (laue_image_84_noise, "images/s"),
    "index_60_peaks": (index_60_peaks, "lists/s"),
    "calibrating_ms": (calibrating_ms, "ms"),
    "env_laue_spots_vec256": (env_laue_spots_vec256, "steps/s"),
    "env_laue_image_84": (env_laue_image_84, "steps/s"),
    "env_laue_zone": (env_laue_zone, "steps/s"),
    "arpes_224": (speed_arpes.arpes_224, "spectra/s"),
    "arpes_532x500": (speed_arpes.arpes_532x500, "spectra/s"),
    "arpes_224_full": (speed_arpes.arpes_224_full, "spectra/s"),
    "env_arpes_64": (speed_arpes.env_arpes_64, "steps/s"),
    "env_arpes_128": (speed_arpes.env_arpes_128, "steps/s"),
    "env_arpes_64_cnn": (speed_arpes.env_arpes_64_cnn, "steps/s"),
    "guard_step_ms": (guard_step_ms, "ms"),
    "deploy_check_s": (deploy_start.deploy_check_s, "s"),
    "deploy_signs_s": (deploy_start.deploy_signs_s, "s"),
    "deploy_dry_run_s": (deploy_start.deploy_dry_run_s, "s"),
    "deploy_run_s": (deploy_start.deploy_run_s, "s"),
}
"""Every row by name, with its unit: a rate is per second of CPU time of one thread, "ms" and "s" are a clock's."""


def laue_torch_image(seed: int) -> Work:
    """laue-torch (BSD-3): the case of ``laue_spots_si_back`` as its 2048 × 2048 image in float32.

    Every reflection of silicon that this panel can see at 5 to 25 keV at some orientation, each harmonic for itself;
    |F|² is the caller's business there and left at 1.
    """
    import torch
    from laue_torch import LaueForwardModel

    from beamgym.physics.laue.pattern import SpotShape

    model, orientations = _silicon_back(seed, IMAGES)
    detector, crystal, table = model.detector, model.crystal, model.table
    torch.set_num_threads(1)
    rows = np.repeat(np.arange(len(table.hkl)), np.diff(table.first))
    hkl = table.hkl[rows] * table.order[:, None]
    forward = LaueForwardModel(
        torch.tensor(np.concatenate([hkl, -hkl]), dtype=torch.int64),
        n_pix=(detector.shape[1], detector.shape[0]),
        px_size=(detector.pixel_mm / 1000, detector.pixel_mm / 1000),
        psf_sigma=SpotShape().blur_mm / detector.pixel_mm,
        hard=True,
    )
    a, b, c, *angles = crystal.cell
    lattice = torch.tensor([a / 10, b / 10, c / 10, *angles], dtype=torch.float32)
    place = torch.tensor([0.0, 0.0, detector.distance_mm / 1000], dtype=torch.float32)
    turn = torch.tensor(_in_their_frame(detector), dtype=torch.float32)
    u = torch.tensor(_THEIR_AXES @ orientations, dtype=torch.float32)

    def once() -> None:
        with torch.no_grad():
            for one in u:
                forward(one, lattice, place, turn, E_range=BACK_REFLECTION_BAND_KEV)

    return Work(once, len(u))


PEERS: dict[str, tuple[str, Callable[[int], Work]]] = {
    "laue_spots_si_back": ("laue-torch 0.1.5 image", laue_torch_image),
    "laue_image_2048": ("laue-torch 0.1.5 image", laue_torch_image),
    "arpes_224": ("aurelia 0.1.0", speed_arpes.aurelia_224),
    "arpes_532x500": ("aurelia 0.1.0", speed_arpes.aurelia_532x500),
    "arpes_224_full": ("aurelia 0.1.0", speed_arpes.aurelia_224),
}
"""The other program that a row is measured against in the same run, where it is installed."""

_THEIR_AXES = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
"""laue-torch's beam runs along z: its (x, y, z) are our (y, z, x)."""


def _in_their_frame(detector: Any) -> Any:
    from scipy.spatial.transform import Rotation

    frame = _THEIR_AXES @ np.stack([detector.fast, detector.slow, detector.normal], axis=1)
    return Rotation.from_matrix(frame).as_rotvec()


def _silicon_back(seed: int, n: int, detector: Any = None) -> tuple[Any, Any]:
    """Return the model of the case of the comparison, and n random orientations (n, 3, 3)."""
    from beamgym.physics.counter_rng import make_keys
    from beamgym.physics.crystal import load_crystal
    from beamgym.physics.laue.beam import Beam
    from beamgym.physics.laue.detector import Detector
    from beamgym.physics.laue.pattern import LaueModel
    from beamgym.physics.orientation import random_orientations

    panel = detector or Detector.back_reflection()
    model = LaueModel(load_crystal("Si"), Beam.tube("W", band_kev=BACK_REFLECTION_BAND_KEV), panel)
    return model, random_orientations(make_keys(seed, np.arange(n)))


def _align(env_id: str, n: int, seed: int) -> Work:
    import gymnasium as gym
    from gymnasium.vector import AutoresetMode

    from beamgym.envs.actions import encode_rotation

    env = gym.make_vec(
        env_id,
        num_envs=n,
        vectorization_mode="vector_entry_point",
        autoreset_mode=AutoresetMode.SAME_STEP,
    )
    env.reset(seed=seed)
    generator = np.random.default_rng(seed)
    actions = []
    for _ in range(16):
        axis = generator.normal(size=(n, 3))
        angle = generator.uniform(0.0, SMALL_STEP_DEG, size=(n, 1))
        turn = encode_rotation(axis / np.linalg.norm(axis, axis=1, keepdims=True) * angle, 90.0)
        declare = np.where(generator.uniform(size=(n, 1)) < DECLARED_SHARE, 1.0, -1.0)
        actions.append(np.concatenate([turn, declare], axis=1).astype(np.float32))
    return Work(stepping(env, actions), n)
