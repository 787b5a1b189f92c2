"""What a training step of each method costs, with equal networks: seconds, and memory.

    python benchmarks/method_cost.py [--size 128] [--width 64] [--blocks 9] [--sampling stride]

CycleGAN is 100 %. The methods are timed in turns in one process, so that whatever else the machine
does slows all of them down; medians are shown. Memory is the peak of a process of its own that
trains two steps, less what the process had after building nothing: networks, optimizers' moments,
activations and gradients (on a GPU: the peak that torch allocated; otherwise Linux is needed, which
tells the peak of a process). About eight minutes on two CPU cores.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from gantrans.spec.load import load
from gantrans.training.assemble import Job, assemble
from gantrans.training.batch import LoadedBatch
from gantrans.training.data import training_batches
from gantrans.training.step import TrainingStep
from machine import machine, now

LSGAN: dict[str, Any] = {"adversarial": {"objective": "lsgan"}}
METHODS: dict[str, dict[str, Any]] = {
    "cyclegan": {"method": "cyclegan", "losses": {**LSGAN, "cycle": {}, "identity": {}}},
    "cut": {"method": "cut", "losses": {**LSGAN, "patch_nce": {"preset": "cut"}}},
    "fastcut": {
        "method": {"type": "cut", "preset": "fastcut"},
        "losses": {**LSGAN, "patch_nce": {"preset": "fastcut"}},
    },
    "pix2pix": {"method": "pix2pix", "losses": {**LSGAN, "l1": {}}},
}


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    if arguments.memory_of:
        print(json.dumps(_memory(arguments, arguments.memory_of)))
        return
    device = _device()
    print(
        f"torch {torch.__version__}, {machine(device)}; {arguments.size} px, batch 1, resnet of "
        f"width {arguments.width} with {arguments.blocks} blocks, {arguments.sampling}"
    )
    seconds = _seconds(arguments, device)
    memory = {name: _in_a_process_of_its_own(name) for name in METHODS}
    print(f"{'':10} {'s/step':>8} {'of cyclegan':>12} {'MiB':>8} {'of cyclegan':>12}")
    for name in METHODS:
        time_share = seconds[name] / seconds["cyclegan"]
        memory_share = memory[name] / memory["cyclegan"]
        print(
            f"{name:10} {seconds[name]:8.3f} {time_share:12.0%} {memory[name] / 2**20:8.0f} "
            f"{memory_share:12.0%}"
        )


def _job(arguments: argparse.Namespace, name: str, device: torch.device) -> Job:
    blur = arguments.sampling == "blur"
    sampling = {"downsample": "blur"} if blur else {}
    return assemble(
        load(
            {
                **METHODS[name],
                "data": {
                    "type": "seasons",
                    "size": arguments.size,
                    "train": 4,
                    "test": 0,
                    "workers": 0,
                    "pairs": True,
                },
                "generator": {
                    "type": "resnet",
                    "width": arguments.width,
                    "blocks": arguments.blocks,
                    "upsample": "blur" if blur else "transpose",
                    **sampling,
                },
                "discriminator": {"type": "patchgan", "width": arguments.width, **sampling},
                "metrics": {},
            }
        ),
        device,
    )


def _batches(job: Job) -> list[LoadedBatch]:
    return list(
        training_batches(job.samples, batch_size=1, first=0, last=4, workers=0, pin_memory=False)
    )


def _seconds(arguments: argparse.Namespace, device: torch.device) -> dict[str, float]:
    jobs = {name: _job(arguments, name, device) for name in METHODS}
    steps = {name: TrainingStep(job) for name, job in jobs.items()}
    batches = {name: _batches(job) for name, job in jobs.items()}
    taken: dict[str, list[float]] = {name: [] for name in METHODS}
    # The first turn allocates and chooses kernels, and is not counted. FastCUT mirrors its input in
    # half of the steps, which costs a little more, so there are several.
    for turn in range(arguments.repeats + 1):
        for name, step in steps.items():
            began = now(device)
            step(turn, [batches[name][turn % 4]])
            if turn:
                taken[name].append(now(device) - began)
    return {name: statistics.median(all_of_it) for name, all_of_it in taken.items()}


def _in_a_process_of_its_own(name: str) -> int:
    command = [sys.executable, __file__, *sys.argv[1:], "--memory-of", name]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: int = json.loads(done.stdout.splitlines()[-1])
    return found


def _memory(arguments: argparse.Namespace, name: str) -> int:
    """Bytes at the peak of two steps."""
    device = _device()
    before = _peak(device)
    job = _job(arguments, name, device)
    step = TrainingStep(job)
    for number, batch in enumerate(_batches(job)[:2]):
        step(number, [batch])
    return _peak(device) - before


def _peak(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    # Not getrusage: on Linux a process begins with the peak of the one that started it.
    status = Path("/proc/self/status").read_text()
    return 1024 * int(next(line.split()[1] for line in status.splitlines() if "VmHWM" in line))


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", type=int, default=128, help="side of the images, in pixels")
    parser.add_argument("--width", type=int, default=64, help="channels at full resolution")
    parser.add_argument("--blocks", type=int, default=9, help="residual blocks")
    parser.add_argument(
        "--sampling", choices=("stride", "blur"), default="stride", help="plain, or antialiased"
    )
    parser.add_argument("--repeats", type=int, default=9, help="turns of each; medians are shown")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads")
    parser.add_argument("--memory-of", choices=tuple(METHODS), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
