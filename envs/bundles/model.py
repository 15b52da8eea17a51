"""The only reader of bundles: a directory with policy.onnx, manifest.json, reference.npz and CARD.md.

Nothing in a bundle is believed unchecked: the manifest's keys, every file's SHA-256, the graph's operators, the spaces,
and the network's own answers on the reference observations it was exported with. Every refusal is one line.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from gymnasium import spaces
from numpy.typing import NDArray

from beamgym.envs.bundles.checks import check_graph, check_inputs
from beamgym.envs.bundles.files import MAX_MESSAGE, read_listed, read_manifest
from beamgym.envs.bundles.files import BundleError as BundleError
from beamgym.envs.bundles.manifest import MODEL, REFERENCE, Manifest
from beamgym.envs.bundles.reference import Numbers, read_reference
from beamgym.envs.bundles.sizes import MAX_ELEMENTS, cost_of
from beamgym.envs.bundles.spaces import SpaceSpec, named_spaces, scale_of
from beamgym.envs.kinds import same_task
from beamgym.physics.messages import one_line

REFERENCE_TOLERANCE = 1e-4
"""How far a reference action may be off: ten times what different CPUs' matrix products differ by."""

MAX_ROWS = 4096
"""Most rows of one call of a network; more are taken in turns."""

MAX_LOAD_OPERATIONS = 2**37
"""Multiplications for all reference observations together; half a minute of one core."""


class OnnxModel:
    """A network read from a bundle, run on the CPU with one thread.

    Parameters
    ----------
    manifest : what the bundle says about itself
    graph : the ONNX model, checked by :func:`check_graph`
    name : the bundle's stem

    Raises
    ------
    ValueError : when the graph's inputs and outputs are not the manifest's, or running it would take too much
    """

    def __init__(self, manifest: Manifest, graph: onnx.ModelProto, name: str) -> None:
        self._wanted = {**manifest.observation_space, **{f"state/{key}": spec for key, spec in manifest.memory.items()}}
        self._given = {manifest.output: manifest.action_space}
        self._given |= {f"next/{key}": spec for key, spec in manifest.memory.items()}
        check_inputs(graph.graph, self._wanted)
        cost = cost_of(graph, 1)
        for_each_row = max(1, cost_of(graph, 2).elements - cost.elements)
        self.manifest = manifest
        self.name = name
        self._graph = graph
        self._operations = cost.operations
        self._most_rows = max(1, min(MAX_ROWS, (MAX_ELEMENTS - cost.elements) // for_each_row))
        self._affordable = {1}
        self._session = _session(graph)
        self._check_signature()

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
        manifest = read_manifest(folder)
        files = {name: read_listed(folder, name, digest) for name, digest in manifest.files.items()}
        try:
            graph = onnx.load_model_from_string(files[MODEL])
            graph.DiscardUnknownFields()  # what one reader does not know and does not check, another might run
            check_graph(graph)
            model = cls(manifest, graph, folder.name)
        except BundleError:
            raise
        except Exception as error:
            raise BundleError(
                f"bundle {folder.name}: {MODEL} cannot be used: {one_line(error, MAX_MESSAGE)}"
            ) from error
        model._check_reference(*read_reference(files[REFERENCE], manifest, folder.name))
        return model

    def __getstate__(self) -> dict[str, Any]:
        """Leave the runtime out, which no other process can take over."""
        return {name: value for name, value in vars(self).items() if name != "_session"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _session=_session(state["_graph"]))

    def __deepcopy__(self, memo: dict[int, Any]) -> "OnnxModel":
        """Return the model itself, which nothing changes."""
        return self

    def predict(self, observation: Mapping[str, NDArray[Any]], batch: int | None = 1) -> NDArray[Any]:
        """Return the network's action for each row; a policy's is clipped to the action space after the graph.

        Parameters
        ----------
        observation : (n, ...) arrays by name; unnamed names of the observation space are ignored
        batch : rows per call of the network; 1 makes a row's answer independent of the others, None takes all.
            At most 4096 are taken at once, fewer where a network is large

        Returns
        -------
        (n, ...) float32, or int64 choices

        Raises
        ------
        BundleError : for arrays that are not the observation space's, a policy with a memory, or when the network
            answers with NaN or infinity
        """
        if self.manifest.memory:
            raise BundleError(f"bundle {self.name} has a memory: call step(observation, state), state from start(n)")
        return self.step(observation, {}, batch)[0]

    def start(self, n: int) -> Numbers:
        """Return the memory (n, ...) by name at the beginning of n episodes: zeros; nothing for most policies."""
        return {key: np.zeros((n, *spec.shape), spec.dtype) for key, spec in self.manifest.memory.items()}

    def step(
        self, observation: Mapping[str, NDArray[Any]], state: Mapping[str, NDArray[Any]], batch: int | None = 1
    ) -> tuple[NDArray[Any], Numbers]:
        """Return the action for each row and the memory after it; otherwise as :meth:`predict`.

        Parameters
        ----------
        observation : (n, ...) arrays by name
        state : the memory (n, ...) by name, of the same rows
        """
        inputs = self._checked({**observation, **{f"state/{key}": values for key, values in state.items()}})
        rows = len(next(iter(inputs.values())))
        size = max(1, min(batch or rows, self._most_rows))
        parts = [
            self._run({name: values[i : i + size] for name, values in inputs.items()}, min(size, rows - i))
            for i in range(0, rows, size)
        ]
        action, *memory = (
            np.concatenate(column) if parts else np.empty((0, *spec.shape), spec.dtype)
            for column, spec in zip(
                zip(*parts, strict=True) if parts else self._given, self._given.values(), strict=True
            )
        )
        if not all(np.isfinite(values).all() for values in (action, *memory)):
            raise BundleError(f"bundle {self.name}: the network answered with NaN or infinity; train or export it anew")
        if self.manifest.kind == "policy":
            space = self.manifest.action_space
            action = np.clip(action, *space.bounds())
        return action, dict(zip(self.manifest.memory, memory, strict=True))

    def check_environment(self, env_id: str) -> None:
        """Refuse another task than the one the network was trained on, even if its spaces are the same.

        Another version of it will do: the policy that plays the bundle knows what differs.

        Raises
        ------
        BundleError : names both
        """
        if not same_task(env_id, self.manifest.env_id):
            raise BundleError(
                f"bundle {self.name} was made for {self.manifest.env_id}, not for {env_id}; give a bundle of {env_id}"
            )

    def _checked(self, observation: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        wanted = self._wanted
        missing = [name for name in wanted if name not in observation]
        if missing:
            raise BundleError(f"bundle {self.name} observes {sorted(wanted)}; {missing[0]!r} is missing")
        inputs = {name: np.ascontiguousarray(observation[name]) for name in wanted}
        rows = {len(values) if values.ndim else 0 for values in inputs.values()}
        for name, values in inputs.items():
            spec = wanted[name]
            if values.shape[1:] != spec.shape or str(values.dtype) != spec.dtype or len(rows) > 1:
                raise BundleError(
                    f"bundle {self.name}: observation {name!r} is {values.dtype} {values.shape}; "
                    f"it must be {spec.dtype} (n, *{spec.shape}) with the same n for every name"
                )
        return inputs

    def _run(self, inputs: dict[str, NDArray[Any]], rows: int) -> list[NDArray[Any]]:
        try:
            if rows not in self._affordable:
                cost_of(self._graph, rows)
                self._affordable.add(rows)
            answers: list[NDArray[Any]] = self._session.run(list(self._given), inputs)
        except Exception as error:
            raise BundleError(
                f"bundle {self.name}: the network cannot answer: {one_line(error, MAX_MESSAGE)}"
            ) from error
        for (name, spec), answer in zip(self._given.items(), answers, strict=True):
            if answer.shape != (rows, *spec.shape) or str(answer.dtype) != spec.dtype:
                raise BundleError(
                    f"bundle {self.name}: the network answered {rows} rows with {name} {answer.dtype} {answer.shape}, "
                    f"not {spec.dtype} ({rows}, *{spec.shape}); export it anew"
                )
        return answers

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
                f"make the environment the bundle was trained on ({self.manifest.env_id}{self._options()})"
            )
        for name, spec in wanted.items():
            self._check_space(f"observation {name!r}", spec, found[name])
        self._check_space("action", self.manifest.action_space, action_space)

    def _options(self) -> str:
        """Return what else made the environment that it was trained on, as far as the manifest says."""
        encoder = self.manifest.encoder
        given = encoder.parameters.get("flat")
        flat = given if isinstance(given, list) else []
        shown = next((name for name in ("estimate", "map") if name == encoder.name or name in flat), None)
        said = [*([f"observation={shown}"] if shown else []), *(["flat=true"] if flat else [])]
        return f" with --set {' --set '.join(said)}" if said else ""

    def _check_space(self, label: str, spec: SpaceSpec, space: spaces.Space[Any]) -> None:
        difference = spec.difference(space)
        if difference:
            raise BundleError(f"bundle {self.name}: {label} {difference}; make the environment as its manifest says")

    def _check_reference(self, given: Numbers, expected: Numbers) -> None:
        rows = len(expected["action"])
        if self._operations * rows > MAX_LOAD_OPERATIONS:
            raise BundleError(
                f"bundle {self.name}: its reference takes {self._operations * rows:.2g} multiplications; "
                f"at most {MAX_LOAD_OPERATIONS:.2g} are run"
            )
        memory = {key: given[f"state/{key}"] for key in self.manifest.memory}
        action, after = self.step({key: given[key] for key in self.manifest.observation_space}, memory, batch=None)
        policy = self.manifest.kind == "policy"
        self._check_close(
            "actions", action, expected["action"], scale_of(self.manifest.action_space) if policy else 1.0
        )
        for key, values in after.items():
            wanted = expected[f"next/{key}"]
            self._check_close(f"memory {key!r}", values, wanted, max(1.0, float(np.abs(wanted).max())))

    def _check_close(self, what: str, found: NDArray[Any], wanted: NDArray[Any], scale: float) -> None:
        worst = float(np.abs(found.astype(np.float64) - wanted).max())
        tolerance = REFERENCE_TOLERANCE * scale
        if not worst <= tolerance:
            raise BundleError(
                f"bundle {self.name}: the network's {what} differ from its reference by {worst:.2g}, "
                f"more than {tolerance:.0e}; export it anew"
            )

    def _check_signature(self) -> None:
        inputs = {entry.name for entry in self._session.get_inputs()}
        outputs = [entry.name for entry in self._session.get_outputs()]
        if inputs != set(self._wanted) or outputs != list(self._given):
            raise BundleError(
                f"bundle {self.name}: the graph takes {sorted(inputs)} and gives {outputs}; "
                f"expected {sorted(self._wanted)} and {list(self._given)}"
            )


def _session(graph: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Unless told, the runtime guesses from the first bytes, and an ONNX file can begin like its own other format.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    return onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
