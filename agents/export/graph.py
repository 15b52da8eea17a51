"""A torch network as an ONNX graph with named inputs and outputs and a free batch dimension."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces

from beamgym.envs.bundles import named_spaces


def export_graph(
    policy: torch.nn.Module,
    observation_space: spaces.Space[Any],
    path: Path,
    output: str = "action",
    memory: Mapping[str, spaces.Space[Any]] | None = None,
) -> None:
    """Write a network as ONNX with the observation's names as inputs, one output and a free batch dimension.

    With a memory it takes each part as ``state/NAME`` too, and gives what it becomes as ``next/NAME``.
    """
    kept, parts = dict(memory or {}), named_spaces(observation_space)
    given = {"observation": _example(parts), **({"state": _example(kept)} if kept else {})}
    batch = torch.export.Dim("batch", min=1, max=2**20)
    with warnings.catch_warnings(), _quiet():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            policy,
            kwargs=given,
            dynamic_shapes={key: {name: {0: batch} for name in values} for key, values in given.items()},
            input_names=[*parts, *(f"state/{name}" for name in kept)],
            output_names=[output, *(f"next/{name}" for name in kept)],
            opset_version=18,
            dynamo=True,
            optimize=False,  # its optimiser takes a summand of 1e-18, there to keep a root from 0, for no summand
            verbose=False,
        )
        program.save(str(path), external_data=False)


def _example(parts: Mapping[str, spaces.Space[Any]]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.stack([part.sample() for _ in range(2)])) for name, part in parts.items()}


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's notes on libraries that are not installed and not needed."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
