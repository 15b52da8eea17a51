"""Scenes to learn denoising from: expected counts of frames, seeded, split by crystal and by model, never by frame."""

from beamgym.physics.scenes.diffraction import Scenes as DiffractionScenes
from beamgym.physics.scenes.diffraction import box_of
from beamgym.physics.scenes.sans_file import SansFile, is_sans_text, read_sans
from beamgym.physics.scenes.scene import SCENES, SPLITS, TURNED, Scene, SceneSource, scene_source
from beamgym.physics.scenes.shards import SceneShards, read_shard, write_scenes

__all__ = [
    "SCENES",
    "SPLITS",
    "TURNED",
    "DiffractionScenes",
    "SansFile",
    "Scene",
    "SceneShards",
    "SceneSource",
    "box_of",
    "is_sans_text",
    "read_sans",
    "read_shard",
    "scene_source",
    "write_scenes",
]
