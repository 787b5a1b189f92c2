"""Maps in which every channel is constant, up to rounding."""

from __future__ import annotations

from torch import Tensor

ROUNDING = 1e-5
"""Largest spread of a constant map's channels, as a share of the map's largest value.

Convolutions of a picture of one colour spread by at most some 1e-6 of the largest value (sums in
float32, in an order that depends on the algorithm and on the position); one pixel of a picture that
is off by one level of 255 in one channel spreads them by 8e-4 or more.
"""


def clear_constant(y: Tensor, x: Tensor, shift: Tensor | None) -> Tensor:
    """Set the normalised maps of constant images to their exact value, in place.

    A channel without variance is normalised to 0. Rounding leaves a deviation of about 1e-8, and
    the division by sqrt(var + 1e-5) multiplies that by 316. After three such layers, the result is
    rounding alone. One channel that is not constant keeps an image as it is, for beside its values
    the noise of the others stays below 1e-4.

    Args:
        y: (N, C, H, W), `x` normalised in each channel apart, then scaled and shifted.
        x: (N, C, H, W).
        shift: (C,), or None.

    Returns:
        `y`.
    """
    low, high = x.amin((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
    spread = (high - low).amax(1, keepdim=True)
    # Strictly less, so that NaN and infinity stay what they are.
    constant = spread < ROUNDING * high.abs().amax(1, keepdim=True)
    y.masked_fill_(constant, 0.0)
    return y if shift is None else y.add_(constant * shift[:, None, None])
