"""Every environment, level, goniometer and crystal with a name has an example that passes what a stranger checks."""

import subprocess
import sys
import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as check_gymnasium
from stable_baselines3.common.env_checker import check_env as check_sb3

import beamgym  # noqa: F401 - registers the environments
from beamgym.envs import ENVIRONMENTS
from beamgym.envs.checks import check_task, check_world
from beamgym.physics.crystal.crystal import crystal_names
from beamgym.physics.goniometer.goniometer import goniometer_names
from beamgym.physics.laue.imperfections import LAUE_LEVELS

NOT_COMPILED = """
import sys, importlib, pkgutil
import beamgym
early = sorted(name for name in ("torch", "numba", "pymatgen", "stable_baselines3") if name in sys.modules)
assert not early, f"import beamgym alone imports {early}"
for floor in ("physics", "envs"):
    package = importlib.import_module(f"beamgym.{floor}")
    for module in pkgutil.walk_packages(package.__path__, f"beamgym.{floor}."):
        if "arpes" not in module.name:
            importlib.import_module(module.name)
from numba.core.dispatcher import Dispatcher
compiled = sorted(
    f"{name}.{key}"
    for name, module in list(sys.modules.items()) if name.startswith("beamgym.")
    for key, value in vars(module).items() if isinstance(value, Dispatcher) and value.signatures
)
assert not compiled, f"importing compiles {compiled}"
"""


def _registry(request, name):
    return request.config.beamgym_registries[name]


def test_every_registered_id_has_an_example_and_every_example_an_id(request):
    registered = {name for name in gym.registry if name.startswith("beamgym/")}
    assert registered == set(ENVIRONMENTS) == set(_registry(request, "any_environment"))


def test_every_level_goniometer_and_crystal_has_an_example(request):
    assert set(_registry(request, "any_level")) == set(LAUE_LEVELS)
    assert set(_registry(request, "any_goniometer")) == set(goniometer_names())
    assert set(_registry(request, "any_crystal")) == set(crystal_names())


def test_importing_beamgym_is_light_and_importing_all_of_it_compiles_nothing():
    done = subprocess.run([sys.executable, "-c", NOT_COMPILED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_both_checkers_pass_without_a_warning(any_environment):
    name, options = any_environment
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        env = gym.make(name, render_mode="rgb_array", **options)
        check_gymnasium(env.unwrapped)
        check_sb3(env.unwrapped)
        env.close()
    assert [str(each.message) for each in told if "is out of date" not in str(each.message)] == []


def test_the_task_and_the_world_behind_an_environment_keep_their_contracts(any_environment):
    name, options = any_environment

    def loop_of(n):
        return gym.make_vec(name, num_envs=n, vectorization_mode="vector_entry_point", **options).unwrapped.loop

    check_task(loop_of(1).task, lambda n: loop_of(n).instrument)
    check_world(lambda n: loop_of(n).instrument, loop_of(1).task.settings)


def test_an_environment_can_be_made_again_from_its_spec(any_environment):
    name, options = any_environment
    env = gym.make(name, **options)
    again = gym.make(env.spec)
    assert env.spec.id == again.spec.id == name
    assert all(env.spec.kwargs[key] == value for key, value in options.items())
    one, two = env.reset(seed=7)[0], again.reset(seed=7)[0]
    one, two = (each if isinstance(each, dict) else {"flat": each} for each in (one, two))
    assert all(np.array_equal(one[key], two[key]) for key in one)


def test_the_vector_form_has_the_same_spaces_and_a_spec(any_environment):
    name, options = any_environment
    env = gym.make(name, **options)
    many = gym.make_vec(name, num_envs=3, vectorization_mode="vector_entry_point", **options)
    assert many.spec.id == name
    assert many.num_envs == 3
    assert many.single_observation_space == env.observation_space
    assert many.single_action_space == env.action_space
    assert many.observation_space == gym.vector.utils.batch_space(env.observation_space, 3)
    observation, _ = many.reset(seed=1)
    assert many.observation_space.contains(observation)
    observation, *_ = many.step(many.action_space.sample())
    assert many.observation_space.contains(observation)


def test_a_picture_of_the_vector_form_is_one_for_each_sample(any_environment):
    name, options = any_environment
    many = gym.make_vec(
        name, num_envs=2, vectorization_mode="vector_entry_point", vector_kwargs={}, render_mode="rgb_array", **options
    )
    many.reset(seed=1)
    pictures = many.render()
    assert len(pictures) == 2
    assert all(picture.dtype == np.uint8 and picture.ndim == 3 for picture in pictures)
    assert (pictures[0] != pictures[1]).any()


def test_every_named_crystal_can_be_aligned(any_crystal):
    crystal, target = any_crystal
    env = gym.make("beamgym/LaueAlign-v0", crystal=crystal, target=target)
    observation, _ = env.reset(seed=2)
    assert env.observation_space.contains(observation)
    assert observation["spots"].reshape(-1, 5)[:, 4].sum() >= 10
    assert observation["expected"].reshape(-1, 5)[:, 4].sum() >= 10


def test_every_goniometer_starts_where_a_goal_can_be_reached(any_goniometer):
    goniometer, target = any_goniometer
    many = gym.make_vec(
        "beamgym/LaueAlign-v0",
        num_envs=8,
        vectorization_mode="vector_entry_point",
        goniometer=goniometer,
        target=target,
    )
    _, info = many.reset(seed=0)
    loop = many.unwrapped.loop
    context, truth = loop.task.context, loop.instrument.truth()
    assert context.target.reachable(context.goniometer, truth["mount"]).any(axis=1).all()
    assert "remount_deg" not in info


@pytest.mark.parametrize("name", list(ENVIRONMENTS))
def test_an_unknown_option_is_named_in_one_line(name):
    with pytest.raises(TypeError, match="unknown option colour") as caught:
        gym.make(name, colour="red")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", list(ENVIRONMENTS))
def test_an_unknown_option_is_told_in_the_words_that_libraries_look_for(name):
    # TorchRL's GymEnv tries frameskip, and goes on without where an error says these words.
    with pytest.raises(TypeError, match="unexpected keyword argument 'frameskip'"):
        gym.make(name, frameskip=1)


@pytest.mark.parametrize("name", list(ENVIRONMENTS))
def test_an_id_with_the_modules_name_before_it_needs_no_import(name):
    assert gym.make(f"beamgym:{name}").spec.id == name


def test_the_option_that_was_probably_meant_is_named():
    with pytest.raises(TypeError, match="did you mean crystal"):
        gym.make("beamgym/LaueAlign-v0", cristal="Si")


@pytest.mark.parametrize("name", list(ENVIRONMENTS))
def test_entry_points_say_which_modes_of_drawing_there_are(name):
    spec = gym.spec(name)
    single, vector = (
        gym.envs.registration.load_env_creator(each) for each in (spec.entry_point, spec.vector_entry_point)
    )
    assert set(single.metadata["render_modes"]) == {"human", "rgb_array"}
    assert vector.metadata["render_modes"] == ["rgb_array"]
