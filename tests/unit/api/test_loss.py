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
