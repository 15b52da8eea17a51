"""What `beamgym speed` measures: one function per row, each returning how to do the work once and how much that is."""

from collections.abc import Callable
from functools import partial

import numpy as np

from beamgym.scripts import page_costs
from beamgym.scripts.speeds import arpes as speed_arpes
from beamgym.scripts.speeds import environments, starting
from beamgym.scripts.speeds.estimating import calibrating_ms, index_60_peaks, mosaic_200_frames_s, scan_31
from beamgym.scripts.speeds.laue import (
    IMAGES,
    back_reflection,
    laue_torch_image,
    numpy_lists,
    numpy_noise,
    silicon_back,
    small_panel,
)
from beamgym.scripts.speeds.machine import core_gbytes, core_gflops
from beamgym.scripts.speeds.work import SelfTimed, Work

Case = Callable[[int], Work | SelfTimed]


def laue_spots_si_back(seed: int) -> Work:
    """Spot lists of silicon in back-reflection, 5 to 25 keV, full intensities, all spots."""
    model, orientations = silicon_back(seed, 256)
    return Work(lambda: model.spots(orientations), len(orientations))


def laue_spots_jarosite(seed: int) -> Work:
    """The same of jarosite, a large cell."""
    return _lists("jarosite", seed)


def laue_spots_kyanite(seed: int) -> Work:
    """The same of kyanite, a triclinic cell."""
    return _lists("kyanite", seed)


def _lists(crystal: str, seed: int) -> Work:
    model, orientations = back_reflection(crystal, seed, 64)
    return Work(lambda: model.spots(orientations), len(orientations))


def laue_image_2048(seed: int) -> Work:
    """The same case as images: 2048 × 2048, the default spot shape, fresh uint16 arrays, no noise; spots included."""
    from beamgym.physics.laue.pattern import ImageModel, Sensor

    model, orientations = silicon_back(seed, IMAGES)
    images = ImageModel(model.detector, camera=Sensor(offset=0.0, noise=False))

    def once() -> None:
        for i in range(len(orientations)):
            images.render(model.spots(orientations[i : i + 1]))

    return Work(once, len(orientations))


def laue_image_84_noise(seed: int) -> Work:
    """84 × 84 images of the same panel: background, exact Poisson counts, read noise; spots included."""
    from beamgym.physics.counter_rng import make_keys
    from beamgym.physics.laue.pattern import ImageBackground, ImageModel, Sensor, SpotShape

    panel = small_panel()
    model, orientations = silicon_back(seed, 256, panel)
    images = ImageModel(panel, SpotShape(blur_mm=0.5 * panel.pixel_mm), ImageBackground(), Sensor())
    keys = make_keys(seed, np.arange(len(orientations)))
    return Work(lambda: images.render(model.spots(orientations), keys, exposure_s=10.0), len(orientations))


def denoise_2048_s(seed: int) -> SelfTimed:
    """A counted frame of 2048 × 2048 pixels through the shipped Laue denoiser: rate and uncertainty, on one core."""
    import time

    from beamgym.envs.denoising import shipped_denoiser

    denoiser = shipped_denoiser("laue")
    frame = np.random.default_rng(seed).poisson(1.0, (2048, 2048))

    def read() -> float:
        begun = time.process_time()
        denoiser(frame)
        return time.process_time() - begun

    return SelfTimed(read)


def guard_step_ms(seed: int) -> SelfTimed:
    """What the guard adds to a step of two axes, shutter and frame, on devices that take no time; its log included."""

    def read() -> float:
        from beamgym.hardware_bridge.guard import guard_step_ms as measured

        return measured()["guard_step_ms"]

    return SelfTimed(read)


def page_glass_ms(seed: int) -> SelfTimed:
    """From a frame of 2048² to the glass of a browser that shows the operator's page, two a second."""
    return SelfTimed(lambda: page_costs.glass_ms(seed), again=False)


def page_cpu_ms(seed: int) -> SelfTimed:
    """CPU time a second of the page's server and its browser together, at two such frames a second."""
    return SelfTimed(lambda: page_costs.cpu_ms(seed), again=False)


CASES: dict[str, tuple[Case, str]] = {
    "laue_spots_si_back": (laue_spots_si_back, "lists/s"),
    "laue_spots_jarosite": (laue_spots_jarosite, "lists/s"),
    "laue_spots_kyanite": (laue_spots_kyanite, "lists/s"),
    "laue_image_2048": (laue_image_2048, "images/s"),
    "laue_image_84_noise": (laue_image_84_noise, "images/s"),
    "index_60_peaks": (index_60_peaks, "lists/s"),
    "calibrating_ms": (calibrating_ms, "ms"),
    "env_laue_spots_vec256": (environments.env_laue_spots_vec256, "steps/s"),
    "env_laue_v1": (environments.env_laue_v1, "steps/s"),
    "env_laue_v1_estimate": (environments.env_laue_v1_estimate, "steps/s"),
    "env_laue_v1_map": (environments.env_laue_v1_map, "steps/s"),
    "env_laue_ca2ruo4": (environments.env_laue_ca2ruo4, "steps/s"),
    "env_laue_jarosite": (environments.env_laue_jarosite, "steps/s"),
    "env_laue_kyanite": (environments.env_laue_kyanite, "steps/s"),
    "env_laue_crystals": (environments.env_laue_crystals, "steps/s"),
    "env_laue_image_84": (environments.env_laue_image_84, "steps/s"),
    "env_laue_zone": (environments.env_laue_zone, "steps/s"),
    "env_laue_zone_v1_zones": (environments.env_laue_zone_v1_zones, "steps/s"),
    "arpes_224": (speed_arpes.arpes_224, "spectra/s"),
    "arpes_532x500": (speed_arpes.arpes_532x500, "spectra/s"),
    "arpes_224_full": (speed_arpes.arpes_224_full, "spectra/s"),
    "env_arpes_64": (speed_arpes.env_arpes_64, "steps/s"),
    "env_arpes_128": (speed_arpes.env_arpes_128, "steps/s"),
    "env_arpes_64_cnn": (speed_arpes.env_arpes_64_cnn, "steps/s"),
    "env_arpes_v1": (speed_arpes.env_arpes_v1, "steps/s"),
    "env_arpes_image": (speed_arpes.env_arpes_image, "steps/s"),
    "bands_six": (speed_arpes.bands_six, "s"),
    "bands_wse2": (speed_arpes.bands_wse2, "s"),
    "denoise_2048_s": (denoise_2048_s, "s"),
    "guard_step_ms": (guard_step_ms, "ms"),
    "deploy_check_s": (starting.deploy_check_s, "s"),
    "deploy_signs_s": (starting.deploy_signs_s, "s"),
    "deploy_dry_run_s": (starting.deploy_dry_run_s, "s"),
    "deploy_run_s": (starting.deploy_run_s, "s"),
    "page_glass_ms": (page_glass_ms, "ms"),
    "page_cpu_ms": (page_cpu_ms, "ms"),
    "scan_31": (scan_31, "scans/s"),
    "mosaic_200_frames_s": (mosaic_200_frames_s, "s"),
    "import_s": (starting.import_s, "s"),
    "memory_1024_mb": (starting.memory_1024_mb, "MiB"),
    "core_gflops": (core_gflops, "GFLOP/s"),
    "core_gbytes": (core_gbytes, "GB/s"),
}
"""Every row by name, with its unit: a rate is per second of CPU time of one thread, "ms" and "s" are a clock's."""

YARDSTICK = "CartPole-v1 of 256"
"""Gymnasium's own, stepped beside every environment, and beside every row that has no other peer."""

PEERS: dict[str, tuple[str, Callable[[int], Work]]] = {
    "laue_spots_si_back": ("laue-torch 0.1.5 image", laue_torch_image),
    "laue_spots_jarosite": ("numpy, the same lists", partial(numpy_lists, "jarosite")),
    "laue_spots_kyanite": ("numpy, the same lists", partial(numpy_lists, "kyanite")),
    "laue_image_2048": ("laue-torch 0.1.5 image", laue_torch_image),
    "laue_image_84_noise": ("numpy, its noise alone", numpy_noise),
    "arpes_224": ("aurelia 0.1.0", speed_arpes.aurelia_224),
    "arpes_532x500": ("aurelia 0.1.0", speed_arpes.aurelia_532x500),
    "arpes_224_full": ("aurelia 0.1.0", speed_arpes.aurelia_224),
    **{name: (YARDSTICK, environments.cartpole) for name in CASES if name.startswith("env_")},
    "env_laue_v1": ("LaueAlign-v0", environments.env_laue_spots_vec256),
}
"""What a row is measured against in the same run: another program where it is installed, numpy, or the yardstick."""
