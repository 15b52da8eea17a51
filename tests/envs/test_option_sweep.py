"""A seeded sample of what a user may ask for: what is made passes Gymnasium's checker and SB3's, without a warning."""

import random
import warnings
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

import gymnasium as gym
import pytest
from gymnasium.utils.env_checker import check_env as check_gymnasium
from stable_baselines3.common.env_checker import check_env as check_sb3

import beamgym  # noqa: F401 - registers the environments
from beamgym.envs import ENVIRONMENTS
from beamgym.envs.kinds import kind_of_environment, resolve

COMBINATIONS = 500
IN_A_TEST = 20

VALUES: dict[str, tuple[Any, ...]] = {
    "level": ("easy", "real", "hard"),
    "crystal": ("Si", "quartz", "Al2O3"),
    "crystals": (None, ["Si", "Ge"]),
    "goniometer": ("six-axis", "two-arc", "e4cv", "psic", "kappa"),
    "target": ("pose [001] [110]", "axis [001] x", "plane (100) (010)"),
    "beam": ("tube-W", "tube-Mo", "bending-magnet"),
    "detector": ("back-reflection", "side", "transmission"),
    "tolerance_deg": (0.25, 1.0, 5.0),
    "exposures": (3, 20),
    "moves": (3, 20),
    "max_rotation_deg": (10.0, 90.0),
    "size": (64, 84),
    "system": ("cubic", "tetragonal", "hexagonal", "trigonal", "orthorhombic", "monoclinic", "triclinic"),
    "stage": ("stepper", "piezo"),
    "beam_time_s": (10.0, 120.0),
    "max_step_mm": (0.2, 0.5),
    "surfaces": (None, 2),
    "material": (None, "dirac", "hexagonal"),
    "start_within_deg": (None, 20.0),
    "history": (1, 3),
}
"""Values of options whose type does not list them; what stands in neither keeps its default."""

OF_KIND = {
    "level": {"zone": ("published", "easy", "real", "hard")},
    "size": {"arpes": (64, 128)},
    "beam": {"arpes": (None,)},
}


def choices(kind, name, hint):
    """Return the values that an option is tried with."""
    own = OF_KIND.get(name, {}).get(kind)
    if own is not None:
        return own
    if name in VALUES:
        return VALUES[name]
    if hint is bool:
        return (False, True)
    listed = [hint] if get_origin(hint) is Literal else [each for each in get_args(hint) if get_origin(each) is Literal]
    return tuple(value for each in listed for value in get_args(each))


def drawn(number):
    """Return an id and some of its options, which combination ``number`` stands for."""
    lots = random.Random(number)
    name = lots.choice(list(ENVIRONMENTS))
    kind = kind_of_environment(name)
    options = resolve(kind.options)
    hints = get_type_hints(options)
    wanted = {}
    for item in fields(options):
        values = choices(kind.name, item.name, hints[item.name])
        if values and lots.random() < 0.4:
            wanted[item.name] = lots.choice(values)
    return name, wanted


def made_or_refused(name, options):
    """Return an environment and no words, or none and the refusal."""
    try:
        return gym.make(name, render_mode="rgb_array", **options), ""
    except (ValueError, TypeError) as refusal:
        return None, str(refusal)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(COMBINATIONS // IN_A_TEST))
def test_what_is_made_passes_both_checkers_and_what_is_not_is_refused_in_one_line(block):
    made = 0
    for number in range(block * IN_A_TEST, (block + 1) * IN_A_TEST):
        name, options = drawn(number)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            env, refusal = made_or_refused(name, options)
            if env is None:
                assert "\n" not in refusal, (name, options)
                continue
            check_gymnasium(env.unwrapped, skip_render_check=number % 5 > 0)
            check_sb3(env.unwrapped)
            env.close()
        said = [str(each.message) for each in told]
        # Gymnasium says of every id that there is a later version of it.
        assert [each for each in said if "is out of date" not in each] == [], (name, options)
        made += 1
    assert made >= IN_A_TEST // 3
