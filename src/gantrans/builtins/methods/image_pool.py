"""The image pool (Shrivastava et al. 2017, section 2.3; Zhu et al. 2017, section 4)."""

from __future__ import annotations

import torch
from torch import Tensor

from gantrans.api.randomness import stream
from gantrans.api.ranks import gathered, own_share
from gantrans.errors import DataError


class ImagePool:
    """Shows the discriminator older translations too, so that it does not forget.

    While the pool fills, an image is stored and given back. Then, with probability 1/2, a stored
    image is given in its place and the new one stored. The draws for the n-th image since training
    began are a function of (seed, domain, n) alone. Where several ranks train, each does the same
    with the images of all, so all have the same pool: that which one process would have.

    Args:
        size: the most images that it stores; 0 gives back what it gets.
        seed: the run's seed.
        domain: what the images look like; pools of two domains draw apart.
    """

    def __init__(self, size: int, seed: int, domain: str) -> None:
        self.size, self.seed, self.domain = size, seed, domain
        self.places: Tensor | None = None
        """(size, C, H, W), of which the first `count` hold images; None before the first."""
        self.count = 0

    def exchange(self, images: Tensor, ordinal: int) -> Tensor:
        """(n, C, H, W) in, the same shape out; this rank's of a batch of N.

        `ordinal` is the number of the whole batch's first image, on all ranks.

        Raises DataError for images of another size than those it holds, as after a resume with
        another crop.
        """
        if self.size == 0:
            return images
        images = gathered(images)
        places = self._places_like(images)
        given = images.clone()
        for n, image in enumerate(images, start=ordinal):
            if self.count < self.size:
                places[self.count] = image
                self.count += 1
                continue
            draw = stream(self.seed, "pool", self.domain, n)
            if draw.random() < 0.5:
                place = draw.randrange(self.size)
                given[n - ordinal] = places[place]
                places[place] = image
        return own_share(given)

    def state(self) -> Tensor:
        """The stored images (count, C, H, W), for a checkpoint; empty before the first exchange."""
        return torch.empty(0) if self.places is None else self.places[: self.count]

    def load_state(self, state: Tensor) -> None:
        """Take back what `state` gave. Raises ValueError if those are more images than it holds."""
        if len(state) > self.size:
            raise ValueError(
                f"the image pool had stored {len(state)} images, now pool_size = {self.size}"
            )
        self.count, self.places = len(state), None
        if self.count:
            self.places = state.new_empty((self.size, *state.shape[1:]))
            self.places[: self.count] = state

    def _places_like(self, images: Tensor) -> Tensor:
        """The places, on the device of `images`. Raises DataError if they are of another size."""
        if self.places is None:
            self.places = images.new_empty((self.size, *images.shape[1:]))
        if self.places.shape[1:] != images.shape[1:]:
            raise DataError(
                f"images (C, H, W) are {tuple(images.shape[1:])} now, those in the image pool "
                f"{tuple(self.places.shape[1:])}: go on with the data that the run began with"
            )
        self.places = self.places.to(images.device)  # a checkpoint is read on the host
        return self.places
