"""Several networks of one kind trained side by side: one wide step instead of many small ones."""

import copy
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional as F

MOMENTUM, WEIGHT_DECAY = 0.9, 1e-4


class Together:
    """As many networks as there are models, each with weights and images of its own.

    `X` (networks, N, C, H, W) and `y` (networks, N) are filled before each step; where CUDA can, a
    step is captured once as a graph and then replayed.
    """

    def __init__(self, models: list[nn.Module], X: Tensor, y: Tensor, precision: torch.dtype):
        self.weights, self.buffers = stack_module_state(models)
        self.speeds = {name: torch.zeros_like(each) for name, each in self.weights.items()}
        self.X, self.y, self.precision = X, y, precision
        self.rate = torch.zeros((), device=X.device)
        self.losses = torch.zeros(len(models), device=X.device)
        self.shape = copy.deepcopy(models[0]).to("meta").train()
        self.take: Callable[[], None] = self._step

    def capture(self) -> bool:
        """Makes the step a graph; False where none is to be had, and the step stays as it is."""
        if self.X.device.type != "cuda":
            return False
        before = {kind: {name: each.clone() for name, each in tensors.items()}
                  for kind, tensors in self.state().items()}  # fmt: skip
        beside = torch.cuda.Stream()
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            for _ in range(3):
                self._step()
        torch.cuda.current_stream().wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                self._step()
        except RuntimeError as error:
            print(f"   no graph: {str(error).splitlines()[0]}", flush=True)
            return False
        finally:
            self.load(before)  # what warms the graph up is no training
        self.take = graph.replay
        return True

    def step(self, rate: float) -> None:
        """One step of all networks at this learning rate."""
        self.rate.fill_(rate)
        self.take()

    def _step(self) -> None:
        mixed = self.precision != torch.float32
        # A cache of cast weights would outlive the graph in which they were cast.
        with torch.autocast(self.X.device.type, self.precision, enabled=mixed, cache_enabled=False):
            scores = vmap(self._scores, randomness="different")(self.weights, self.buffers, self.X)
        each = F.cross_entropy(scores.float().flatten(0, 1), self.y.flatten(), reduction="none")
        losses = each.view_as(self.y).mean(dim=1)
        gradients = torch.autograd.grad(losses.sum(), list(self.weights.values()))
        with torch.no_grad():
            self.losses.copy_(losses)
            for weight, speed, gradient in zip(
                self.weights.values(), self.speeds.values(), gradients, strict=True
            ):
                speed.mul_(MOMENTUM).add_(gradient).add_(weight, alpha=WEIGHT_DECAY)
                weight.sub_(self.rate * speed)

    def _scores(self, weights: dict, buffers: dict, X: Tensor) -> Tensor:
        return functional_call(self.shape, (weights, buffers), (X,))

    def state(self) -> dict[str, dict[str, Tensor]]:
        """All that a step changes."""
        return {"weights": self.weights, "buffers": self.buffers, "speeds": self.speeds}

    @torch.no_grad()
    def load(self, state: dict[str, dict[str, Tensor]]) -> None:
        """Puts everything back, in place, so that a graph sees it."""
        for kind, tensors in self.state().items():
            for name, tensor in tensors.items():
                tensor.copy_(state[kind][name])

    @torch.no_grad()
    def errors(self, batches: Iterable[tuple[Tensor, Tensor]]) -> list[float]:
        """The share of images that each network classifies wrongly, in eval mode."""
        self.shape.eval()
        wrong = count = 0
        for X, y in batches:
            scores = vmap(self._scores, in_dims=(0, 0, None))(self.weights, self.buffers, X)
            wrong = wrong + (scores.argmax(dim=2) != y).sum(dim=1)
            count += len(y)
        self.shape.train()
        return [each / count for each in wrong.tolist()]
