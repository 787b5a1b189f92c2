"""Against equation 2 of the paper, written out with loops over images and places."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gantrans.api.step import Domain, TranslationStep
from gantrans.builtins.losses.patch_nce import PatchNCE

N, HEIGHT, WIDTH = 2, 3, 4
PLACES = HEIGHT * WIDTH
CHANNELS = {"stem": 3, "deep": 5}
Features = dict[str, Tensor]


def loss(shapes: dict[str, tuple[int, int, int]] | None = None, **settings: Any) -> PatchNCE:
    """One that draws all places of small features, so that their order does not matter."""
    shapes = shapes or {layer: (c, HEIGHT, WIDTH) for layer, c in CHANNELS.items()}
    table = {"layers": list(shapes), "patches": PLACES, "width": 6, "identity": False, **settings}
    torch.manual_seed(0)
    made = PatchNCE(PatchNCE.Config(**table))
    made.fit_to(shapes)
    return made


def features(seed: int) -> Features:
    draw = torch.Generator().manual_seed(seed)
    return {
        layer: torch.randn(N, c, HEIGHT, WIDTH, generator=draw) for layer, c in CHANNELS.items()
    }


def step(
    made: Features,
    source: Features,
    *,
    target: Domain = "b",
    identity: tuple[Features, Features] | None = None,
) -> TranslationStep:
    """A step with the features of what was made and of what it was made from."""
    pairs: Any = {"features": {target: (made, source)}}
    if identity is not None:
        pairs["identity_features"] = {target: identity}
    return TranslationStep({"real": {}}, {}, pairs=pairs)


def vector(head: nn.Module, feature: Tensor) -> list[float]:
    """(c,) -> linear, ReLU, linear, divided by its length; all in float64."""
    first, _, second = head.children()
    hidden = [
        max(0.0, bias + sum(w * x for w, x in zip(row, feature.tolist(), strict=True)))
        for row, bias in zip(first.weight.tolist(), first.bias.tolist(), strict=True)
    ]
    out = [
        bias + sum(w * x for w, x in zip(row, hidden, strict=True))
        for row, bias in zip(second.weight.tolist(), second.bias.tolist(), strict=True)
    ]
    length = math.sqrt(sum(x * x for x in out))
    return [x / length for x in out]


def equation_2(head: nn.Module, made: Tensor, source: Tensor, tau: float, *, across: bool) -> float:
    """The mean over all places and images; `across`: negatives of the other images too."""

    def vectors(of: Tensor) -> list[list[list[float]]]:
        return [[vector(head, image[:, y, x]) for y, x in grid(image)] for image in of]

    def grid(image: Tensor) -> list[tuple[int, int]]:
        return [(y, x) for y in range(image.shape[1]) for x in range(image.shape[2])]

    def likeness(v: list[float], other: list[float]) -> float:
        return math.exp(sum(a * b for a, b in zip(v, other, strict=True)) / tau)

    queries, keys = vectors(made), vectors(source)
    costs = []
    for n, image in enumerate(queries):
        for s, v in enumerate(image):
            right = likeness(v, keys[n][s])
            wrong = sum(
                likeness(v, key)
                for m in (range(len(keys)) if across else [n])
                for t, key in enumerate(keys[m])
                if (m, t) != (n, s)
            )
            costs.append(-math.log(right / (right + wrong)))
    return sum(costs) / len(costs)


def expected(nce: PatchNCE, made: Features, source: Features) -> float:
    layers = list(zip(CHANNELS, nce.heads, strict=True))
    tau, across = nce.config.temperature, nce.config.negatives == "batch"
    terms = [equation_2(h, made[name], source[name], tau, across=across) for name, h in layers]
    return sum(terms) / len(terms)


@pytest.mark.parametrize("temperature", [0.07, 0.5])
@pytest.mark.parametrize("negatives", ["image", "batch"])
def test_it_is_the_mean_of_equation_2_over_layers_images_and_places(
    negatives: str, temperature: float
) -> None:
    nce = loss(negatives=negatives, temperature=temperature)
    made, source = features(1), features(2)
    [(key, term)] = nce.generator(step(made, source)).items()
    assert key == "ab"
    assert term.item() == pytest.approx(expected(nce, made, source), rel=1e-6)


def test_in_double_precision_it_is_equation_2_to_the_last_digits() -> None:
    nce = loss().double()
    made, source = ({k: f.double() for k, f in features(seed).items()} for seed in (1, 2))
    term = nce.generator(step(made, source))["ab"]
    assert term.item() == pytest.approx(expected(nce, made, source), rel=1e-12)


def test_terms_are_named_after_the_direction_and_the_identity_after_its_domain() -> None:
    made, source, same, real = (features(seed) for seed in range(1, 5))
    nce = loss(identity=True)
    for target, direction in (("b", "ab"), ("a", "ba")):
        given = step(made, source, target=target, identity=(same, real))  # type: ignore[arg-type]
        terms = {key: term.item() for key, term in nce.generator(given).items()}
        assert terms == {
            direction: pytest.approx(expected(nce, made, source), rel=1e-6),
            target: pytest.approx(expected(nce, same, real), rel=1e-6),
        }


def test_without_identity_the_target_domain_is_not_read() -> None:
    config = PatchNCE.Config(identity=False)
    assert config.requires == {"features"}
    assert PatchNCE.Config(identity=True).requires == {"features", "identity_features"}
    given = step(features(1), features(2)).seen_by("patch_nce", config.requires)
    assert loss(identity=False).generator(given).keys() == {"ab"}


def test_each_layer_is_read_once_and_has_a_head_of_its_own() -> None:
    shapes = {layer: (c, HEIGHT, WIDTH) for layer, c in CHANNELS.items()}
    nce = loss(shapes, layers=["stem", "deep", "stem"], width=7)
    assert nce.config.encoder_layers == ("stem", "deep")
    assert [tuple(weight.shape) for weight in nce.parameters()] == [
        *((7, 3), (7,), (7, 7), (7,)),
        *((7, 5), (7,), (7, 7), (7,)),
    ]


def test_its_gradient_reaches_what_was_made_and_the_heads_and_not_the_source() -> None:
    nce = loss(identity=True)
    sets = [features(seed) for seed in range(1, 5)]
    for one in sets:
        for feature in one.values():
            feature.requires_grad_()
    made, source, same, real = sets
    terms = nce.generator(step(made, source, identity=(same, real)))
    torch.stack(list(terms.values())).sum().backward()
    for read in (made, same):
        assert all(f.grad is not None and bool(f.grad.any()) for f in read.values())
    for fixed in (source, real):
        assert all(f.grad is None for f in fixed.values())
    assert all(w.grad is not None and bool(w.grad.any()) for w in nce.parameters())


def test_its_heads_learn_from_what_was_made_and_not_from_the_source() -> None:
    """As in the authors' code: what a source's vectors are is given, like labels."""
    nce = loss()
    made, source = features(1), features(2)
    nce.generator(step(made, source))["ab"].backward()

    def plain(*, fixed: bool) -> list[Tensor]:
        terms = []
        for layer, head in zip(CHANNELS, nce.heads, strict=True):
            v, key = (
                nn.functional.normalize(head(of[layer].flatten(2).mT), dim=2)
                for of in (made, source)
            )
            likeness = torch.exp(v @ (key.detach() if fixed else key).mT / 0.07)
            terms.append(-torch.log(likeness.diagonal(dim1=1, dim2=2) / likeness.sum(2)).mean())
        return list(torch.autograd.grad(torch.stack(terms).mean(), list(nce.parameters())))

    found = torch.cat([w.grad.flatten() for w in nce.parameters() if w.grad is not None])
    one_sided, two_sided = (
        torch.cat([g.flatten() for g in plain(fixed=fixed)]) for fixed in (True, False)
    )
    assert torch.allclose(found, one_sided, rtol=1e-4, atol=1e-6)
    assert not torch.allclose(found, two_sided, rtol=1e-1, atol=1e-3)


# With a head that gives back what it gets, and features that are alike at no two places


def identity_head(places: int, **settings: Any) -> PatchNCE:
    height = 4
    nce = loss({"image": (places, height, places // height)}, width=places, **settings)
    [head] = nce.heads
    for layer in head.children():
        if isinstance(layer, nn.Linear):
            nn.init.eye_(layer.weight)
            nn.init.zeros_(layer.bias)
    return nce


def one_hot(places: int) -> Tensor:
    return torch.eye(places).reshape(1, places, 4, places // 4)


@pytest.mark.parametrize("temperature", [0.07, 1.0])
@pytest.mark.parametrize("patches", [2, 5, 16])
def test_the_same_places_are_drawn_in_both_and_found_again(
    patches: int, temperature: float
) -> None:
    nce = identity_head(16, patches=patches, temperature=temperature)
    alike = {"image": one_hot(16)}
    term = nce.generator(step(alike, alike))["ab"].item()
    # v.v+ is 1 and v.v- is 0 for each of the other places.
    known = math.log1p((patches - 1) * math.exp(-1 / temperature))
    assert term == pytest.approx(known, rel=1e-4, abs=1e-6)
    if temperature == 0.07:
        assert term < 1e-4

    moved = {"image": one_hot(16).roll(1, dims=1)}  # no place resembles itself, one another
    far = identity_head(16, patches=16, temperature=temperature)
    term = far.generator(step(moved, alike))["ab"].item()
    assert term == pytest.approx(math.log(15 + math.exp(1 / temperature)), rel=1e-5)


def test_images_alike_confuse_it_only_where_negatives_come_from_the_whole_batch() -> None:
    alike = {"image": one_hot(16).expand(2, -1, -1, -1)}
    terms = {}
    for negatives in ("image", "batch"):
        nce = identity_head(16, patches=16, negatives=negatives)
        terms[negatives] = nce.generator(step(alike, alike))["ab"].item()
    assert terms["image"] < 1e-4
    assert terms["batch"] == pytest.approx(math.log(2), rel=1e-4)  # two places are equally right


def test_places_differ_from_step_to_step_and_follow_torchs_seed() -> None:
    nce = loss(patches=4)
    given = step(features(1), features(2))

    def terms(seed: int) -> list[float]:
        torch.manual_seed(seed)
        return [nce.generator(given)["ab"].item() for _ in range(3)]

    assert len(set(terms(0))) == 3
    assert terms(0) == terms(0)
    assert terms(0) != terms(1)


# What the generator's features must be


def test_more_patches_than_pixels_are_refused_with_the_layer_and_both_numbers() -> None:
    nce = PatchNCE(PatchNCE.Config(layers=("stem", "deep"), patches=13))
    with pytest.raises(ValueError, match=r"13 patches .* at layer 'deep' 4 x 3 = 12;"):
        nce.fit_to({"stem": (3, 6, 8), "deep": (5, 3, 4)})
    nce.fit_to({"stem": (3, 6, 8), "deep": (5, 13, 1)})


def test_its_settings_are_the_papers_and_both_presets_are_there() -> None:
    config = PatchNCE.Config()
    assert (config.patches, config.temperature, config.width) == (256, 0.07, 256)
    assert (config.weight, config.identity) == (1, True)
    assert PatchNCE.presets["cut"] == {"weight": 1, "identity": True}
    assert PatchNCE.presets["fastcut"] == {"weight": 10, "identity": False}
    assert PatchNCE.trainable
