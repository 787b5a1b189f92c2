"""Translating in less precision, and compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from gantrans.errors import UsageError
from gantrans.inference import compilation
from gantrans.inference.translator import Translator, load

IMAGES = torch.rand(2, 3, 32, 48, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.fixture
def winter(tmp_path: Path, save: Callable[..., Any]) -> Callable[..., Translator]:
    save(tmp_path / "g.safetensors", "ab")

    def loaded(**options: Any) -> Translator:
        return load(tmp_path / "g.safetensors", device="cpu", **options)

    return loaded


@pytest.fixture
def eagerly(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is compiled is what torch saw of it, which is run as it is: that takes no minutes."""
    monkeypatch.setattr(compilation, "BACKEND", "eager")
    yield
    torch.compiler.reset()


def test_bf16_differs_a_little_and_gives_float32(winter: Callable[..., Translator]) -> None:
    exact = winter().translate_tensor(IMAGES)
    rough = winter(precision="bf16").translate_tensor(IMAGES)
    assert rough.dtype == exact.dtype == torch.float32
    assert 0 < (rough - exact).abs().max() < 0.05


def test_tf32_is_fp32_on_a_cpu(winter: Callable[..., Translator]) -> None:
    found = winter(precision="tf32").translate_tensor(IMAGES)
    torch.testing.assert_close(found, winter().translate_tensor(IMAGES), rtol=0, atol=0)


def test_an_unknown_precision_is_refused(winter: Callable[..., Translator]) -> None:
    with pytest.raises(UsageError, match=r"no precision 'fp8' \(there are: fp32, tf32, bf16\)"):
        winter(precision="fp8")


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_compiled_network_translates_as_ever(
    winter: Callable[..., Translator], precision: str
) -> None:
    expected = winter(precision=precision).translate_tensor(IMAGES)
    translator = winter(precision=precision, compile=True)
    [generator] = translator.generators.values()
    assert generator._compiled_call_impl is not None
    for images in (IMAGES, IMAGES[..., :40]):  # of another size, and padded
        translator.translate_tensor(images)
    torch.testing.assert_close(translator.translate_tensor(IMAGES), expected, rtol=0, atol=1e-6)


def test_where_torch_cannot_compile_that_is_said_at_once(
    winter: Callable[..., Translator], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(graph: Any, inputs: Any) -> Any:
        raise RuntimeError("no working C++ compiler found")

    monkeypatch.setattr(compilation, "BACKEND", none)
    with pytest.raises(UsageError, match=r"cannot compile here \(.*no working C\+\+ compiler"):
        winter(compile=True)
