"""What a spec must not combine: refused before step 0, and without reading an image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch

from gantrans.api.dataset import Dataset
from gantrans.api.discriminator import Discriminator
from gantrans.api.generator import Generator
from gantrans.api.problem import Problem
from gantrans.api.step import DOMAINS, Domain
from gantrans.spec.load import LoadedSpec
from gantrans.spec.model import RunSpec

CROP = ("data", "transform", "crop")


def check(loaded: LoadedSpec) -> None:
    """Refuse a valid spec whose parts contradict each other.

    The networks are built on the meta device, which computes shapes only.

    Raises:
        SpecError: with every contradiction.
    """
    spec = loaded.run
    dataset: Dataset = spec.data.build(base_dir=loaded.source.base_dir)
    channels = {domain: dataset.channels(domain) for domain in DOMAINS}
    paired = dataset.paired("train")
    found = [*_in_losses(spec, channels, paired), *_in_sizes(spec, channels)]
    if found:
        raise loaded.source.error(found)


def _in_losses(spec: RunSpec, channels: Mapping[Domain, int], paired: bool) -> Iterator[Problem]:
    method, a, b = spec.method.component, spec.domains.a, spec.domains.b
    for name, config in spec.losses.items():
        loss, path = config.component, ("losses", name)
        if not loss.sides():
            yield Problem(path, f"{loss.name} overrides neither generator nor discriminator")
        for need in sorted(config.requires - set(method.provides)):
            has = ", ".join(sorted(method.provides))
            yield Problem(
                path, f"it requires {need!r}, which the method {method.name!r} lacks (it has {has})"
            )
        if "truth" in config.requires and not paired:
            yield Problem(
                path,
                f"it compares translations with the truth, and the training data of "
                f"{spec.data.component.name!r} is not paired: remove this loss, or use paired data",
            )
        for need in sorted(config.requires & {"identity", "source"}):
            if channels["a"] != channels["b"]:
                yield Problem(
                    path,
                    f"{need} needs equal channels in both domains, but {a} has {channels['a']} "
                    f"and {b} {channels['b']}: remove this loss",
                )


def _in_sizes(spec: RunSpec, channels: Mapping[Domain, int]) -> Iterator[Problem]:
    try:
        with torch.device("meta"):
            generator: Generator = spec.generator.build(
                in_channels=channels["a"], out_channels=channels["b"]
            )
            discriminator: Discriminator = spec.discriminator.build(in_channels=channels["b"])
    except (ValueError, TypeError, RuntimeError) as error:  # anyone's component, any numbers
        yield Problem((), f"a network cannot be built as the spec says: {error}")
        return
    crop, resize = spec.data.transform.crop, spec.data.transform.resize
    if crop is None:
        return  # then the first images tell, see assemble
    if resize is not None and resize < crop:
        yield Problem(CROP, f"larger than resize = {resize}")
    if crop % generator.multiple_of:
        above = crop + -crop % generator.multiple_of
        yield Problem(
            CROP,
            f"{crop} is no multiple of {generator.multiple_of}, which the generator "
            f"{generator.name!r} needs; the next is {above}",
        )
    for network in (generator, discriminator):
        if crop < network.min_size:
            yield Problem(
                CROP,
                f"{crop} px are too few for the {network.kind} {network.name!r}, which needs "
                f"{network.min_size}",
            )
