from __future__ import annotations

from typing import Any

import pytest

import gantrans


@pytest.mark.parametrize(
    ("named", "said"),
    [("fake", "write a set"), ({"real", "fake"}, "leave out 'real', which is always there")],
)
def test_what_a_loss_cannot_require_is_said_when_its_class_is_defined(
    named: Any, said: str
) -> None:
    with pytest.raises(TypeError, match=said):

        class Wrong(gantrans.Loss):
            """Names what it reads in a wrong way."""

            name = "wrong"
            requires = named


def test_a_loss_reads_no_features_and_is_not_trained_unless_it_says_so() -> None:
    class Plain(gantrans.Loss):
        """Says nothing."""

        name = "plain"

    loss = Plain(Plain.Config())
    assert loss.config.encoder_layers == ()
    assert not loss.trainable
    loss.fit_to({"stem": (3, 8, 8)})
    assert list(loss.parameters()) == []
