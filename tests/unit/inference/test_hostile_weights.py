"""Weights files whose headers ask for more than the files hold: refused at once, at no cost."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from gantrans.errors import CheckpointError, GantransError
from gantrans.inference.weights import load_generator

resource = pytest.importorskip("resource")

SECONDS = 5
MEMORY = 100 * 2**20


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """No test hangs, or takes much memory."""

    def stop(*_: object) -> None:
        pytest.fail(f"it takes more than {SECONDS} s")

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert taken * 1024 < MEMORY


RESNET: dict[str, Any] = {"type": "resnet", "width": 4, "blocks": 1}
CHANGES: list[dict[str, Any]] = [
    *({"component": {**RESNET, "blocks": n}} for n in (0, 2, 3000, 10**6, 10**9, 10**100)),
    *({"component": {**RESNET, "width": n}} for n in (5, 10**6, 10**9, 10**18, 10**30)),
    *({"component": {**RESNET, "blocks": n}} for n in (-1, 0.5, "many", None, [], True)),
    *({"component": {**RESNET, "norm": {"type": "group", "groups": n}}} for n in (0, 10**30)),
    {"component": {**RESNET, "dropout": 2}},
    {"component": {**RESNET, "upsample": "../../etc/passwd"}},
    *({"component": {"type": "unet", "depth": n}} for n in (8, 20, 21, 10**6, 10**9)),
    {"component": {"type": "unet", "width": 10**9}},
    *({"in_channels": n} for n in (0, 1, 10**6, 10**12, 10**30, -3)),
    *({"out_channels": n} for n in (0, 1, 10**6, 10**12, 10**30, -3)),
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: json.dumps(change)[:60])
def test_a_header_that_asks_for_another_network_is_refused_cheaply(
    tmp_path: Path, make_generator: Any, make_header: Any, registry: Any, change: dict[str, Any]
) -> None:
    generator = make_generator()
    table = {**json.loads(make_header(generator).to_json()), **change}
    path = tmp_path / "g.safetensors"
    save_file(generator.state_dict(), path, metadata={"gantrans": json.dumps(table)})
    with pytest.raises(GantransError, match=r"g\.safetensors") as refused:
        load_generator(path, registry, "cpu")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda weight: weight.to(torch.int64),
        lambda weight: weight.to(torch.int8),
        lambda weight: weight > 0,
        lambda weight: weight.to(torch.complex64),
        lambda weight: weight[None],
        lambda weight: weight[:0],
        lambda weight: weight.flatten(),
    ],
    ids=["int64", "int8", "bool", "complex", "a side more", "empty", "flat"],
)
def test_weights_of_another_kind_or_shape_are_refused(
    tmp_path: Path,
    make_generator: Any,
    make_header: Any,
    registry: Any,
    spoil: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    generator = make_generator()
    tensors = dict(generator.state_dict())
    tensors["layers.1.weight"] = spoil(tensors["layers.1.weight"]).contiguous()
    path = tmp_path / "g.safetensors"
    save_file(tensors, path, metadata={"gantrans": make_header(generator).to_json()})
    with pytest.raises(CheckpointError, match=r"does not fit .*'layers\.1\.weight'"):
        load_generator(path, registry, "cpu")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floating_point_numbers_become_the_networks(
    tmp_path: Path, make_generator: Any, make_header: Any, registry: Any, dtype: torch.dtype
) -> None:
    generator = make_generator()
    tensors = {name: tensor.to(dtype) for name, tensor in generator.state_dict().items()}
    path = tmp_path / "g.safetensors"
    save_file(tensors, path, metadata={"gantrans": make_header(generator).to_json()})
    loaded, _ = load_generator(path, registry, "cpu")
    for name, tensor in loaded.state_dict().items():
        torch.testing.assert_close(tensor, tensors[name].float())


def test_counts_of_batch_norm_stay_integers(
    tmp_path: Path, make_header: Any, registry: Any
) -> None:
    config = registry.config("generator", "resnet", {"width": 4, "blocks": 1, "norm": "batch"})
    generator = config.build(in_channels=3, out_channels=3)
    header = {"gantrans": make_header(generator).to_json()}
    path = tmp_path / "g.safetensors"
    save_file(generator.state_dict(), path, metadata=header)
    load_generator(path, registry, "cpu")
    floats = {name: tensor.float() for name, tensor in generator.state_dict().items()}
    save_file(floats, path, metadata=header)
    with pytest.raises(CheckpointError, match=r"num_batches_tracked.*expected integers"):
        load_generator(path, registry, "cpu")
