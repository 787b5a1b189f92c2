from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from gantrans.api.transform import Transform
from gantrans.plugin.registry import Registry
from gantrans.spec.model import Domains, Optimizer, RunSpec, Train

FULL: dict[str, Any] = {
    "name": "every-section",
    "seed": 2**62,
    "domains": {"a": "summer", "b": "winter"},
    "method": {"type": "cyclegan", "pool_size": 3},
    "data": {"type": "seasons", "size": 32, "transform": {"crop": 32, "flip": False}},
    "generator": {"type": "resnet", "norm": {"type": "group", "groups": 4}},
    "discriminator": {"type": "patchgan", "norm": "none", "pool": "mean"},
    "losses": {
        "adversarial": {"objective": "hinge"},
        "back": {"type": "cycle", "weight": 7.5, "every": 2},
    },
    "metrics": {"ssim": {}},
    "trackers": {},
    "optimizer": {"betas": [0.0, 0.99], "clip_norm": 1.0},
    "train": {"epochs": 3, "precision": "bf16"},
}


def spec(registry: Registry, table: dict[str, Any] = FULL) -> RunSpec:
    return RunSpec.model_validate(table, context={"components": registry})


def test_a_spec_survives_the_way_through_json(builtins: Registry) -> None:
    first = spec(builtins)
    again = spec(builtins, json.loads(json.dumps(first.model_dump(mode="json"))))
    assert again == first


def test_a_dump_holds_every_setting_of_every_component(builtins: Registry) -> None:
    """A field typed as a base class could be dumped as that base class: without its settings."""
    dumped = spec(builtins).model_dump(mode="json")
    resnet = {"type": "resnet", "width": 64, "blocks": 9, "halvings": 2, "dropout": 0.0}
    resnet |= {"downsample": "stride", "upsample": "transpose"}
    assert dumped["generator"] == resnet | {"norm": {"type": "group", "groups": 4}}
    cycle = {"type": "cycle", "weight": 7.5, "every": 2, "start": 0, "ramp": 0}
    assert dumped["losses"]["back"] == cycle
    still = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}
    assert dumped["data"]["transform"] == {
        "resize": None,
        "resize_mode": "shorter",
        "crop": 32,
        "flip": False,
        "rotate": False,
        "zoom": None,
        "jitter": still,
        "a": None,
        "b": None,
    }
    assert dumped["data"]["size"] == 32
    assert next(iter(dumped["generator"])) == "type"


def test_specs_that_differ_in_one_setting_of_a_component_are_unequal(builtins: Registry) -> None:
    other = {**FULL, "discriminator": {"type": "patchgan", "norm": "batch", "pool": "mean"}}
    assert spec(builtins, other) != spec(builtins)


def test_the_key_of_a_loss_is_its_type_unless_it_says_otherwise(builtins: Registry) -> None:
    losses = spec(builtins).losses
    assert losses["adversarial"].component.name == "adversarial"
    assert losses["back"].component.name == "cycle"


def frozen_parts(registry: Registry) -> Iterator[tuple[BaseModel, str]]:
    run = spec(registry)
    yield run, "seed"
    yield run.train, "epochs"
    yield run.domains, "a"
    yield run.optimizer, "lr"
    yield run.data.transform, "crop"
    yield run.losses["back"], "weight"


def test_a_spec_is_frozen(builtins: Registry) -> None:
    for part, key in frozen_parts(builtins):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(part, key, getattr(part, key))


@pytest.mark.parametrize("section", [RunSpec, Domains, Optimizer, Train, Transform])
def test_every_section_forbids_unknown_keys(section: type[BaseModel]) -> None:
    assert section.model_config["extra"] == "forbid"
    assert section.model_config["frozen"] is True


def test_every_component_forbids_unknown_keys_and_is_frozen(builtins: Registry) -> None:
    for entry in builtins:
        config = builtins.config_class(entry.ref.kind, entry.ref.name)
        assert config.model_config["extra"] == "forbid", entry.ref
        assert config.model_config["frozen"] is True, entry.ref


@pytest.mark.parametrize(
    ("section", "wrong"),
    [
        (Domains, {"a": "x/y"}),
        (Domains, {"a": ""}),
        (Domains, {"a": "same", "b": "same"}),
        (Domains, {"a": "a", "b": "a "}),
        (Domains, {"a": " a"}),
        (Domains, {"a": "late summer", "b": "late  summer"}),
        (Domains, {"a": "Summer", "b": "summer"}),
        (Domains, {"a": "\N{FULLWIDTH LATIN SMALL LETTER A}", "b": "a"}),
        (Domains, {"a": "sum\tmer"}),
        (Domains, {"a": "sum\x1b[2Jmer"}),
        (Domains, {"a": "summer\n"}),
        (Train, {"epochs": 10**30}),
        (Optimizer, {"lr": 0}),
        (Optimizer, {"lr": float("inf")}),
        (Optimizer, {"betas": [0.5, 1.0]}),
        (Optimizer, {"betas": [0.5]}),
        (Train, {"precision": "fp16"}),
        (Train, {"ema": 1.0}),
        (Train, {"log_every": 0}),
        (Train, {"keep_last": 0}),
        (Train, {"keep_best": True}),
        (Train, {"ema": False}),
        (Optimizer, {"betas": [False, 0.5]}),
    ],
)
def test_values_that_cannot_mean_anything_are_refused(
    section: type[BaseModel], wrong: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        section(**wrong)
