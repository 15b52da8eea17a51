"""TensorBoard entries beside SB3's curves: hyperparameters, pictures and films of episodes."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from stable_baselines3.common.logger import HParam, Image, Logger, TensorBoardOutputFormat
from tensorboard.compat.proto.summary_pb2 import Summary

_METRICS = {"selection/success_rate": 0.0, "selection/exposures_median": 0.0}


def log_hyperparameters(logger: Logger, values: Mapping[str, Any]) -> None:
    """Write a configuration as TensorBoard's hparams, beside the selection figures."""
    plain = {name: _plain(value) for name, value in values.items()}
    logger.record("hparams", HParam(plain, _METRICS), exclude=("stdout", "log", "json", "csv"))
    logger.dump(0)


def log_pictures(logger: Logger, pictures: list[NDArray[np.uint8]], step: int) -> None:
    """Write an episode's last picture, and all of them as a GIF.

    Parameters
    ----------
    pictures : (h, w, 3) uint8 each, at least one
    step : on TensorBoard's axis
    """
    logger.record("episode/last", Image(pictures[-1], "HWC"), exclude=("stdout", "log", "json", "csv"))
    logger.dump(step)
    for output in logger.output_formats:
        if isinstance(output, TensorBoardOutputFormat) and output.writer is not None:
            writer = output.writer._get_file_writer()  # add_video would need another video library for the same bytes
            writer.add_summary(gif_summary("episode/film", pictures), step)
            output.writer.flush()


def gif_summary(tag: str, pictures: list[NDArray[np.uint8]]) -> Summary:
    """Return pictures (h, w, 3) uint8 as TensorBoard's entry of an image that moves."""
    height, width = pictures[0].shape[:2]
    animation = Summary.Image(encoded_image_string=_gif(pictures), height=height, width=width)
    return Summary(value=[Summary.Value(tag=tag, image=animation)])


def _gif(pictures: list[NDArray[np.uint8]]) -> bytes:
    frames = [PilImage.fromarray(picture) for picture in pictures]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=700, loop=0)
    return buffer.getvalue()


def _plain(value: Any) -> bool | str | float | int:
    return value if isinstance(value, bool | str | float | int) else str(value)
