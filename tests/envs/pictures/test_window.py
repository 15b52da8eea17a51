"""Pictures in a window, by pygame where it is installed."""

import sys

import gymnasium as gym
import numpy as np
import pytest

import beamgym  # noqa: F401 - registers the environments
from beamgym.envs.make import make_env

ID = "beamgym/LaueZone-v0"


def test_without_pygame_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygame", None)
    with pytest.raises(ValueError, match="pip install pygame"):
        make_env("zone", render_mode="human")


def test_the_window_shows_every_step_and_closes(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame = pytest.importorskip("pygame")
    env = gym.make(ID, render_mode="human", moves=3)
    env.reset(seed=0)
    first = pygame.surfarray.array3d(pygame.display.get_surface())
    env.step(np.array([1.0, 0.5, -1.0]))
    second = pygame.surfarray.array3d(pygame.display.get_surface())
    assert first.shape == second.shape == (960, 540, 3)
    assert (first != second).any()
    assert env.render() is None
    env.close()
    assert pygame.display.get_surface() is None


def test_gymnasium_collects_pictures_where_a_list_is_asked_for():
    env = gym.make(ID, render_mode="rgb_array_list", moves=3)
    env.reset(seed=0)
    env.step(np.array([1.0, 0.5, -1.0]))
    pictures = env.render()
    assert [picture.shape for picture in pictures] == [(540, 960, 3)] * 2
