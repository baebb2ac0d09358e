"""Flips and padded crops of a whole batch at once (table 7 of the Sphynx paper)."""

import torch
from torch import Generator, Tensor
from torch.nn import functional as F


def flip_and_crop(images: Tensor, padding: int, generator: Generator) -> Tensor:
    """Mirrors half of the images [N, C, S, S] and shifts each by up to `padding` pixels.

    Zeros enter from outside: the mean colour, if the images are normalised. The generator is the
    CPU's, so that one seed means the same on every device.
    """
    count, _, size, _ = images.shape
    device = images.device
    mirrored = (torch.rand(count, generator=generator) < 0.5).to(device)
    images = torch.where(mirrored.view(-1, 1, 1, 1), images.flip(-1), images)
    if padding == 0:
        return images
    top, left = torch.randint(2 * padding + 1, (2, count), generator=generator).to(device)
    windows = F.pad(images, [padding] * 4).unfold(2, size, 1).unfold(3, size, 1)
    return windows[torch.arange(count, device=device), :, top, left]
