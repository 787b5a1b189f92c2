"""The Inception network of torch-fidelity, and what it makes of images."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from gantrans.errors import CheckpointError, UsageError
from gantrans_fidelity.weights import digest_of, fetched, read_file

SIZE = FeatureExtractorInceptionV3.INPUT_IMAGE_SIZE
FEATURES = 2048


class Extractor:
    """Features (2048) of images, by an Inception V3 with given weights.

    Args:
        weights: its file; None: torch-fidelity's own.

    Raises:
        CheckpointError: if weights cannot be had, or are of another network.
    """

    def __init__(self, weights: Path | None) -> None:
        file = weights if weights is not None else fetched()
        changed = file.stat().st_mtime_ns if file.is_file() else 0
        self._network, self.digest = _read(file, changed)

    def __call__(self, images: Tensor) -> Tensor:
        """(N, 1 or 3, H, W) in [-1, 1] -> (N, 2048), float64 on the CPU.

        Images are rounded to 8 bits, as if they had been saved, and brought to 299 x 299 pixels by
        the bilinear rule of TensorFlow 1 (not antialiased), for which the weights were trained.
        Raises UsageError for other channels.
        """
        if images.shape[1] not in (1, 3):
            raise UsageError(
                f"an Inception network sees gray or colour, and these images have "
                f"{images.shape[1]} channels: take kid and fid out of [metrics], and keep swd"
            )
        pixels = ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
        network = self._network.to(images.device)
        with torch.no_grad():
            [features] = network(pixels.expand(-1, 3, -1, -1))
        found: Tensor = features.cpu().double()
        return found


@lru_cache(maxsize=2)
def _read(file: Path, changed: int) -> tuple[nn.Module, str]:
    """The network with a file's weights, and the file's SHA-256; read again when it has changed."""
    tensors = read_file(file)
    safe = io.BytesIO()  # torch-fidelity unpickles what it is given: this we wrote ourselves
    torch.save(tensors, safe)
    safe.seek(0)
    try:
        with torch.random.fork_rng(devices=[]):  # first weights, to be replaced, cost no draws
            network = FeatureExtractorInceptionV3(
                "inception-v3-compat", [str(FEATURES)], feature_extractor_weights_path=safe
            )
    except RuntimeError as error:
        said = [line.strip() for line in str(error).splitlines()]
        raise CheckpointError(
            f"{file} does not hold the weights of torch-fidelity's Inception network: "
            f"{said[min(1, len(said) - 1)][:200]}"
        ) from None
    return network, digest_of(file)
