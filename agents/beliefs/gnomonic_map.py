"""Spot lists as gnomonic maps of plane normals, in which zones are straight lines."""

import torch
from torch import Tensor, nn

_SHALLOWEST = 0.05  # cosine of the angle from the reversed beam below which a normal is drawn as if it lay there


class GnomonicMap(nn.Module):
    """Splats spots bilinearly into a square gnomonic map of plane normals around the reversed beam.

    The three channels weigh a spot by its rank in brightness, which intensity noise hardly changes: the 6 brightest or
    so, the 20 brightest, and all alike. A normal (nx, ny, nz) lies at row ny / -nx and column nz / -nx,
    0 in the middle; what lies further out than the map is left out.

    Parameters
    ----------
    pixels : edge of the map
    extent : half width, as the tangent of the angle from the reversed beam
    rows : spots in the list
    """

    centres: Tensor
    weights: Tensor

    def __init__(self, pixels: int = 28, extent: float = 0.6, rows: int = 64) -> None:
        super().__init__()
        self.pixels, self.extent = pixels, extent
        rank = torch.arange(rows, dtype=torch.float32)
        self.register_buffer("centres", torch.arange(pixels, dtype=torch.float32))
        self.register_buffer("weights", torch.stack([torch.exp(-rank / 6), torch.exp(-rank / 20), torch.ones(rows)]))

    def forward(self, spots: Tensor) -> Tensor:
        """Turn spot rows (b, p, 5), brightest first, into maps (b, 3, pixels, pixels)."""
        depth = torch.clamp(-spots[..., :1], min=_SHALLOWEST)
        place = (spots[..., 1:3] / depth / self.extent + 1.0) * (0.5 * (self.pixels - 1))
        hat = torch.relu(1.0 - torch.abs(place[..., None] - self.centres))
        weights = spots[:, None, :, 4] * self.weights
        return (hat[:, None, :, 0, :] * weights[..., None]).transpose(2, 3) @ hat[:, None, :, 1, :]
