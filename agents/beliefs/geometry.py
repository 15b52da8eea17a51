"""Rotations and small matrices in torch, written in operations that every ONNX runtime knows."""

import torch
from torch import Tensor

_TINY = 1e-9  # radians: keeps the direction of a vanishing rotation finite
_SINGULAR = 1e-12  # keeps the inverse of an empty fit finite


def small_inverse(matrix: Tensor) -> Tensor:
    """Invert symmetric positive matrices by cross products of their rows (the adjugate over the determinant).

    Parameters
    ----------
    matrix : (b, 3, 3) symmetric

    Returns
    -------
    (b, 3, 3)
    """
    rows = matrix.unbind(dim=-2)
    adjugate = torch.stack(
        [
            torch.linalg.cross(rows[1], rows[2]),
            torch.linalg.cross(rows[2], rows[0]),
            torch.linalg.cross(rows[0], rows[1]),
        ],
        dim=-1,
    )
    determinant = (rows[0] * adjugate[..., :, 0]).sum(-1)
    return adjugate / (determinant[..., None, None] + _SINGULAR)


def rotate_vectors(vectors: Tensor, rotation: Tensor) -> Tensor:
    """Rotate vectors by rotation vectors (Rodrigues).

    Parameters
    ----------
    vectors : (b, p, 3)
    rotation : (b, 3) in radians

    Returns
    -------
    (b, p, 3)
    """
    angle = torch.sqrt((rotation**2).sum(-1, keepdim=True) + _TINY**2)
    axis = (rotation / angle)[:, None, :].expand_as(vectors)
    sine, cosine = torch.sin(angle)[..., None], torch.cos(angle)[..., None]
    along = (axis * vectors).sum(-1, keepdim=True)
    return vectors * cosine + torch.linalg.cross(axis, vectors) * sine + axis * along * (1 - cosine)


def encode_action(rotation: Tensor, max_rotation: float) -> Tensor:
    """Turn rotation vectors into actions by the environment's cube law; see ``envs.actions.encode_rotation``.

    Parameters
    ----------
    rotation : (b, 3) in radians
    max_rotation : of an action of length 1, radians

    Returns
    -------
    (b, 3), of length 1 where the rotation is longer than the largest
    """
    angle = torch.sqrt((rotation**2).sum(-1, keepdim=True) + _TINY**2)
    return rotation / angle * torch.clamp(angle / max_rotation, max=1.0) ** (1.0 / 3.0)


def squared_distances(left: Tensor, right: Tensor) -> Tensor:
    """Return |l - r|^2 of all pairs, by differences: 2 - 2 l.r would lose small angles in single precision.

    Parameters
    ----------
    left, right : (b, p, 3) and (b, q, 3)

    Returns
    -------
    (b, p, q)
    """
    parts = [(left[:, :, None, i] - right[:, None, :, i]) ** 2 for i in range(3)]
    return parts[0] + parts[1] + parts[2]
