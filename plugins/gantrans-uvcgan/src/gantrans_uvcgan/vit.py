"""The pixel-wise vision transformer at the bottom of UVCGAN's U-Net (Torbunov et al. 2023)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantrans.api.recompute import recomputed


class PixelwiseViT(nn.Module):
    """A transformer whose tokens are the pixels of a feature map.

    Each token is the pixel's channels beside the features of its position, mapped to `features`;
    `blocks` transformer blocks; mapped back to the channels.

    Args:
        channels: of the feature map.
        features: width of a token inside the transformer.
        heads: attention heads; they divide `features`.
        blocks: transformer blocks.
        ffn_features: hidden width of a block's network on single tokens.
        embed_features: features of a position.
    """

    def __init__(
        self,
        channels: int,
        *,
        features: int,
        heads: int,
        blocks: int,
        ffn_features: int,
        embed_features: int,
    ) -> None:
        super().__init__()
        self.positions = Positions(embed_features)
        self.enter = nn.Linear(embed_features + channels, features)
        self.blocks = nn.Sequential(*(Block(features, heads, ffn_features) for _ in range(blocks)))
        self.leave = nn.Linear(features, channels)

    def forward(self, x: Tensor, recompute: bool = False) -> Tensor:
        """(N, channels, H, W) -> the same shape; the blocks are recomputed for their gradients."""
        count, _, height, width = x.shape
        pixels = x.flatten(2).transpose(1, 2)  # (N, H * W, channels)
        places = self.positions(height, width).expand(count, -1, -1)
        tokens = self.enter(torch.cat((places, pixels), dim=-1))
        for block in self.blocks:
            tokens = recomputed(block, tokens, recompute)
        y: Tensor = self.leave(tokens).transpose(1, 2).unflatten(2, (height, width))
        return y


class Positions(nn.Module):
    """Learned Fourier features of a place in the grid: sin(W p + b) (Anokhin et al. 2021).

    p = (x, y) goes from (-1, -1), top left, to (1, 1), bottom right, whatever the size of the grid.
    So a trained network takes other sizes too: a larger grid has its places closer together.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.project = nn.Linear(2, features)

    def forward(self, height: int, width: int) -> Tensor:
        """(height * width, features), row by row."""
        along_x, along_y = self.project.weight.unbind(1)
        x = torch.linspace(-1, 1, width, device=along_x.device, dtype=along_x.dtype)
        y = torch.linspace(-1, 1, height, device=along_y.device, dtype=along_y.dtype)
        # The product W p is written out: mixed precision would round a linear layer's places.
        angle = y[:, None, None] * along_y + x[:, None] * along_x + self.project.bias
        return torch.sin(angle).flatten(0, 1)


class Block(nn.Module):
    """Attention over all tokens, then a network on each: x + alpha * f(norm(x)), twice.

    alpha is one learned number that starts at 0, so that the block starts as the identity and deep
    stacks train from the first step (ReZero, Bachlechner et al. 2021).
    """

    def __init__(self, features: int, heads: int, ffn_features: int) -> None:
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(features), SelfAttention(features, heads))
        self.ffn = nn.Sequential(
            nn.LayerNorm(features),
            nn.Linear(features, ffn_features),
            nn.GELU(),
            nn.Linear(ffn_features, features),
        )
        self.alpha = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, tokens, features) -> the same shape."""
        x = x + self.alpha * self.attention(x)
        y: Tensor = x + self.alpha * self.ffn(x)
        return y


class SelfAttention(nn.Module):
    """softmax(Q K^T / sqrt(d)) V in each head, d = features / heads (Vaswani et al. 2017)."""

    def __init__(self, features: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(features, 3 * features)
        self.mix = nn.Linear(features, features)

    def forward(self, x: Tensor) -> Tensor:
        """(N, tokens, features) -> the same shape."""
        parts = self.query_key_value(x).unflatten(-1, (3, self.heads, -1))
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each (N, heads, tokens, d)
        seen = F.scaled_dot_product_attention(query, key, value)
        y: Tensor = self.mix(seen.transpose(1, 2).flatten(2))
        return y
