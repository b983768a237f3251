"""Training images shifted and flipped at random, on the device, a batch at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..data import ImageSet


@dataclass(frozen=True)
class Augmented(ImageSet):
    """An image set whose training batches are shifted by up to `padding` pixels and flipped.

    How, depends on seed, epoch and index alone. What moves in from outside is the mean.
    Source: He et al. 2015, arXiv 1512.03385, section 4.2.
    """

    seed: int = 0
    padding: int = 4

    def batches(
        self, order: Iterable[Tensor], epoch: int | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        if epoch is None:
            yield from super().batches(order)
            return
        generator = torch.Generator().manual_seed(self.seed + 1_000_003 * epoch)
        moves = torch.randint(2 * self.padding + 1, (2, len(self)), generator=generator)
        flips = torch.rand(len(self), generator=generator) < 0.5
        for indices in order:
            X, y = self.batch(indices.to(self.images.device))
            yield self._moved(X, *moves[:, indices].to(X.device), flips[indices].to(X.device)), y

    def _moved(self, X: Tensor, down: Tensor, across: Tensor, flip: Tensor) -> Tensor:
        height, width = X.shape[2:]
        rows = down.view(-1, 1, 1) + torch.arange(height, device=X.device).view(1, -1, 1)
        columns = torch.arange(width, device=X.device).expand(len(X), 1, -1)
        columns = torch.where(flip.view(-1, 1, 1), width - 1 - columns, columns)
        columns = columns + across.view(-1, 1, 1)
        images = torch.arange(len(X), device=X.device).view(-1, 1, 1)
        padded = F.pad(X, 4 * (self.padding,)).movedim(1, -1)
        return padded[images, rows, columns].movedim(-1, 1).contiguous()


def augmented(images: ImageSet, seed: int) -> Augmented:
    """`images` with random shifts and flips in training."""
    parts = (images.images, images.labels, images.class_names, images.mean, images.sd)
    return Augmented(*parts, images.source, seed)
