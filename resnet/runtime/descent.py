"""How the weights are moved: the optimiser, and the schedules of its rate."""

import bisect
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import lr_scheduler

from ..runtime.device import Place


def descent(model: nn.Module, rate: float, weight_decay: float, place: Place) -> torch.optim.SGD:
    """SGD with Nesterov momentum 0.9, in one pass over the weights where torch has that."""
    fused = place.device.type in ("cpu", "cuda")
    return torch.optim.SGD(
        model.parameters(), rate, 0.9, nesterov=True, weight_decay=weight_decay, fused=fused
    )


@dataclass(frozen=True)
class OneCycle:
    """Up to the rate during the share `warm_up` of all steps, then down to nothing, by cosines.

    Source: Smith and Topin 2017, arXiv 1708.07120.
    """

    warm_up: float = 0.3

    def over(self, optimizer: torch.optim.Optimizer, epochs: int, steps: int):
        """The schedule of `epochs` times `steps` steps, peaking at the optimiser's rate."""
        return lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=optimizer.defaults["lr"],
            total_steps=epochs * steps,
            pct_start=self.warm_up,
            cycle_momentum=False,
        )


ONE_CYCLE = OneCycle()


@dataclass(frozen=True)
class Steps:
    """Up to the rate on a line during `warm_up` epochs, then a tenth of it after each of `drops`.

    `drops` are shares of all epochs. Source: Goyal et al. 2017, arXiv 1706.02677, section 2.2 and
    5.1: warm-up over 5 epochs, drops at 30, 60 and 80 of 90.
    """

    warm_up: float = 5
    drops: tuple[float, ...] = (1 / 3, 2 / 3, 8 / 9)

    def over(self, optimizer: torch.optim.Optimizer, epochs: int, steps: int):
        """The schedule of `epochs` epochs of `steps` steps."""

        def factor(step: int) -> float:
            rising = (step + 1) / max(1, self.warm_up * steps)
            drops = bisect.bisect_right(self.drops, step / (epochs * steps))
            return min(1.0, rising) * 0.1**drops

        return lr_scheduler.LambdaLR(optimizer, factor)
