"""Translating images with trained generators."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import get_args

import torch
from PIL import Image, ImageOps
from torch import Tensor

from gantrans.api.files import ORDINARY, ImageFiles
from gantrans.api.generator import Generator
from gantrans.api.image import normalised, to_image, to_pixels, to_tensor
from gantrans.api.problem import nearest
from gantrans.errors import CheckpointError, DataError, NonFiniteError, PluginError, UsageError
from gantrans.inference.compilation import cannot_compile, compile_network, running_compiled
from gantrans.inference.device import choose_device, is_out_of_memory
from gantrans.inference.large.choice import LargeImages
from gantrans.inference.model_files import generator_files
from gantrans.inference.padding import run_padded
from gantrans.inference.precision import Precision, running_in
from gantrans.inference.weights import WeightsHeader, load_files, load_generator
from gantrans.plugin.manager import load_registry

FindFiles = Callable[[WeightsHeader], tuple[ImageFiles, ImageFiles]]


class Translator:
    """Translates images of any size, in each direction that it has a generator for.

    Args:
        generators: each in evaluation mode, on `device`, with the header of its file.
        device: where the generators are.
        find_files: from a header to how the files of its source and of its target are read and
            written, asked when files are translated; absent: they are ordinary images.
        precision: of the networks; images and results are float32.
        max_memory: bytes that this process may hold on `device`; None: what is free. A larger
            picture is computed in pieces.
    """

    def __init__(
        self,
        generators: Sequence[tuple[Generator, WeightsHeader]],
        device: torch.device,
        find_files: FindFiles = lambda header: (ORDINARY, ORDINARY),
        precision: Precision = "fp32",
        max_memory: int | None = None,
    ) -> None:
        self.device, self.precision = device, precision
        self._large = LargeImages(device, max_memory)
        self.generators: dict[str, Generator] = {}
        self._headers: dict[str, WeightsHeader] = {}
        self._find_files = find_files
        for generator, header in generators:
            target = header.name_of(header.target)
            if target in self.generators:
                raise CheckpointError(f"two generators write {target}: give the file of one")
            self.generators[target] = generator
            self._headers[target] = header

    @property
    def targets(self) -> list[str]:
        """The names of the domains that images can be translated to."""
        return list(self.generators)

    def choose(self, to: str | None) -> str:
        """The domain to translate to: `to`, or the only one there is. Raises UsageError."""
        if to is None and len(self.targets) == 1:
            return self.targets[0]
        if to in self.generators:
            return to
        there = " or ".join(self.targets)
        if len(self.targets) == 1 and to in (way_back := self._sources()):
            raise UsageError(f"this model translates {way_back[0]} to {there}, and not back")
        if to is None:
            raise UsageError(f"this model translates both ways: say to which domain, {there}")
        hint = nearest(to, self.targets)
        raise UsageError(f"this model does not translate to {to!r}{hint} (it can: {there})")

    def _sources(self) -> list[str]:
        """The names of the domains that images can be translated from."""
        return [header.name_of(header.source) for header in self._headers.values()]

    def header(self, to: str | None = None) -> WeightsHeader:
        """What the weights file of that direction's generator says. Raises as `choose` does."""
        return self._headers[self.choose(to)]

    def files(self, to: str | None = None) -> tuple[ImageFiles, ImageFiles]:
        """How the image files of the source domain are read, and those of the target written.

        Raises:
            UsageError: if there is no such domain, or no image file can have its channels.
            PluginError: if the plugin that knows these files is not installed.
        """
        target = self.choose(to)
        generator = self.generators[target]
        found = self._find_files(self._headers[target])
        channels = (generator.in_channels, generator.out_channels)
        _refuse_as_pictures(
            n for n, files in zip(channels, found, strict=True) if files is ORDINARY
        )
        return found

    def translate(self, image: Image.Image, to: str | None = None) -> Image.Image:
        """One image, of any size and mode, as an image of the same size in the other domain.

        Args:
            image: turned upright if its EXIF says so; see gantrans.api.image for other modes.
            to: the name of the domain to translate to; may be left out if there is only one.

        Returns:
            An image of mode RGB or L, as many channels as the target domain has.

        Raises:
            UsageError: if there is no such domain, or its images have other channels.
            DataError: if the image does not fit into memory.
            NonFiniteError: if the generator gives no numbers.
        """
        generator = self.generators[self.choose(to)]
        _refuse_as_pictures((generator.in_channels, generator.out_channels))
        return to_image(self.translate_image(ImageOps.exif_transpose(image), to))

    def translate_image(
        self,
        image: Image.Image | Tensor,
        to: str | None = None,
        look: Callable[[float], None] = lambda share: None,
    ) -> Tensor:
        """One image as `ImageFiles.read` gives it -> (C_out, H, W) in [-1, 1].

        A picture for which the memory is too small is computed in pieces, with the same result
        (see gantrans.inference.large).

        Args:
            image: of any size.
            to: the name of the domain to translate to.
            look: told now and then which share of a large picture is done.

        Returns:
            On `device`; if it was computed in pieces, on the host.

        Raises:
            UsageError: if there is no such domain.
            DataError: if the image has other channels, or does not fit into memory even in pieces.
            NonFiniteError: if the generator gives no numbers.
        """
        target = self.choose(to)
        generator = self.generators[target]
        x = _on_host(image, generator.in_channels)
        height, width = x.shape[1:]
        try:
            if self._large.fits(generator, height, width):
                return self._whole(_in_floats(x)[None], target)[0]
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        try:
            with running_in(self.precision, self.device):
                result = self._large.in_pieces(generator, x, look)
        except UsageError as reason:
            raise DataError(
                f"an image of {width} x {height} pixels needs more memory than there is "
                f"on {self.device}, and {reason}"
            ) from None
        _refuse_non_finite(result, target)
        return result

    @torch.inference_mode()
    def translate_tensor(self, images: Tensor, to: str | None = None) -> Tensor:
        """(N, C_in, H, W) in [-1, 1], of any size -> (N, C_out, H, W) in [-1, 1] on `device`.

        What is too much for the memory at once goes image by image, as `translate_image` does it.

        Raises:
            UsageError: if there is no such domain, or the shape does not fit.
            DataError: if an image does not fit into memory even in pieces.
            NonFiniteError: if the generator gives no numbers.
        """
        target = self.choose(to)
        generator = self.generators[target]
        if images.dim() != 4 or images.shape[1] != generator.in_channels or not images.numel():
            raise UsageError(
                f"found a tensor of shape {tuple(images.shape)}, expected (N, "
                f"{generator.in_channels}, H, W)"
            )
        count, _, height, width = images.shape
        if self._large.fits(generator, height, width, count):
            return self._whole(images, target)
        alone = [self.translate_image(image.float(), to).to(self.device) for image in images]
        return torch.stack(alone)

    @torch.inference_mode()
    def _whole(self, images: Tensor, target: str) -> Tensor:
        """All of the images, and each of them, at once."""
        with (
            running_in(self.precision, self.device),
            running_compiled("translate without compilation"),
        ):
            result = run_padded(self.generators[target], images.to(self.device, torch.float32))
        # A copy: a compiled network on CUDA writes the next result where this one is.
        result = torch.empty_like(result, dtype=torch.float32).copy_(result)
        _refuse_non_finite(result, target)
        return result


def _on_host(image: Image.Image | Tensor, channels: int) -> Tensor:
    """(C, H, W): uint8 of a picture, else float32 in [-1, 1]."""
    if isinstance(image, Image.Image):
        return to_pixels(image, channels)
    return to_tensor(image, channels)


def _in_floats(x: Tensor) -> Tensor:
    return normalised(x) if x.dtype == torch.uint8 else x


def _refuse_non_finite(result: Tensor, target: str) -> None:
    if not all(channel.isfinite().all() for channel in result):
        raise NonFiniteError(
            f"the generator that writes {target} gave NaN or infinity: use an earlier "
            "checkpoint, and look at the curves of its training"
        )


def _refuse_as_pictures(channels: Iterable[int]) -> None:
    for count in channels:
        if count not in (1, 3):
            raise UsageError(
                f"this generator's images have {count} channels, and ordinary ones have 1 or 3: "
                "use translate_tensor"
            )


def load(
    path: Path | str,
    *,
    device: str = "auto",
    plugins: Iterable[Path | str] = (),
    precision: Precision = "fp32",
    compile: bool = False,
    max_memory: int | None = None,
) -> Translator:
    """A translator from a run directory, a checkpoint folder or one generator file.

    Args:
        path: of a run directory its best checkpoint is taken, or its newest if none is best yet.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        plugins: one-file plugins that the model needs; they are executed.
        precision: "fp32"; "tf32", of products on NVIDIA GPUs; or "bf16", of the whole network.
        compile: whether torch compiles the networks, for each size of image anew: that takes up to
            minutes, so it is for many images of one size.
        max_memory: bytes that this process may hold on the device; a picture that needs more is
            computed in pieces, with the same result. Absent: a share of what is free.

    Raises:
        CheckpointError: if there is no usable model at `path`.
        PluginError: if a plugin that the model needs is not there or broken.
        UsageError: if there is no such device or precision, or torch cannot compile here.
    """
    if precision not in get_args(Precision):
        known = ", ".join(get_args(Precision))
        raise UsageError(f"there is no precision {precision!r} (there are: {known})")
    chosen = choose_device(device)
    files = generator_files(Path(path))
    registry = load_registry(Path(file) for file in plugins)
    for broken in registry.broken:
        if broken.origin.file:
            raise PluginError(f"the plugin {broken.origin.file} is broken: {broken.reason}")
    loaded = [load_generator(file, registry, chosen) for file in files]
    paths = {header.role: file for file, (_, header) in zip(files, loaded, strict=True)}

    def find_files(header: WeightsHeader) -> tuple[ImageFiles, ImageFiles]:
        return load_files(paths[header.role], registry, header)

    if compile:
        if reason := cannot_compile(chosen):
            raise UsageError(f"torch cannot compile here ({reason}): translate without compilation")
        for generator, _ in loaded:
            compile_network(generator, chosen)
    return Translator(loaded, chosen, find_files, precision, max_memory)
