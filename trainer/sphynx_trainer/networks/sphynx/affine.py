"""Algebra of convolutions: sums, concatenations and compositions are convolutions again.

Everything is in float64, so that composing many kernels costs no accuracy.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional as F

Source = int
"""The tensor a kernel reads: the index of the cell whose output it is, or IMAGE."""

IMAGE: Source = -1


@dataclass(frozen=True)
class Kernel:
    """out[y] = sum over d of weight[:, :, d] @ source[stride * y + first + d]; x likewise.

    weight: [out, in, size, size]; first: the row that output row 0 reads first.
    """

    weight: Tensor
    first: int
    stride: int

    @property
    def last(self) -> int:
        """The row that output row 0 reads last."""
        return self.first + self.weight.shape[-1] - 1

    def extended(self, first: int, last: int) -> "Kernel":
        """The same map with zeros up to the given rows (or without outer rows, if closer)."""
        before, after = self.first - first, last - self.last
        return replace(self, weight=F.pad(self.weight, (before, after) * 2), first=first)

    def __add__(self, other: "Kernel") -> "Kernel":
        left, right = _aligned((self, other))
        return replace(left, weight=left.weight + right.weight)

    def after(self, inner: "Kernel") -> "Kernel":
        """This map applied to the result of `inner`."""
        return Kernel(
            weight=F.conv_transpose2d(self.weight, inner.weight, stride=inner.stride),
            first=inner.stride * self.first + inner.first,
            stride=inner.stride * self.stride,
        )

    def trimmed(self) -> "Kernel":
        """Without outer rows and columns that are zero on all sides, keeping the kernel square.

        Row 0 stays inside: then no pad of the resulting convolution is negative before it.
        """
        used = self.weight.abs().sum(dim=(0, 1)) != 0
        rows = torch.nonzero(used.any(0) | used.any(1)).flatten().tolist() or [-self.first]
        first = min(self.first + rows[0], 0)
        last = max(self.first + rows[-1], self.stride - 1)
        return self.extended(first, last)


@dataclass(frozen=True)
class AffineMap:
    """A sum of convolutions of several sources, plus a bias per output channel."""

    kernels: dict[Source, Kernel]
    bias: Tensor

    @classmethod
    def identity(cls, source: Source, channels: int) -> Self:
        """The source itself."""
        weight = torch.eye(channels, dtype=torch.float64)[:, :, None, None]
        return cls({source: Kernel(weight, 0, 1)}, torch.zeros(channels, dtype=torch.float64))

    def __add__(self, other: "AffineMap") -> "AffineMap":
        kernels = dict(self.kernels)
        for source, kernel in other.kernels.items():
            kernels[source] = kernels[source] + kernel if source in kernels else kernel
        return AffineMap(kernels, self.bias + other.bias)

    def then(self, kernel: Kernel, bias: Tensor) -> "AffineMap":
        """The convolution `kernel` of this map's result, plus `bias`."""
        kernels = {source: kernel.after(inner) for source, inner in self.kernels.items()}
        return AffineMap(kernels, kernel.weight.sum(dim=(2, 3)) @ self.bias + bias)


def concatenate(maps: Sequence[AffineMap]) -> AffineMap:
    """The maps' outputs, one after another along the channels."""
    bias = torch.cat([part.bias for part in maps])
    kernels = {}
    for source in sorted(set().union(*(part.kernels for part in maps))):
        known = [part.kernels[source] for part in maps if source in part.kernels]
        channels_in, stride = known[0].weight.shape[1], known[0].stride
        parts = [
            part.kernels.get(source)
            or Kernel(known[0].weight.new_zeros(len(part.bias), channels_in, 1, 1), 0, stride)
            for part in maps
        ]
        aligned = _aligned(parts)
        weight = torch.cat([part.weight for part in aligned])
        kernels[source] = replace(aligned[0], weight=weight)
    return AffineMap(kernels, bias)


def _aligned(kernels: Sequence[Kernel]) -> list[Kernel]:
    """The kernels, extended to common rows. Raises ValueError if their strides differ."""
    if len({kernel.stride for kernel in kernels}) != 1:
        raise ValueError(f"strides differ: {[kernel.stride for kernel in kernels]}")
    first = min(kernel.first for kernel in kernels)
    last = max(kernel.last for kernel in kernels)
    return [kernel.extended(first, last) for kernel in kernels]
