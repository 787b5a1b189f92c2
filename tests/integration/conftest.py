from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gantrans.cli import main
from processes import Launcher
from serving_process import Running, serving

SPEC = """\
name = "tiny"
seed = 7

[domains]
a = "summer"
b = "winter"

[method]
type = "cyclegan"
pool_size = 3

[data]
type = "seasons"
size = 16
train = 6
test = 2
workers = 0

[generator]
type = "resnet"
width = 2
blocks = 1

[discriminator]
type = "patchgan"
width = 2
layers = 1

[losses.adversarial]
[losses.cycle]

[train]
epochs = 2
log_every = 1
sample_every = 0
evaluate_every = 0
checkpoint_every = 2
samples = 1
"""
"""Twelve steps of a few milliseconds."""

NCE = '[losses.patch_nce]\nlayers = ["image", "down1", "block1"]\npatches = 9\nwidth = 4\n'
ONE_WAY = {
    "pix2pix": ('type = "pix2pix"', "[losses.l1]\n", "pairs = true\n"),
    "cut": ('type = "cut"', NCE, ""),
    "fastcut": ('type = "cut"\npreset = "fastcut"', NCE + 'preset = "fastcut"\n', ""),
}
"""By method: its table, its loss instead of the cycle's, and what it needs of the data."""


@pytest.fixture(scope="session")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """One for all tests of a session."""
    folder = tmp_path_factory.mktemp("processes")
    (folder / "tiny.toml").write_text(SPEC)
    with subprocess.Popen(
        [sys.executable, Path(__file__).with_name("launcher.py"), folder / "tiny.toml"],
        # The last as `gantrans` itself sets it under torchrun, before it imports torch.
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "GANTRANS_PLUGINS": "none",
            "TORCH_CPP_LOG_LEVEL": "ERROR",
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        yield Launcher(server, folder)


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """`gantrans ARGUMENTS...` in this process, in an empty folder: exit code, output, errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main(arguments)
        shown = capsys.readouterr()
        return int(end.value.code or 0), shown.out, shown.err

    return run


@pytest.fixture(scope="session")
def tiny() -> str:
    """The text of `spec`."""
    return SPEC


@pytest.fixture(scope="module", params=ONE_WAY)
def one_way(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same spec, not to be changed, for each method that translates one way (to winter)."""
    method, loss, data = ONE_WAY[request.param]
    text = SPEC.replace('type = "cyclegan"\npool_size = 3', method)
    text = text.replace("[losses.cycle]\n", loss).replace("size = 16\n", f"size = 16\n{data}")
    path = tmp_path_factory.mktemp(request.param) / "one-way.toml"
    path.write_text(text)
    return path


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A spec that trains in a fraction of a second."""
    path = tmp_path / "tiny.toml"
    path.write_text(SPEC)
    return path


@pytest.fixture(scope="module")
def server(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A process of `gantrans serve`."""
    with serving(launcher, tmp_path_factory.mktemp("serve")) as running:
        yield running
