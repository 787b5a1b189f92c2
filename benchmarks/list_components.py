"""Seconds that `gantrans list-components` takes, from the start of the process to its end.

    python benchmarks/list_components.py [--components 200] [--plugins 20] [--repeats 15]

Dummy plugins are put into a temporary folder, each a distribution with an entry point and a hook
module; a component's own code is not there, since listing must not import it. Beside it stand what
nobody can save: an empty Python, and the imports of typer and pydantic. All run in turns, so that
whatever else the machine does slows all down. About a minute.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CASES = {
    "python -c pass": ["-c", "pass"],
    "import typer, pydantic": ["-c", "import typer.main, pydantic.main, pydantic.json_schema"],
    "gantrans --help": ["-m", "gantrans", "--help"],
    "gantrans list-components": ["-m", "gantrans", "list-components"],
    "gantrans list-components --json": ["-m", "gantrans", "list-components", "--json"],
}


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as site:
        for number in range(arguments.plugins):
            count = arguments.components // arguments.plugins
            install(Path(site), f"dummy-{number}", [f"dummy_{number}_{i}" for i in range(count)])
        environ = {**os.environ, "PYTHONPATH": site}
        found = sum(
            line.startswith("  dummy_")
            for line in _run(CASES["gantrans list-components"], environ).splitlines()
        )
        print(f"Python {platform.python_version()}, {found} dummies of {arguments.plugins} plugins")
        taken: dict[str, list[tuple[float, float]]] = {case: [] for case in CASES}
        for _ in range(arguments.repeats):
            for case, command in CASES.items():
                wall, cpu = time.perf_counter(), _cpu_of_children()
                _run(command, environ)
                taken[case].append((time.perf_counter() - wall, _cpu_of_children() - cpu))
    print(f"{'seconds':32} {'median':>8} {'least':>8} {'least CPU':>10}")
    for case, times in taken.items():
        walls, cpus = zip(*times, strict=True)
        print(f"{case:32} {statistics.median(walls):8.3f} {min(walls):8.3f} {min(cpus):10.3f}")


def install(site: Path, name: str, losses: list[str]) -> None:
    """A plugin, as pip would leave it."""
    module = f"{name.replace('-', '_')}_hooks"
    refs = [f"ComponentRef('loss', {loss!r}, '{module}_code:Loss', 'a dummy')" for loss in losses]
    (site / f"{module}.py").write_text(
        "from gantrans import ComponentRef, hookimpl\n\napi_version = 1\n\n\n"
        f"@hookimpl\ndef gantrans_components():\n    return [{', '.join(refs)}]\n"
    )
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[gantrans]\n{name} = {module}\n")


def _cpu_of_children() -> float:
    used = os.times()
    return used.children_user + used.children_system


def _run(command: list[str], environ: dict[str, str]) -> str:
    ended = subprocess.run(
        [sys.executable, *command], env=environ, capture_output=True, text=True, check=True
    )
    return ended.stdout


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--components", type=int, default=200, help="dummy components")
    parser.add_argument("--plugins", type=int, default=20, help="distributions that bring them")
    parser.add_argument("--repeats", type=int, default=15, help="turns of each")
    return parser.parse_args()


if __name__ == "__main__":
    main()
