from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gantrans.errors import SpecError
from gantrans.plugin.registry import Registry
from gantrans.spec.load import load
from gantrans.spec.schema import schema

ROOT = Path(__file__).parents[3]

VALID = """\
name = "all"
seed = 3
plugins = []
data = "seasons"
method = { type = "cyclegan", pool_size = 0 }
generator = { type = "resnet", norm = { type = "group", groups = 4 }, upsample = "nearest" }
discriminator = { type = "patchgan", norm = "none" }
domains = { a = "summer", b = "winter" }
init = { scheme = "kaiming", gain = 0.5 }
[losses]
adversarial = { objective = "hinge" }
cycle = "identity"
identity = { type = "cycle", weight = 2 }
mine = { type = "cycle" }
other = "cycle"
[metrics]
[trackers.jsonl]
[optimizer]
lr = 1
betas = [0.5, 0.9]
[train]
epochs = 3
decay_start = 1
"""


@pytest.fixture(scope="module")
def validator(builtins: Registry) -> Draft202012Validator:
    made = schema(builtins)
    Draft202012Validator.check_schema(made)
    return Draft202012Validator(made)


def loads(text: str) -> bool:
    try:
        load(tomllib.loads(text))
    except SpecError:
        return False
    return True


@pytest.fixture(autouse=True)
def only_builtins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANTRANS_PLUGINS", "none")


def test_a_spec_with_every_section_is_accepted_as_it_is_by_the_loader(
    validator: Draft202012Validator,
) -> None:
    assert loads(VALID)
    validator.validate(tomllib.loads(VALID))


def test_the_type_of_a_default_need_not_be_written(validator: Draft202012Validator) -> None:
    text = VALID.replace('type = "cyclegan", ', "").replace('type = "resnet", ', "")
    text = text.replace('type = "group", groups = 4', "affine = true")
    assert "affine" in text
    assert loads(text)
    validator.validate(tomllib.loads(text))


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("seed = 3", "sead = 3"),
        ("seed = 3", "seed = -1"),
        ("epochs = 3", "epoch = 3"),
        ("epochs = 3", "epochs = 0"),
        ("epochs = 3", "epochs = [3]"),
        ("epochs = 3", 'epochs = 3\nprecision = "fp16"'),
        ("epochs = 3", "epochs = 3\nema = 1.0"),
        ('data = "seasons"', ""),
        ('data = "seasons"', 'data = "season"'),
        ('data = "seasons"', "data = { size = 32 }"),
        ('data = "seasons"', 'data = { type = "seasons", sice = 32 }'),
        ('data = "seasons"', 'data = { type = "seasons", transform = { crob = 3 } }'),
        ("pool_size = 0", "pool_sice = 0"),
        ('type = "resnet", norm', "depth = 3, norm"),
        ('upsample = "nearest"', 'upsample = "near"'),
        ('scheme = "kaiming"', 'scheme = "kaming"'),
        ("gain = 0.5", "gain = 0"),
        ("groups = 4", "grops = 4"),
        ('type = "group", groups', 'type = "instance", groups'),
        ('type = "group", groups', "groups"),
        ('norm = "none"', 'norm = "nnone"'),
        ('norm = "none"', "norm = 3"),
        ('objective = "hinge"', 'objektive = "hinge"'),
        ('objective = "hinge"', "weight = -1"),
        ('mine = { type = "cycle" }', "mine = {}"),
        ('mine = { type = "cycle" }', 'mine = { type = "cycel" }'),
        ('mine = { type = "cycle" }', 'mine = { type = "cycle", wieght = 2 }'),
        ('{ type = "cycle", weight', '{ type = "cycle", objective'),
        ("betas = [0.5, 0.9]", "betas = [0.5]"),
        ("[trackers.jsonl]", "[trackers.json]"),
    ],
)
def test_what_the_loader_refuses_the_schema_refuses(
    good: str, bad: str, validator: Draft202012Validator
) -> None:
    assert good in VALID
    text = VALID.replace(good, bad)
    assert not loads(text)
    assert not validator.is_valid(tomllib.loads(text))


def test_every_reference_in_the_schema_leads_somewhere(builtins: Registry) -> None:
    made = schema(builtins)

    def references(part: Any) -> list[str]:
        if isinstance(part, list):
            return [r for item in part for r in references(item)]
        if not isinstance(part, dict):
            return []
        own = [part["$ref"]] if "$ref" in part else []
        return own + [r for item in part.values() for r in references(item)]

    assert {r.removeprefix("#/$defs/") for r in references(made)} <= made["$defs"].keys()
    assert "x-gantrans-kind" not in str(made)


def test_a_component_that_cannot_be_loaded_is_left_out(install: Any, hook: Any) -> None:
    from gantrans.plugin.manager import load_registry

    install("acme", hook("edge"))
    made = schema(load_registry(environ={}))
    assert "loss.edge" not in made["$defs"]
    assert "edge" not in made["properties"]["losses"]["properties"]
    assert "loss.cycle" in made["$defs"]


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/**/*.toml")), ids=lambda p: p.name)
def test_every_example_is_accepted(path: Path) -> None:
    loaded = load(path)
    Draft202012Validator(schema(loaded.registry)).validate(loaded.source.table)
