"""A small transformer for images, whose layers have the norm in front, behind, or no shortcut."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Residual = Callable[[Tensor], Tensor]


# Each joins tokens (N, tokens, width) with what a layer computes from them, in one line.
def pre_norm(X: Tensor, norm: nn.Module, residual: Residual) -> Tensor:
    """The norm in front, inside the branch: the way around is free."""
    return X + residual(norm(X))


def post_norm(X: Tensor, norm: nn.Module, residual: Residual) -> Tensor:
    """The norm behind the sum, in the way of the shortcut."""
    return norm(X + residual(X))


def no_shortcut(X: Tensor, norm: nn.Module, residual: Residual) -> Tensor:
    """No sum at all: what the residual function makes of the input."""
    return residual(norm(X))


# By the names that stored runs have for them.
TRANSFORMERS = {"pre-norm": pre_norm, "post-norm": post_norm, "no-shortcut": no_shortcut}


class EncoderLayer(nn.Module):
    """Attention, then two linear layers on each token, both joined to their input by `join`.

    Maps (N, tokens, width) to the same shape. A state dict of torch's `TransformerEncoderLayer`
    fits. Source: Vaswani et al. 2017, section 3.1.
    """

    def __init__(self, width: int, heads: int, join: Callable[..., Tensor]):
        super().__init__()
        self.join = join
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.self_attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.linear1 = nn.Linear(width, 4 * width)
        self.linear2 = nn.Linear(4 * width, width)

    def forward(self, X: Tensor) -> Tensor:
        return self.join(self.join(X, self.norm1, self.attend), self.norm2, self.network)

    def attend(self, X: Tensor) -> Tensor:
        return self.self_attn(X, X, X, need_weights=False)[0]

    def network(self, X: Tensor) -> Tensor:
        return self.linear2(F.relu(self.linear1(X)))


class ImageTransformer(nn.Module):
    """Patches as tokens with learned positions, `depth` layers, a norm, the mean token, a head.

    Maps grey images (N, 1, 28, 28) to scores (N, 10). Source: Dosovitskiy et al. 2020, arXiv
    2010.11929, with the mean of the tokens for the token of the class.
    """

    def __init__(
        self,
        depth: int,
        join: Callable[..., Tensor] = pre_norm,
        width: int = 32,
        heads: int = 4,
        patch: int = 7,
    ):
        super().__init__()
        # A linear layer on each patch: a convolution whose stride is as long as its kernel.
        self.embed = nn.Conv2d(1, width, kernel_size=patch, stride=patch)
        self.positions = nn.Parameter(0.02 * torch.randn((28 // patch) ** 2, width))
        self.layers = nn.Sequential(*(EncoderLayer(width, heads, join) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, X: Tensor) -> Tensor:
        tokens = self.embed(X).flatten(2).transpose(1, 2) + self.positions  # (N, tokens, width)
        return self.head(self.norm(self.layers(tokens)).mean(dim=1))
