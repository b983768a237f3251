"""A small transformer for images, whose layers have the norm in front, behind, or no shortcut."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

Order = Callable[[Tensor, nn.Module, Callable[[Tensor], Tensor]], Tensor]
"""Joins tokens (N, tokens, width), a norm and a residual function to tokens of the same shape."""

# By the names that stored runs have for them; the three differ in this one line.
TRANSFORMERS: dict[str, Order] = {
    "pre-norm": lambda X, norm, residual: X + residual(norm(X)),
    "post-norm": lambda X, norm, residual: norm(X + residual(X)),
    "no-shortcut": lambda X, norm, residual: residual(norm(X)),
}


class TransformerLayer(nn.Module):
    """Attention, then two linear layers on each token, joined as `order` says.

    Maps (N, tokens, width) to the same shape. Source: Vaswani et al. 2017, section 3.1.
    """

    def __init__(self, width: int, heads: int, order: Order):
        super().__init__()
        self.order = order
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.network = nn.Sequential(
            nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width)
        )

    def forward(self, X: Tensor) -> Tensor:
        X = self.order(X, self.norm1, self.attend)
        return self.order(X, self.norm2, self.network)

    def attend(self, X: Tensor) -> Tensor:
        return self.attention(X, X, X, need_weights=False)[0]


class ImageTransformer(nn.Module):
    """Patches as tokens with learned positions, `depth` layers, a norm, the mean token, a head.

    Maps images (N, 1, side, side) to scores (N, 10); `patch` must divide `side`. Source:
    Dosovitskiy et al. 2020, arXiv 2010.11929, with the mean of the tokens for the class token.
    """

    def __init__(
        self,
        depth: int,
        order: Order,
        *,
        width: int = 32,
        heads: int = 4,
        side: int = 28,
        patch: int = 7,
    ):
        super().__init__()
        # A linear layer on each patch: a convolution whose stride is as long as its kernel.
        self.embed = nn.Conv2d(1, width, kernel_size=patch, stride=patch)
        self.positions = nn.Parameter(0.02 * torch.randn((side // patch) ** 2, width))
        layers = [TransformerLayer(width, heads, order) for _ in range(depth)]
        self.layers = nn.Sequential(*layers)
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, X: Tensor) -> Tensor:
        tokens = self.embed(X).flatten(2).transpose(1, 2) + self.positions  # (N, tokens, width)
        return self.head(self.norm(self.layers(tokens)).mean(dim=1))
