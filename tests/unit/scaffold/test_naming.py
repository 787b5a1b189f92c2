from __future__ import annotations

import pytest

from gantrans.api.component import KINDS, ComponentRef
from gantrans.errors import UsageError
from gantrans.plugin.manager import load_registry
from gantrans.scaffold.naming import Naming, naming, refuse_claimed, refuse_hiding_a_module

BUILT_IN = load_registry(environ={"GANTRANS_PLUGINS": "none"})


def test_every_name_follows_from_kind_and_name() -> None:
    new = naming("loss", "keep_mean")

    assert new.distribution == "gantrans-keep-mean"
    assert new.package == "gantrans_keep_mean"
    assert new.class_name == "KeepMeanLoss"


def test_hyphens_become_underscores() -> None:
    assert naming("loss", "keep-mean") == Naming("loss", "keep_mean")


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [("loss", "tensor", "TensorLoss"), ("loss", "edge_loss", "EdgeLoss"), ("loss", "loss", "Loss")],
)
def test_a_class_ends_with_its_kind_once(kind: str, name: str, expected: str) -> None:
    assert naming(kind, name).class_name == expected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["a", "a1_2d", "a" * 40])
def test_what_is_taken_is_a_name_that_components_can_have(kind: str, name: str) -> None:
    new = naming(kind, name)

    ComponentRef(new.kind, new.name, "module:Class")
    assert new.class_name.isidentifier()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("KeepMean", "as in 'keepmean'"),
        ("keep mean", "as in 'keep_mean'"),
        ("2d", "as in 'd'"),
        ("_keep", "as in 'keep'"),
        ("keep_", "as in 'keep'"),
        ("keep__mean", "as in 'keep_mean'"),
        ("../keep", "as in 'keep'"),
        ("", "cannot be called ''"),
        ("größe", "as in 'gr_e'"),
        ("keep\n", "as in 'keep'"),
        ("a" * 41, "40 at most"),
        ("class", "Python's own"),
        ("hooks", "hook module"),
    ],
)
def test_other_names_are_refused_with_what_to_do(name: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        naming("loss", name)

    assert said in str(refused.value)


def test_an_unknown_kind_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="no kind 'los'; did you mean 'loss'"):
        naming("los", "keep_mean")


def test_a_name_that_a_built_in_has_is_refused() -> None:
    with pytest.raises(UsageError, match="the loss 'cycle' exists already, in gantrans "):
        refuse_claimed(naming("loss", "cycle"), BUILT_IN)


def test_another_kind_may_have_the_name() -> None:
    refuse_claimed(naming("tracker", "cycle"), BUILT_IN)


def test_a_file_does_not_hide_a_module() -> None:
    with pytest.raises(UsageError, match=r"random\.py would stand in the way"):
        refuse_hiding_a_module(naming("loss", "random"))
    refuse_hiding_a_module(naming("loss", "keep_mean"))
