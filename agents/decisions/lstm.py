"""One step of an LSTM in plain products and sums, which a bundle's graph may hold."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn


class LstmStep(nn.Module):
    """The equations of ``torch.nn.LSTM`` (Hochreiter & Schmidhuber, Neural Computation 9, 1997, 1735) for one step.

    Parameters
    ----------
    source : of any number of layers; its weights are shared, not copied

    Attributes
    ----------
    memory : spaces of "hidden" and "cell", (layers, size) each

    Raises
    ------
    TypeError : for an LSTM in both directions, or with projections
    """

    def __init__(self, source: nn.LSTM) -> None:
        super().__init__()
        if source.bidirectional or source.proj_size:
            raise TypeError("an LSTM in both directions or with projections cannot be exported; leave out lstm_kwargs")
        self.source = source
        shape: Any = (source.num_layers, source.hidden_size)
        self.memory = {
            "hidden": spaces.Box(-1.0, 1.0, shape, np.float32),
            "cell": spaces.Box(-np.inf, np.inf, shape, np.float32),
        }

    def forward(self, features: Tensor, state: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the last layer's output (n, size), and both parts of the memory (n, layers, size) after it."""
        hidden, cell = [], []
        for layer in range(self.source.num_layers):
            features, inside = self._layer(layer, features, state["hidden"][:, layer], state["cell"][:, layer])
            hidden.append(features)
            cell.append(inside)
        return features, {"hidden": torch.stack(hidden, dim=1), "cell": torch.stack(cell, dim=1)}

    def _layer(self, layer: int, given: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        size = self.source.hidden_size
        weight: Any = lambda name: getattr(self.source, f"{name}_l{layer}")  # noqa: E731
        gates = given @ weight("weight_ih").T + hidden @ weight("weight_hh").T
        if self.source.bias:
            gates = gates + weight("bias_ih") + weight("bias_hh")
        let_in, keep, change, let_out = (gates[:, i * size : (i + 1) * size] for i in range(4))
        inside = torch.sigmoid(keep) * cell + torch.sigmoid(let_in) * torch.tanh(change)
        return torch.sigmoid(let_out) * torch.tanh(inside), inside
