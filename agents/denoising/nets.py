"""Networks from a counted frame to the logarithm of its rate and of how far off that may be.

Every one mixes the frame with itself smoothed, in shares that it chooses pixel by pixel, and corrects the result: where
counts are many the frame itself is the answer, where they are few its surroundings are.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

FACTOR = 8
"""Sides of what a network is given are multiples of it."""

_LEAST_RATE = 1e-3
_NARROW, _WIDE = (1.0, 2.0, 1.0), (1.0, 6.0, 15.0, 20.0, 15.0, 6.0, 1.0)  # binomial


class Denoiser(nn.Module):
    """Around a network of features: what goes in, and what comes out.

    Parameters
    ----------
    body : (n, 2, rows, columns) → (n, 5, rows, columns)
    """

    narrow: Tensor
    wide: Tensor

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body
        for name, taps in (("narrow", _NARROW), ("wide", _WIDE)):
            line = torch.tensor(taps) / sum(taps)
            self.register_buffer(name, torch.outer(line, line)[None, None], persistent=False)

    def forward(self, counts: Tensor) -> Tensor:
        """Return log rate and log relative standard deviation (n, 2, rows, columns) of counts (n, rows, columns)."""
        frame = counts[:, None]
        smooth = _smoothed(frame, self.narrow), _smoothed(frame, self.wide)
        out = self.body(torch.cat([torch.log(frame + 0.5), torch.log(smooth[1] + 0.05)], 1))
        share = torch.softmax(out[:, :3], 1)
        base = share[:, 0:1] * frame + share[:, 1:2] * smooth[0] + share[:, 2:3] * smooth[1]
        log_rate = torch.log(base + _LEAST_RATE) + 2.0 * torch.tanh(0.5 * out[:, 3:4])
        return torch.cat([log_rate, torch.clamp(out[:, 4:5], -6.0, 2.0)], 1)

    @property
    def size(self) -> int:
        """Number of weights."""
        return sum(part.numel() for part in self.parameters())


def _smoothed(frame: Tensor, kernel: Tensor) -> Tensor:
    half = kernel.shape[-1] // 2
    return functional.conv2d(functional.pad(frame, (half, half, half, half), mode="reflect"), kernel)


class SmallUNet(nn.Module):
    """Three levels, the finest at half the frame's resolution: a frame of four million pixels takes seconds."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        one, two, three = width, width * 4 // 3, width * 2
        self.fold, self.unfold, self.pool = nn.PixelUnshuffle(2), nn.PixelShuffle(2), nn.MaxPool2d(2)
        self.first = _two(8, one)
        self.second = _two(one, two)
        self.third = _two(two, three)
        self.back_two = _two(three + two, two)
        self.back_one = _two(two + one, one)
        self.last = nn.Conv2d(one, 20, 3, padding=1)
        self.direct = nn.Conv2d(8, 20, 1)  # of the pixels themselves

    def forward(self, frame: Tensor) -> Tensor:
        """Return five planes (n, 5, rows, columns)."""
        folded = self.fold(frame)
        one = self.first(folded)
        two = self.second(self.pool(one))
        three = self.third(self.pool(two))
        two = self.back_two(torch.cat([_double(three), two], 1))
        one = self.back_one(torch.cat([_double(two), one], 1))
        planes: Tensor = self.unfold(self.last(one) + self.direct(folded))
        return planes


class VDSR(nn.Module):
    """Twenty layers of 64 filters (J. Kim et al., CVPR 2016, 1646; as J. Oppliger et al., Nat. Mach. Intell. 6 (2024)
    180 take it)."""

    def __init__(self, layers: int = 20, filters: int = 64) -> None:
        super().__init__()
        inner = [part for _ in range(layers - 2) for part in (nn.Conv2d(filters, filters, 3, padding=1), nn.ReLU())]
        self.layers = nn.Sequential(
            nn.Conv2d(2, filters, 3, padding=1), nn.ReLU(), *inner, nn.Conv2d(filters, 5, 3, padding=1)
        )

    def forward(self, frame: Tensor) -> Tensor:
        """Return five planes (n, 5, rows, columns)."""
        planes: Tensor = self.layers(frame)
        return planes


class IRUNet(nn.Module):
    """A U-Net of residual blocks with several filter sizes side by side (F. R. Hoseini et al., IRUNet, 2021; the shape
    that Oppliger et al. compare with)."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.enter = nn.Conv2d(2, width, 3, padding=1)
        self.down = nn.ModuleList([_Inception(width), _Inception(width), _Inception(width)])
        self.up = nn.ModuleList([_Inception(width), _Inception(width)])
        self.join = nn.ModuleList([nn.Conv2d(2 * width, width, 1), nn.Conv2d(2 * width, width, 1)])
        self.pool = nn.MaxPool2d(2)
        self.last = nn.Conv2d(width, 5, 3, padding=1)

    def forward(self, frame: Tensor) -> Tensor:
        """Return five planes (n, 5, rows, columns)."""
        one = self.down[0](self.enter(frame))
        two = self.down[1](self.pool(one))
        three = self.down[2](self.pool(two))
        two = self.up[0](self.join[0](torch.cat([_double(three), two], 1)))
        one = self.up[1](self.join[1](torch.cat([_double(two), one], 1)))
        planes: Tensor = self.last(one)
        return planes


class _Inception(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        part = width // 2
        self.parts = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(width, part, 1), nn.ReLU(), nn.Conv2d(part, part, size, padding=size // 2))
                for size in (1, 3, 5)
            ]
        )
        self.join = nn.Conv2d(3 * part, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.join(functional.relu(torch.cat([part(x) for part in self.parts], 1))))


def make_network(name: str, width: int = 24) -> Denoiser:
    """Return an untrained network: "small", "vdsr" or "irunet"; ``width`` is that of the small one."""
    bodies = {"small": lambda: SmallUNet(width), "vdsr": VDSR, "irunet": IRUNet}
    if name not in bodies:
        raise ValueError(f"unknown network {name!r}; choose one of {', '.join(bodies)}")
    made: nn.Module = bodies[name]()
    return Denoiser(made)


def _two(into: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(into, out, 3, padding=1), nn.ReLU(), nn.Conv2d(out, out, 3, padding=1), nn.ReLU())


def _double(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")
