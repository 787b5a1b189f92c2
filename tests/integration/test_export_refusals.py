"""`gantrans export` with what it cannot do: one message each, and nothing left behind."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import gantrans
from export_command import FORMATS, gantrans_export, refusal_of, save, save_both
from gantrans.errors import CheckpointError, GantransError, NonFiniteError, PluginError, UsageError
from gantrans.inference.export import export as exporting
from gantrans.inference.export import onnx, torch_export
from gantrans.inference.weights import read_header, save_weights

GENERATORS = """\
import torch
import gantrans


class Plain(gantrans.Generator):
    "Gives what it gets."
    name = "plain"

    def __init__(self, config, *, in_channels, out_channels):
        super().__init__(config, in_channels=in_channels, out_channels=out_channels)
        self.scale = torch.nn.Parameter(torch.ones(()))

    def forward(self, x):
        return self.scale * x


class Noisy(Plain):
    "Draws random numbers."
    name = "noisy"

    def forward(self, x):
        return torch.tanh(super().forward(x) + torch.randn_like(x))


class Branching(Plain):
    "Decides by the values of an image."
    name = "branching"

    def forward(self, x):
        return x if x.mean() > 0 else -x


class Sized(Plain):
    "Decides by the size of an image."
    name = "sized"

    def forward(self, x):
        return x if x.shape[2] < 100 else -x


class Bessel(Plain):
    "Does what ONNX has no word for."
    name = "bessel"

    def forward(self, x):
        return torch.special.bessel_j0(x)
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Translates both ways."""
    return save_both(tmp_path_factory.mktemp("model"))


@pytest.fixture
def own(tmp_path: Path) -> Callable[[str], tuple[Path, str, Path]]:
    """The arguments for a model whose generator is one of GENERATORS."""
    plugin = tmp_path / "own.py"
    plugin.write_text(GENERATORS)

    def make(name: str) -> tuple[Path, str, Path]:
        recorded = {"name": "own.py", "sha256": "0"}
        path = tmp_path / f"{name}.safetensors"
        save(path, "a", "b", component={"type": name}, plugin=recorded, plugin_file=plugin)
        return path, "--plugin", plugin

    return make


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_that_gives_other_pictures_fails_and_the_earlier_file_stays(own, tmp_path, form):
    out = tmp_path / FORMATS[form]
    out.write_bytes(b"as before")
    before = sorted([*tmp_path.iterdir(), tmp_path / "noisy.safetensors"])
    result = gantrans_export(*own("noisy"), "--format", form, "--out", out, "--overwrite")
    assert isinstance(result.exception, GantransError)
    assert result.exception.exit_code == 1
    assert re.fullmatch(
        r"the exported generator 'noisy' gives another picture than the original: on 2 images of "
        r"64 x 64 the largest difference is [\d.]+, and 0\.001 is allowed; .*random numbers.*",
        str(result.exception),
    )
    assert out.read_bytes() == b"as before"
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("branching", "Could not guard on data-dependent expression"),
        ("sized", r"Constraints violated \(height\)"),
        ("bessel", "No ONNX function found for .*bessel_j0.*; use --format torch-export"),
    ],
)
def test_a_generator_that_has_no_such_graph_is_named_with_the_first_reason(
    own, tmp_path, name, reason, capfd
):
    result = gantrans_export(*own(name), "--out", tmp_path / "winter.onnx")
    assert isinstance(result.exception, GantransError)
    assert result.exception.exit_code == 1
    message = str(result.exception)
    assert re.match(f"the generator '{name}' cannot be exported: {reason}", message)
    assert "\n" not in message
    assert result.output == ""
    assert capfd.readouterr() == ("", "")
    assert not list(tmp_path.glob("*winter*"))


def test_a_generator_that_gives_no_numbers_is_refused(tmp_path):
    path = tmp_path / "g.safetensors"
    save(path, "a", "b")
    tensors = gantrans.load(path, device="cpu").generators["winter"].state_dict()
    tensors["layers.1.weight"][0] = torch.nan
    save_weights(path, tensors, read_header(path))
    form = ("--format", "torch-export")
    result = gantrans_export(path, *form, "--out", tmp_path / "winter.pt2")
    assert isinstance(result.exception, NonFiniteError)
    assert [path.name for path in tmp_path.iterdir()] == ["g.safetensors"]


@pytest.fixture
def untraced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails a test whose command begins the work."""
    monkeypatch.delattr(exporting, "trace")


@pytest.mark.usefixtures("untraced")
def test_what_cannot_be_meant_is_refused_before_any_work(model, tmp_path):
    out = tmp_path / "winter.onnx"
    to = (model, "--to", "winter", "--out")
    assert "say to which domain" in refusal_of(UsageError, model, "--out", out)
    hint = refusal_of(UsageError, model, "--to", "wintr", "--out", out)
    assert "'wintr'; did you mean 'winter'?" in hint
    assert "must end in .onnx, found 'winter.pt2'" in refusal_of(
        UsageError, *to, tmp_path / "winter.pt2"
    )
    assert "'winter.pt2': that of --format torch-export" in refusal_of(
        UsageError, *to, tmp_path / "winter.pt2"
    )
    named = refusal_of(UsageError, *to, out, "--format", "torch-export")
    assert "must end in .pt2, found 'winter.onnx': that of --format onnx" in named
    assert refusal_of(UsageError, *to, tmp_path / "winter").endswith("found 'winter'")
    assert "too long" in refusal_of(UsageError, *to, tmp_path / f"{'w' * 300}.onnx")
    assert "there is no folder" in refusal_of(UsageError, *to, tmp_path / "no" / "winter.onnx")
    (tmp_path / "folder.onnx").mkdir()
    folder = refusal_of(UsageError, *to, tmp_path / "folder.onnx", "--overwrite")
    assert "folder.onnx is a folder" in folder
    out.write_bytes(b"as before")
    assert "winter.onnx exists; choose another --out" in refusal_of(UsageError, *to, out)
    assert out.read_bytes() == b"as before"


@pytest.mark.usefixtures("untraced")
def test_a_folder_that_may_not_be_written_to_is_refused(model, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting.os, "access", lambda path, mode: path != tmp_path)  # root may
    said = refusal_of(UsageError, model, "--to", "winter", "--out", tmp_path / "winter.onnx")
    assert f"no permission in {tmp_path}" in said


@pytest.mark.usefixtures("untraced")
def test_a_model_that_is_missing_damaged_or_needs_a_plugin_is_refused(model, own, tmp_path):
    out = ("--out", tmp_path / "winter.onnx")
    assert "there is no" in refusal_of(CheckpointError, tmp_path / "nothing", *out)
    damaged = tmp_path / "generator.safetensors"
    damaged.write_bytes((model / "generator_ab.safetensors").read_bytes()[:-100])
    assert "damaged" in refusal_of(CheckpointError, damaged, *out)
    path, *_ = own("plain")
    assert "give that file with --plugin own.py" in refusal_of(PluginError, path, *out)


@pytest.mark.usefixtures("untraced")
def test_a_missing_package_is_named_with_the_extra_to_install(model, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx, "find_spec", lambda name: None if name == "onnxruntime" else name)
    said = refusal_of(UsageError, model, "--to", "winter", "--out", tmp_path / "winter.onnx")
    assert said.startswith("--format onnx needs onnxruntime, not installed here: ")
    assert said.endswith('pip install "gantrans[onnx]"')


@pytest.mark.usefixtures("untraced")
def test_weights_that_no_onnx_file_holds_are_refused(model, tmp_path, monkeypatch):
    size = (model / "generator_ab.safetensors").stat().st_size
    monkeypatch.setattr(onnx, "MOST_BYTES", size // 2)
    said = refusal_of(GantransError, model, "--to", "winter", "--out", tmp_path / "winter.onnx")
    assert "'resnet'" in said
    assert said.endswith("use --format torch-export")


def test_a_full_disk_leaves_nothing_behind(model, tmp_path, monkeypatch):
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(exporting, "trace", lambda generator: None)
    monkeypatch.setattr(torch_export, "serialised", lambda *arguments: b"half of it")
    monkeypatch.setattr(exporting.os, "fsync", full)
    out = tmp_path / "winter.pt2"
    options = ("--to", "winter", "--format", "torch-export", "--out", out)
    said = refusal_of(GantransError, model, *options)
    assert said.startswith(f"cannot write {out}: No space left on device; make room on the disk")
    assert not list(tmp_path.iterdir())


def test_a_file_that_its_own_runtime_cannot_open_is_refused(model, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "trace", lambda generator: None)
    monkeypatch.setattr(onnx, "serialised", lambda *arguments: b"no ONNX")
    out = tmp_path / "winter.onnx"
    said = refusal_of(GantransError, model, "--to", "winter", "--out", out)
    assert re.fullmatch(
        "the generator 'resnet' cannot be exported: .*; what was written cannot be opened", said
    )
    assert not list(tmp_path.iterdir())


def test_an_export_that_is_interrupted_leaves_nothing_behind(model, tmp_path, monkeypatch):
    def stopped(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(exporting, "trace", lambda generator: None)
    monkeypatch.setattr(torch_export, "serialised", lambda *arguments: b"whole")
    monkeypatch.setattr(torch_export, "opened", stopped)
    options = ("--to", "winter", "--format", "torch-export", "--out", tmp_path / "winter.pt2")
    gantrans_export(model, *options)
    assert not list(tmp_path.iterdir())
