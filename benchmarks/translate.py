"""Images a second of translation alone: eager float32 against each lever that is added to it.

    python benchmarks/translate.py [--size 256] [--width 64] [--batches 1 4 16] [--compile]

The network is CycleGAN's ResNet-9, its weights as they are drawn; no file is read or written. All
run in turns, so that whatever else the machine does slows all of them down; medians of the turns.
On a CPU the network is small unless told otherwise, and compilation, which takes minutes there, is
left out unless asked for. About two minutes on two CPU cores.
"""

from __future__ import annotations

import argparse
import copy
import statistics
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gantrans.api.generator import Generator
from gantrans.inference.compilation import compile_network
from gantrans.inference.precision import Precision, running_in
from gantrans.plugin.manager import load_registry
from machine import machine, now

Lever = tuple[str, Precision, bool, bool]


@dataclass(frozen=True)
class Way:
    """A way to translate: its name, and what translates a batch."""

    name: str
    translate: Callable[[Tensor], Tensor]


def main() -> None:
    arguments = _arguments()
    device = torch.device(arguments.device)
    torch.manual_seed(0)
    config = load_registry().config("generator", "resnet", {"width": arguments.width, "blocks": 9})
    generator = config.build(in_channels=3, out_channels=3).eval().to(device)
    print(
        f"torch {torch.__version__}, {machine(device)}, ResNet-9 of width {arguments.width}, "
        f"{arguments.size} px"
    )
    print(f"{'batch':>5}  {'':32} {'images/s':>9} {'faster':>7}")
    for batch in arguments.batches:
        images = torch.rand(batch, 3, arguments.size, arguments.size, device=device) * 2 - 1
        ways = [_way(generator, *lever, device) for lever in _levers(device, arguments.compile)]
        seconds = compare(ways, images, arguments.repeats, device)
        for way, one in zip(ways, seconds, strict=True):
            print(
                f"{batch:5}  {way.name:32} {batch / one:9.2f} {seconds[0] / one:6.2f}x", flush=True
            )


@torch.inference_mode()
def compare(ways: list[Way], images: Tensor, repeats: int, device: torch.device) -> list[float]:
    """Median seconds a batch of each way."""
    for way in ways:  # the first calls compile, allocate, and choose kernels
        for _ in range(3 if device.type == "cuda" else 1):
            way.translate(images)
    taken: list[list[float]] = [[] for _ in ways]
    calls = 1 if device.type == "cpu" else 20
    for turn in range(repeats):
        order = list(range(len(ways)))
        for number in order if turn % 2 else reversed(order):
            began = now(device)
            for _ in range(calls):
                ways[number].translate(images)
            taken[number].append((now(device) - began) / calls)
    return [statistics.median(one) for one in taken]


def _levers(device: torch.device, compiling: bool | None) -> list[Lever]:
    """Each added to those before it, as far as the device has it."""
    cuda = device.type == "cuda"
    compiling = cuda if compiling is None else compiling
    levers: list[Lever] = [("eager fp32", "fp32", False, False)]
    if not cuda:  # bfloat16 takes a hundred times as long on a CPU without instructions for it
        compiled: list[Lever] = [("fp32, compiled", "fp32", False, True)] if compiling else []
        return [*levers, ("channels_last", "fp32", True, False), *compiled]
    levers += [
        ("tf32", "tf32", False, False),
        ("bf16", "bf16", False, False),
        ("bf16, channels_last", "bf16", True, False),
    ]
    if compiling:
        levers += [
            ("fp32, compiled", "fp32", False, True),
            ("bf16, compiled", "bf16", False, True),
            ("bf16, channels_last, compiled", "bf16", True, True),
        ]
    return levers


def _way(
    generator: Generator,
    name: str,
    precision: Precision,
    channels_last: bool,
    compiled: bool,
    device: torch.device,
) -> Way:
    network = copy.deepcopy(generator)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    network.to(memory_format=layout)  # type: ignore[call-overload]  # torch's stubs know constants
    if compiled:
        compile_network(network, device)

    def translate(images: Tensor) -> Tensor:
        if compiled and device.type == "cuda":
            torch.compiler.cudagraph_mark_step_begin()
        with running_in(precision, device):
            result: Tensor = network(images.contiguous(memory_format=layout))
        return result.float()

    return Way(name, translate)


def _arguments() -> argparse.Namespace:
    there = "cuda" if torch.cuda.is_available() else "cpu"
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default=there)
    parser.add_argument("--size", type=int, help="side in pixels; 256, on a CPU 128")
    parser.add_argument("--width", type=int, help="channels at full resolution; 64, on a CPU 16")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4, 16], help="images at once")
    parser.add_argument("--repeats", type=int, default=7, help="turns of each; medians are shown")
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, help="on CUDA: yes")
    found = parser.parse_args()
    small = found.device == "cpu"
    found.size = found.size or (128 if small else 256)
    found.width = found.width or (16 if small else 64)
    return found


if __name__ == "__main__":
    main()
