"""The cube law between an action in the unit ball and a rotation, so that small moves have a fine scale.

With a linear scale a Gaussian policy that can turn by 90 degrees can never settle to 0.1; with angle = max |a|^3 the
same spread of actions shrinks with the move.
"""

import numpy as np

from beamgym.physics.instrument import Float64Array


def decode_rotation(action: Float64Array, max_rotation_deg: float) -> Float64Array:
    """Turn actions into lab rotation vectors.

    Parameters
    ----------
    action : (n, 3); beyond length 1 only the direction counts
    max_rotation_deg : the rotation of an action of length 1, degrees

    Returns
    -------
    (n, 3) rotation vectors in the lab frame, degrees
    """
    length = np.sqrt((action**2).sum(axis=1, keepdims=True))
    scale = np.where(length > 1.0, 1.0 / np.maximum(length, 1e-12), length**2)
    rotation: Float64Array = max_rotation_deg * scale * action
    return rotation


def encode_rotation(vector_deg: Float64Array, max_rotation_deg: float) -> Float64Array:
    """Turn lab rotation vectors (n, 3), degrees, into actions (n, 3); longer ones than the maximum give length 1."""
    angle = np.sqrt((vector_deg**2).sum(axis=1, keepdims=True))
    length = np.minimum(angle / max_rotation_deg, 1.0) ** (1.0 / 3.0)
    action: Float64Array = vector_deg * length / np.maximum(angle, 1e-12)
    return action


def decode_steps(action: Float64Array, max_step: Float64Array) -> Float64Array:
    """Turn actions (n, k) in -1..1 into steps of the axes (n, k), by the same cube law; ``max_step`` is (k,)."""
    steps: Float64Array = max_step * action**3
    return steps
