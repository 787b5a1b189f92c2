"""What a spec must not combine: refused before step 0, and without reading an image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gantrans.api.dataset import Dataset
from gantrans.api.discriminator import Discriminator
from gantrans.api.generator import Generator
from gantrans.api.method import Method
from gantrans.api.problem import Problem, nearest, shown
from gantrans.api.step import DOMAINS, Domain
from gantrans.api.transform import Transform
from gantrans.errors import GantransError
from gantrans.spec.load import LoadedSpec
from gantrans.spec.model import Init, RunSpec
from gantrans.training.build import Ends, outline, shapes
from gantrans.training.choice_contradictions import in_choice
from gantrans.training.faults import blaming

TRANSFORM = ("data", "transform")
FEATURES = {"features", "identity_features"}
SAME_CHANNELS = {"identity", "source", *FEATURES}
"""What a loss can read only where one domain has as many channels as the other."""


def check(loaded: LoadedSpec) -> None:
    """Refuse a valid spec whose parts contradict each other.

    The networks are built on the meta device, which computes shapes only.

    Raises:
        SpecError: with every contradiction.
    """
    with blaming(loaded):
        found = list(_contradictions(loaded))
    if found:
        raise loaded.source.error(found)


def _contradictions(loaded: LoadedSpec) -> Iterator[Problem]:
    spec = loaded.run
    dataset: Dataset = spec.data.build(base_dir=loaded.source.base_dir)
    channels = {domain: dataset.channels(domain) for domain in DOMAINS}
    paired = dataset.paired("train")
    yield from _in_losses(spec, channels, paired)
    if len(spec.method.domains) == len(DOMAINS):
        yield from _in_pairs(spec, paired, dataset.paired("test"))
    if spec.method.needs_pairs and not paired:
        yield Problem(
            ("method",),
            f"{spec.method.component.name!r} learns from pairs, and the training data of "
            f"{spec.data.component.name!r} is not paired: use paired data, such as the data set "
            "'paired_folder', or another method",
        )
    try:
        method, ends = outline(loaded)
    except Exception as error:  # anyone's component, any numbers
        said = str(error) if isinstance(error, GantransError | ValueError) else repr(error)
        yield Problem((), f"a network cannot be built as the spec says: {said}")
        yield from in_choice(spec, dataset.paired("test"))
        return
    yield from in_choice(spec, dataset.paired("test"), directions=len(method.generators))
    yield from _in_networks(loaded, method, ends)
    yield from untrained(spec, method)
    yield from _in_features(spec, method)
    networks = [n for n in method.networks.values() if isinstance(n, Generator | Discriminator)]
    one_of_each = {network.kind: network for network in networks}.values()
    for domain in spec.method.domains:
        yield from _in_transform(spec, domain, channels[domain], list(one_of_each))


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
        crops = [spec.data.transform.of(domain).crop for domain in DOMAINS]
        if loss.same_size and len(spec.method.domains) == 2 and crops[0] != crops[1]:
            yield Problem(
                path,
                f"it mixes images of both domains, and data.transform.crop is {crops[0]} for {a} "
                f"and {crops[1]} for {b}: give both the same, or remove this loss",
            )
        if "truth" in config.requires and not paired:
            yield Problem(
                path,
                f"it compares translations with the truth, and the training data of "
                f"{spec.data.component.name!r} is not paired: remove this loss, or use paired data",
            )
        for need in sorted(config.requires & SAME_CHANNELS & set(method.provides)):
            if channels["a"] != channels["b"]:
                yield Problem(
                    path,
                    f"{need} needs equal channels in both domains, but {a} has {channels['a']} "
                    f"and {b} {channels['b']}: remove this loss",
                )


def _in_networks(loaded: LoadedSpec, method: Method, ends: Mapping[str, Ends]) -> Iterator[Problem]:
    """Settings of networks that the method does not make would be ignored silently."""
    made = {end.kind for end in ends.values()}
    drawn = [n for n in method.networks.values() if isinstance(n, Generator | Discriminator)]
    trainable = any(config.component.trainable for config in loaded.run.losses.values())
    if loaded.run.init != Init() and not trainable and all(n.own_weights for n in drawn):
        yield Problem(("init",), "every network begins with weights of its own: remove this table")
    if loaded.run.train.recompute:
        yield from _in_recompute(method)
    for kind in ("generator", "discriminator"):
        usual = RunSpec.model_fields[kind].default
        if kind not in made and getattr(loaded.run, kind) != loaded.registry.config(kind, usual):
            name = loaded.run.method.component.name
            yield Problem((kind,), f"the method {name!r} makes no use of it: remove this table")


def untrained(spec: RunSpec, method: Method, steps: int | None = None) -> Iterator[Problem]:
    """Networks that are to be trained and that no loss reaches, because of its side or its weight.

    Args:
        spec: the run's.
        method: of the spec, with networks of shapes alone or real ones.
        steps: of the whole run; None: not known yet.
    """
    counting = [
        config.component.sides()
        for config in spec.losses.values()
        if config.weight and (steps is None or config.start < steps)
    ]
    for phase in method.phases:
        left = [
            name
            for name, network in phase.trains.items()
            if any(weight.requires_grad for weight in network.parameters())
        ]
        if left and not any(phase.sides & sides for sides in counting):
            side = " or a ".join(sorted(phase.sides))
            early = "" if steps is None else f" and a start before step {steps}, the last,"
            yield Problem(
                ("losses",),
                f"{' and '.join(left)} would never learn: no loss with a weight above 0{early} has "
                f"terms for a {side}; add one, such as adversarial",
            )


def _in_recompute(method: Method) -> Iterator[Problem]:
    path, generators = ("train", "recompute"), list(method.generators.values())
    if not generators:
        why = f"the method {method.name!r} has no generator that translates"
        yield Problem(path, f"{why}: take it out")
    elif not generators[0].recomputes:
        yield Problem(
            path,
            f"the generator {generators[0].name!r} cannot recompute with these settings: take it "
            "out, or use one that can, such as 'resnet' with norm = \"instance\"",
        )


def _in_features(spec: RunSpec, method: Method) -> Iterator[Problem]:
    """Whether the generators have the layers whose features the losses read."""
    for name, config in spec.losses.items():
        path = ("losses", name, "layers") if hasattr(config, "layers") else ("losses", name)
        if config.encoder_layers and not config.requires & FEATURES:
            yield Problem(
                path,
                f"it names layers of the generator, and {config.component.name!r} requires no "
                "'features' of them: its author has to add that to `requires`",
            )
        for generator in list(method.generators.values())[:1]:
            there = generator.encoder_layers()
            missing = [layer for layer in config.encoder_layers if layer not in there]
            for layer in missing if there else ():
                yield Problem(
                    path,
                    f"the generator {generator.name!r} has no layer {layer!r}"
                    f"{nearest(layer, there)} (it has: {', '.join(there)})",
                )
            if missing and not there:
                yield Problem(
                    path,
                    f"it reads features of the generator, and {generator.name!r} gives none: use "
                    "another generator, such as 'resnet' or 'unet'",
                )
            if config.encoder_layers and not missing:
                yield from _in_their_sizes(spec, name, method)


def _in_their_sizes(spec: RunSpec, name: str, method: Method) -> Iterator[Problem]:
    """Whether a loss can work on the features of such images; without a crop, assemble asks."""
    crops = [spec.data.transform.of(domain).crop for domain in spec.method.domains]
    if None in crops:
        return
    crop = min(crop for crop in crops if crop is not None)
    config = spec.losses[name]
    try:
        seen = shapes(spec, method, config.encoder_layers, (crop, crop))
    except Exception:  # the generator does not take such crops, which is said of the crop
        return
    loss = config.build()
    try:
        loss.fit_to(seen)
    except ValueError as error:
        yield Problem(("losses", name), str(error))


def _in_transform(
    spec: RunSpec,
    domain: Domain,
    channels: int,
    networks: Sequence[Generator | Discriminator],
) -> Iterator[Problem]:
    transform: Transform = spec.data.transform
    own = getattr(transform, domain) is not None
    path = (*TRANSFORM, domain) if own else TRANSFORM
    if domain == "b" and "a" in spec.method.domains and not own and transform.a is None:
        return  # said of the first domain already
    settings = transform.of(domain)
    if settings.jitter and channels not in (1, 3):
        yield Problem(
            (*path, "jitter"), f"colours vary in images of 1 or 3 channels, these have {channels}"
        )
    crop, side = settings.crop, spec.method.side
    if crop is None:
        return  # then the first images tell, see assemble
    if side is not None and crop != side:
        name = spec.method.component.name
        yield Problem((*path, "crop"), f"the method {name!r} takes images of {side} px, not {crop}")
    # Of an image as small as can be: what is known of its size is what `resize` says.
    if settings.resize is not None and min(settings.resized(1, 1)) < crop:
        yield Problem((*path, "crop"), f"larger than resize = {shown(settings.resize)}")
    for network in networks:
        multiple = getattr(network, "multiple_of", 1)
        if crop % multiple:
            yield Problem(
                (*path, "crop"),
                f"{crop} is no multiple of {multiple}, which the {network.kind} "
                f"{network.name!r} needs; the next is {crop + -crop % multiple}",
            )
        if crop < network.min_size:
            yield Problem(
                (*path, "crop"),
                f"{crop} px are too few for the {network.kind} {network.name!r}, which needs "
                f"{network.min_size}",
            )


def _in_pairs(spec: RunSpec, train: bool, test: bool) -> Iterator[Problem]:
    """Both images of a pair must be cut, mirrored and turned alike; their colours may differ."""
    transform: Transform = spec.data.transform
    a, b = (transform.of(domain).model_dump() for domain in DOMAINS)
    compared = any(config.component.needs_truth for config in spec.metrics.values())
    keys = ["resize", "resize_mode", "crop"] if train or (test and compared) else []
    for key in [*keys, *(["flip", "rotate", "zoom"] if train else [])]:
        if a[key] != b[key]:
            which = "training" if train else "test"
            yield Problem(
                (*TRANSFORM, key),
                f"the {which} data is paired: it must be the same for both domains",
            )
