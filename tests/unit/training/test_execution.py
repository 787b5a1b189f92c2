from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._dynamo.utils import counters

from gantrans.api.normalizer import Normalizer
from gantrans.builtins.normalizers.batch import Batch
from gantrans.builtins.normalizers.group import Group
from gantrans.builtins.normalizers.instance import Instance
from gantrans.builtins.normalizers.layer import Layer
from gantrans.errors import GantransError, UsageError
from gantrans.inference import compilation
from gantrans.inference.precision import products_in
from gantrans.spec.model import Train
from gantrans.training import execution
from gantrans.training.execution import Execution, choose
from gantrans.training.in_use import in_use
from gantrans.training.step import TrainingStep
from tiny_run import steps_of, tiny_job

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that compiling does but the writing of C++, which takes a minute."""
    monkeypatch.setattr(compilation, "BACKEND", "aot_eager")


def test_by_default_a_cpu_computes_plain_float32() -> None:
    assert choose(Train(), CPU) == Execution(CPU, "fp32", compiled=False, channels_last=False)


def test_on_cuda_networks_are_compiled_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "cannot_compile", lambda device: "")
    chosen = choose(Train(), CUDA)
    assert chosen.compiled
    assert "torch compiles the networks" in " ".join(chosen.notes)
    assert not choose(Train(compile=False), CUDA).compiled


def test_a_machine_that_cannot_compile_trains_uncompiled_and_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(execution, "cannot_compile", lambda device: "no compiler found")
    chosen = choose(Train(), CUDA)
    assert not chosen.compiled
    assert "no compiler found" in chosen.notes[0]
    with pytest.raises(UsageError, match=r"no compiler found.*set train.compile = false"):
        choose(Train(compile=True), CUDA)


def test_whether_torch_can_compile_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compilation.cannot_compile(CPU) == ""

    def broken(*_: Any) -> Any:
        raise RuntimeError("no compiler found\nmore of it")

    torch.compiler.reset()
    monkeypatch.setattr(compilation, "BACKEND", broken)
    assert "no compiler found" in compilation.cannot_compile(CPU)


@pytest.mark.parametrize(("capability", "said"), [((7, 5), True), ((8, 0), False)])
def test_a_gpu_without_the_precision_is_said_to_gain_nothing(
    capability: tuple[int, int], said: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    for precision in ("tf32", "bf16"):
        notes = choose(Train(precision=precision, compile=False), CUDA).notes
        assert bool(notes) is said


def test_tf32_on_a_cpu_is_said_to_be_float32() -> None:
    [note] = choose(Train(precision="tf32"), CPU).notes
    assert "on cpu it is 'fp32'" in note


def test_channels_last_is_refused_where_gradients_would_be_wrong() -> None:
    with pytest.raises(UsageError, match="for CUDA"):
        choose(Train(channels_last=True), CPU)
    assert choose(Train(channels_last=True, compile=False), CUDA).channels_last


def test_channels_last_lays_out_networks_and_images() -> None:
    network = nn.Conv2d(3, 8, 3)
    chosen = Execution(CPU, "fp32", compiled=False, channels_last=True)
    chosen.prepare([network])
    image = torch.rand(2, 3, 8, 8)
    laid = chosen.lay_out(image)
    assert network.weight.is_contiguous(memory_format=torch.channels_last)
    assert laid.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(laid, image)


def test_moments_are_taken_up_in_the_layout_of_their_weights() -> None:
    """A checkpoint holds them contiguous, and a fused Adam goes through both as they lie."""
    step = TrainingStep(tiny_job())
    step(0, steps_of(step.job, 1)[0])
    networks = {name: copy.deepcopy(n.state_dict()) for name, n in step.for_use().items()}
    state = {key: value.clone() for key, value in step.state().items()}
    other = TrainingStep(tiny_job())
    for network in other.method.networks.values():
        network.to(memory_format=torch.channels_last)
    other.load_state(networks, state)
    for optimizer in other.optimizers.values():
        for weight, moments in optimizer.state.items():
            assert moments["exp_avg"].stride() == weight.stride()
    taken = other.state()
    assert all(torch.equal(taken[key], value) for key, value in state.items())


@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16"])
def test_only_tf32_shortens_products_and_only_as_long_as_it_lasts(precision: Any) -> None:
    def flags() -> tuple[bool, bool, bool]:
        cudnn = torch.backends.cudnn
        return torch.backends.cuda.matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark

    before = flags()
    with products_in(precision, tuned=True):
        assert flags() == (precision == "tf32", precision == "tf32", True)
    assert flags() == before


def test_every_form_of_a_network_is_compiled_once_and_evaluation_compiles_nothing() -> None:
    torch.compiler.reset()
    counters.clear()
    job = tiny_job(train={"compile": True, "ema": 0.9})
    step = TrainingStep(job)
    first, second, third = steps_of(job, 3)
    step(0, first)
    graphs = counters["stats"]["unique_graphs"]
    # Generators on 2 images and on 1 that needs a gradient; discriminators frozen, and trained.
    assert graphs == 1 + 4  # and what tries whether torch can compile
    step(1, second)
    with in_use(step.for_use().values()):
        for side in (32, 40):
            for network in (*step.translators().values(), *job.method.generators.values()):
                network(torch.zeros(1, 3, side, side))
    step(2, third)
    assert counters["stats"]["unique_graphs"] == graphs
    assert not counters["graph_break"]


def test_the_features_of_a_generator_are_compiled_too() -> None:
    torch.compiler.reset()
    counters.clear()
    losses = {
        "adversarial": {},
        "patch_nce": {"layers": ["down1", "block1"], "patches": 16, "width": 8},
        "cycle": None,
        "identity": None,
    }
    spec: dict[str, Any] = {"method": "cut", "losses": losses}
    plain, compiled = (
        TrainingStep(tiny_job(**spec, train={"compile": wanted})) for wanted in (False, True)
    )
    [batches] = steps_of(plain.job, 1)
    expected, found = plain(0, batches), compiled(0, batches)
    for curve, term in expected.items():
        assert found[curve].item() == pytest.approx(term.item(), rel=1e-4), curve
    assert not counters["graph_break"]
    assert counters["stats"]["unique_graphs"] >= 5


@pytest.mark.parametrize("loss", ["r1", "gradient_penalty"])
def test_a_gradient_penalty_is_differentiated_twice_though_networks_are_compiled(
    loss: str,
) -> None:
    plain, compiled = (
        TrainingStep(tiny_job(losses={loss: {}}, train={"compile": wanted}))
        for wanted in (False, True)
    )
    [batches] = steps_of(plain.job, 1)
    expected, found = plain(0, batches), compiled(0, batches)
    for curve, term in expected.items():
        assert found[curve].item() == pytest.approx(term.item(), rel=1e-4), curve


def test_what_cannot_be_compiled_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("no such instruction")

    job = tiny_job(train={"compile": True})
    step = TrainingStep(job)
    torch.compiler.reset()
    monkeypatch.setattr(compilation, "BACKEND", broken)
    step.execution.prepare(job.method.networks.values())
    with pytest.raises(GantransError, match=r"no such instruction.*set train.compile = false"):
        step(0, steps_of(job, 1)[0])


@pytest.mark.parametrize(
    "normalizer", [Instance, Group, Layer, Batch], ids=lambda normalizer: normalizer.name
)
def test_in_bf16_statistics_of_normalisations_are_float32(normalizer: type[Normalizer]) -> None:
    """In bfloat16, which has 8 bits, a mean of 100 would be off by up to 0.25, and some variances
    by all there is."""
    norm = normalizer.Config().build().layer(4)
    x = (100 + 4 * torch.randn(1, 4, 32, 32, generator=torch.Generator().manual_seed(0))).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        found = norm(x)
    exact = copy.deepcopy(norm).double()(x.double())
    assert _error(found, exact) < 0.01  # what is given is bfloat16 again, of 8 bits


def _error(found: Tensor, exact: Tensor) -> float:
    return float((found.double() - exact).detach().norm() / exact.detach().norm())
