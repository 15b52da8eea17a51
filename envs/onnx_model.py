"""The only reader of bundles: a directory with policy.onnx, manifest.json, reference.npz and CARD.md.

Nothing in a bundle is believed unchecked: the manifest's keys, every file's SHA-256, the graph's operators, the spaces,
and the network's own answers on the reference observations it was exported with. Every refusal is one line.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from gymnasium import spaces
from numpy.typing import NDArray
from pydantic import ValidationError

from beamgym.envs.onnx_checks import check_graph
from beamgym.envs.onnx_manifest import MANIFEST, MODEL, REFERENCE, Manifest, SpaceSpec

MAX_BYTES = 100_000_000
"""Largest file of a bundle; a policy for spot lists has under 10 MB."""

REFERENCE_TOLERANCE = 1e-4
"""How far a reference action may be off: ten times what different CPUs' matrix products differ by."""


class BundleError(ValueError):
    """A bundle that is not what it says it is, or not for this environment."""


class OnnxModel:
    """A network read from a bundle, run on the CPU with one thread.

    Parameters
    ----------
    manifest : what the bundle says about itself
    graph : the serialised ONNX model, already checked
    name : the bundle's stem
    """

    def __init__(self, manifest: Manifest, graph: bytes, name: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.manifest = manifest
        self.name = name
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        _check_signature(self._session, manifest, name)

    @classmethod
    def load(cls, path: str | Path) -> "OnnxModel":
        """Read a bundle.

        Parameters
        ----------
        path : the bundle's directory

        Raises
        ------
        BundleError : with one line naming what is wrong
        """
        folder = Path(path)
        manifest = _read_manifest(folder)
        files = {name: _read_listed(folder, name, digest) for name, digest in manifest.files.items()}
        try:
            check_graph(onnx.load_model_from_string(files[MODEL]))
            model = cls(manifest, files[MODEL], folder.name)
        except BundleError:
            raise
        except Exception as error:
            raise BundleError(f"bundle {folder.name}: {MODEL} cannot be used: {_one_line(error)}") from error
        model._check_reference(files[REFERENCE])
        return model

    def predict(self, observation: Mapping[str, NDArray[Any]], batch: int | None = 1) -> NDArray[np.float32]:
        """Return the network's action for each row.

        Parameters
        ----------
        observation : (n, ...) arrays by name; unnamed names of the observation space are ignored
        batch : rows per call of the network; 1 makes a row's answer independent of the others, None takes all

        Returns
        -------
        (n, a) float32

        Raises
        ------
        BundleError : when the network answers with NaN or infinity
        """
        inputs = {name: np.ascontiguousarray(observation[name]) for name in self.manifest.observation_space}
        rows = len(next(iter(inputs.values())))
        size = batch or max(rows, 1)
        parts = [
            self._session.run(["action"], {name: values[i : i + size] for name, values in inputs.items()})[0]
            for i in range(0, rows, size)
        ]
        action: NDArray[np.float32] = np.concatenate(parts)
        if not np.isfinite(action).all():
            raise BundleError(f"bundle {self.name}: the network answered with NaN or infinity; train or export it anew")
        return action

    def check_spaces(self, observation_space: spaces.Space[Any], action_space: spaces.Space[Any]) -> None:
        """Refuse an environment whose spaces are not those the network was trained on.

        Raises
        ------
        BundleError : names the first space that differs, what was found and what the bundle needs
        """
        wanted = self.manifest.observation_space
        found = named_spaces(observation_space)
        if set(found) != set(wanted):
            raise BundleError(
                f"bundle {self.name} observes {sorted(wanted)}, the environment gives {sorted(found)}; "
                f"make the environment the bundle was trained on ({self.manifest.env_id})"
            )
        for name, spec in wanted.items():
            self._check_space(f"observation {name!r}", spec, found[name])
        self._check_space("action", self.manifest.action_space, action_space)

    def _check_space(self, label: str, spec: SpaceSpec, space: spaces.Space[Any]) -> None:
        difference = spec.difference(space)
        if difference:
            raise BundleError(f"bundle {self.name}: {label} {difference}; make the environment as its manifest says")

    def _check_reference(self, content: bytes) -> None:
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as pairs:
                observation = {name: pairs[f"observation/{name}"] for name in self.manifest.observation_space}
                expected = pairs["action"]
        except (KeyError, ValueError, OSError) as error:
            raise BundleError(f"bundle {self.name}: {REFERENCE} cannot be read: {_one_line(error)}") from error
        try:
            action = self.predict(observation, batch=None)
        except BundleError:
            raise
        except Exception as error:
            raise BundleError(f"bundle {self.name}: the network refuses its reference: {_one_line(error)}") from error
        worst = float(np.abs(action - expected).max()) if action.shape == expected.shape else np.inf
        if not worst <= REFERENCE_TOLERANCE:
            raise BundleError(
                f"bundle {self.name}: the network's actions differ from its reference by {worst:.2g}, "
                f"more than {REFERENCE_TOLERANCE:.0e}; export it anew"
            )


def named_spaces(space: spaces.Space[Any]) -> dict[str, spaces.Space[Any]]:
    """Return the parts of a Dict by name; any other space is one part named "observation"."""
    return dict(space.spaces) if isinstance(space, spaces.Dict) else {"observation": space}


def _read_manifest(folder: Path) -> Manifest:
    if not (folder / MANIFEST).is_file():
        raise BundleError(
            f"{folder} is no bundle: it holds no {MANIFEST}; give the directory that `beamgym train` wrote"
        )
    try:
        return Manifest.model_validate(json.loads(_read(folder, MANIFEST)))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise BundleError(f"bundle {folder.name}: {MANIFEST}: {key}: {_one_line(first['msg'])}") from error
    except ValueError as error:
        raise BundleError(f"bundle {folder.name}: {MANIFEST} is not JSON: {_one_line(error)}") from error


def _read_listed(folder: Path, name: str, digest: str) -> bytes:
    content = _read(folder, name)
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise BundleError(
            f"bundle {folder.name}: {name} was changed: its SHA-256 is {found[:12]}…, not {digest[:12]}… as listed; "
            "get the bundle anew"
        )
    return content


def _read(folder: Path, name: str) -> bytes:
    path = folder / name
    if path.is_symlink() or not path.is_file():
        raise BundleError(f"bundle {folder.name}: {name} is missing or no plain file; get the bundle anew")
    if path.stat().st_size > MAX_BYTES:
        raise BundleError(f"bundle {folder.name}: {name} has {path.stat().st_size} bytes; at most {MAX_BYTES} are read")
    return path.read_bytes()


def _check_signature(session: onnxruntime.InferenceSession, manifest: Manifest, name: str) -> None:
    inputs, outputs = {entry.name for entry in session.get_inputs()}, [entry.name for entry in session.get_outputs()]
    if inputs != set(manifest.observation_space) or outputs != ["action"]:
        raise BundleError(
            f"bundle {name}: the graph takes {sorted(inputs)} and gives {outputs}; "
            f"expected {sorted(manifest.observation_space)} and ['action']"
        )


def _one_line(error: object) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].strip()[:200] if lines else type(error).__name__
