"""A trained generator of images from noise, and how it is loaded."""

from __future__ import annotations

from pathlib import Path

import torch
from pydantic import ValidationError
from torch import Tensor

from gantrans.errors import CheckpointError, NonFiniteError
from gantrans.inference.device import choose_device
from gantrans.inference.model_files import generator_files, pointed
from gantrans.inference.shapes import misfit
from gantrans.inference.weights import WeightsHeader, load_tensors, read_header
from gantrans_noise.generator import StyleGenerator
from gantrans_noise.latents import draw_latents
from gantrans_noise.unconditional import Unconditional

FILE = "generator.safetensors"
"""The generator's file in a checkpoint."""

AT_ONCE = 16
"""Images made in one batch, so that memory does not grow with the number asked for."""


class Sampler:
    """Makes images from noise.

    Args:
        generator: in evaluation mode.
        header: of its file.
    """

    def __init__(self, generator: StyleGenerator, header: WeightsHeader) -> None:
        self.generator, self.header = generator, header

    @property
    def domain(self) -> str:
        """What the user calls the domain whose images it makes."""
        return self.header.name_of(self.header.target)

    @torch.inference_mode()
    def sample(
        self, count: int, *, seed: int = 0, truncation: float = 1.0, first: int = 0
    ) -> Tensor:
        """Images of a seed, on the CPU: (count, C, H, W) in [-1, 1].

        Image n of a seed is the same however many are asked for, up to rounding.

        Args:
            count: how many, 1 at least.
            seed: which images; any integer.
            truncation: 1 for all that it can make; less for images that are more ordinary and more
                alike; 0 for the mean image, and then only the noise differs.
            first: the number of the first of them.

        Raises:
            NonFiniteError: if the generator gives no numbers.
        """
        if count < 1:
            raise ValueError(f"count = {count}: ask for one image at least")
        images = []
        for start in range(first, first + count, AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, first + count))
            latents = draw_latents(self.generator, seed, numbers)
            made = self.generator(latents.z, truncation=truncation, noise=latents.noise)
            images.append(made.cpu())
        together = torch.cat(images)
        if not together.isfinite().all():
            raise NonFiniteError(
                "the generator gave NaN or infinity: use an earlier checkpoint, and look at the "
                "curves of its training"
            )
        return together


def load(path: Path | str, *, device: str = "auto") -> Sampler:
    """A sampler from a run directory, a checkpoint folder or one generator.safetensors.

    Args:
        path: of a run directory its best checkpoint is taken, or its newest if none is best.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".

    Raises:
        CheckpointError: if there is no usable model at `path`.
        UsageError: if there is no such device.
    """
    chosen = choose_device(device)
    file = generator_file(Path(path))
    header = read_header(file)
    generator = _built(file, header)
    return Sampler(generator.to(chosen).eval(), header)


def generator_file(model: Path) -> Path:
    """The generator's file that `model` stands for, whole as far as its checkpoint can tell.

    Raises:
        CheckpointError: if it is nothing of the kind, has no checkpoint yet, or is damaged.
    """
    checkpoints = model / "checkpoints"
    folder: Path | None = model
    if checkpoints.is_dir():
        folder = pointed(checkpoints, "best") or pointed(checkpoints, "latest")
    if folder is None:
        raise CheckpointError(
            f"the run {model} has no checkpoint yet: wait for its first, or train it on with "
            f"`gantrans run --resume {model}`"
        )
    if folder.is_dir() and not (folder / FILE).exists():
        raise CheckpointError(
            f"there is no {FILE} in {folder}: give a run of the method 'unconditional', one of its "
            "checkpoint folders, or that file"
        )
    [file] = generator_files(folder / FILE if folder.is_dir() else folder)
    return file


def _built(file: Path, header: WeightsHeader) -> StyleGenerator:
    name = header.component["type"]
    if (header.kind, name, header.role) != ("method", Unconditional.name, "generator"):
        raise CheckpointError(
            f"{file} holds {header.role!r} of the {header.kind} {name!r}: give the {FILE} of a run "
            "of the method 'unconditional'"
        )
    written = f"{file} (written with {header.plugin_in_words})"
    settings = {key: value for key, value in header.component.items() if key != "type"}
    try:
        config = Unconditional.Config.model_validate(settings)
    except ValidationError as error:
        wrong = error.errors()[0]
        place = ".".join(map(str, wrong["loc"]))
        raise CheckpointError(
            f"{written} has a method that is wrong at {place!r}: {wrong['msg']}"
        ) from None

    def build() -> StyleGenerator:
        with torch.random.fork_rng(devices=[]):  # first weights, to be replaced, cost no draws
            return config.make_generator(header.out_channels or 0)

    if difference := misfit(file, build):
        raise CheckpointError(
            f"{written} does not fit its settings: {difference}; use another checkpoint"
        )
    generator = build()
    generator.load_state_dict(load_tensors(file, "cpu"))
    return generator
