"""Images a second of one process, and of several that share the same machine.

    python benchmarks/scaling.py [--sizes 64 128] [--repeats 3] [--processes 2] [--batch 1]

On a CPU: one process with as many threads as there are processes in the other row, and those with
one thread each; both train on the same batches. "share" is what the processes reach of the threads.
On GPUs: one GPU, and all of them with as many images each; "share" is what they reach of as many
times one. Both are whole runs of `gantrans run`, started as the documentation says, in turns;
the numbers are those of metrics.jsonl, without the first report of each run. About ten minutes on
two CPU cores.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from machine import machine

WIDTHS = {64: 16, 128: 32}
SPEC = """\
[data]
type = "seasons"
size = {size}
train = 16
test = 1
workers = 0

[generator]
type = "resnet"
width = {width}
blocks = 6

[discriminator]
type = "patchgan"
width = {width}

[losses.adversarial]
[losses.cycle]
[losses.identity]

[train]
epochs = {epochs}
batch_size = {batch}
log_every = {every}
sample_every = 0
evaluate_every = 0
checkpoint_every = 0
"""
REPORTS = 4
"""Of each run; the first of them is not counted."""


def main() -> None:
    arguments = _arguments()
    gpus = torch.cuda.device_count()
    many = arguments.processes or gpus or 2
    torch.set_num_threads(many)
    where = f"{gpus} x " if gpus else ""
    device = torch.device("cuda" if gpus else "cpu")
    print(f"torch {torch.__version__}, {where}{machine(device)}, {arguments.batch} images each")
    print(f"{'px':>4} {'width':>5} {'1 process':>10} {f'{many} processes':>12} {'share':>6}")
    for size in arguments.sizes:
        width = WIDTHS.get(size, 64)
        found: dict[int, list[float]] = {1: [], many: []}
        for turn in range(arguments.repeats):
            for processes in found if turn % 2 else reversed(found):
                batch = arguments.batch * (processes if gpus else many)
                found[processes].append(images_per_second(size, width, batch, processes, many))
        one, several = (statistics.median(found[processes]) for processes in (1, many))
        share = several / one / (many if gpus else 1)
        print(f"{size:4} {width:5} {one:10.2f} {several:12.2f} {share:6.2f}", flush=True)


def images_per_second(size: int, width: int, batch: int, processes: int, cores: int) -> float:
    """Of both domains together: the median of the reports of one run."""
    every = 20 if torch.cuda.is_available() else max(2, 640 // size)
    steps_an_epoch = -(-16 // batch)
    epochs = -(-REPORTS * every // steps_an_epoch)
    torchrun = ("-m", "torch.distributed.run", f"--nproc-per-node={processes}")
    with tempfile.TemporaryDirectory() as folder:
        text = SPEC.format(size=size, width=width, batch=batch, epochs=epochs, every=every)
        spec = Path(folder) / "scaling.toml"
        spec.write_text(text)
        subprocess.run(
            [
                *(sys.executable, *(torchrun if processes > 1 else ())),
                *("-m", "gantrans", "run", spec, "--run-dir", Path(folder) / "run"),
            ],
            env={**os.environ, "OMP_NUM_THREADS": str(cores // processes)},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        lines = (Path(folder) / "run" / "metrics.jsonl").read_text().splitlines()
    paces = [json.loads(line).get("images_per_second") for line in lines]
    return statistics.median([pace for pace in paces if pace is not None][1:REPORTS])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128], help="sides in pixels")
    parser.add_argument("--repeats", type=int, default=3, help="turns of each; medians are shown")
    parser.add_argument("--processes", type=int, help="default: as many as GPUs, or 2")
    parser.add_argument("--batch", type=int, default=1, help="images of each domain a process")
    return parser.parse_args()


if __name__ == "__main__":
    main()
