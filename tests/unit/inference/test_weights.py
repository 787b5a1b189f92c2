from __future__ import annotations

import errno
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors
import torch
from safetensors.torch import save_file

from gantrans.errors import CheckpointError, PluginError
from gantrans.inference import weights
from gantrans.inference.weights import (
    FORMAT_VERSION,
    WeightsHeader,
    load_generator,
    load_tensors,
    read_header,
    save_weights,
)
from gantrans.plugin.manager import load_registry


def test_a_saved_generator_comes_back_equal_and_ready_to_translate(tmp_path, save, registry):
    saved = save(tmp_path / "g.safetensors")
    loaded, header = load_generator(tmp_path / "g.safetensors", registry, "cpu")
    assert not loaded.training
    assert loaded.config == saved.config
    for name, tensor in saved.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name
    assert (header.domains, header.source, header.target) == (
        {"a": "summer", "b": "winter"},
        "a",
        "b",
    )


def test_the_header_survives_the_round_trip(tmp_path, make_generator, make_header):
    generator = make_generator(1, 3)
    header = make_header(generator, "ba", plugin={"name": "edge.py", "sha256": "ab" * 32})
    save_weights(tmp_path / "g.safetensors", generator.state_dict(), header)
    assert read_header(tmp_path / "g.safetensors") == header


def test_equal_networks_give_equal_files(tmp_path, save):
    save(tmp_path / "one.safetensors")
    save(tmp_path / "two.safetensors")
    assert (tmp_path / "one.safetensors").read_bytes() == (
        tmp_path / "two.safetensors"
    ).read_bytes()


def test_the_file_is_plain_safetensors_with_one_metadata_key(tmp_path, save):
    save(tmp_path / "g.safetensors")
    with safetensors.safe_open(tmp_path / "g.safetensors", "np") as file:
        assert list(file.metadata()) == ["gantrans"]
        assert json.loads(file.metadata()["gantrans"])["format_version"] == FORMAT_VERSION


def test_tensors_that_share_memory_or_are_not_contiguous_are_saved_by_value(
    tmp_path, make_generator, make_header
):
    shared = torch.arange(24.0).reshape(2, 3, 4)
    tensors = {
        "shared": shared,
        "again": shared,
        "transposed": shared.transpose(0, 2),
        "expanded": torch.ones(1).expand(5),
        "channels_last": torch.rand(1, 3, 2, 2).to(memory_format=torch.channels_last),
        "scalar": torch.tensor(3),
    }
    header = make_header(make_generator())
    save_weights(tmp_path / "t.safetensors", tensors, header)
    loaded = load_tensors(tmp_path / "t.safetensors", "cpu")
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert torch.equal(loaded[name], tensor), name


def test_a_header_is_read_without_torch(tmp_path, save):
    save(tmp_path / "g.safetensors")
    code = (
        "import sys; from pathlib import Path; from gantrans.inference.header import read_header; "
        f"assert read_header(Path({str(tmp_path / 'g.safetensors')!r})).run == 'seasons'; "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("keep", [0, 4, 8, 100, 0.5, -1])
def test_a_file_cut_anywhere_is_a_checkpoint_error(tmp_path, save, registry, keep):
    path = tmp_path / "g.safetensors"
    save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole)) if isinstance(keep, float) else keep])
    for read in (
        lambda: read_header(path),
        lambda: load_tensors(path, "cpu"),
        lambda: load_generator(path, registry, "cpu"),
    ):
        with pytest.raises(CheckpointError, match=r"g\.safetensors.* use another checkpoint"):
            read()


class _Trap:
    def __init__(self, sprung: Path) -> None:
        self.sprung = sprung

    def __reduce__(self):
        return Path.touch, (self.sprung,)


@pytest.mark.parametrize("write", [pickle.dump, torch.save])
def test_a_pickle_in_disguise_is_refused_and_not_executed(tmp_path, registry, write):
    path = tmp_path / "g.safetensors"
    with path.open("wb") as file:
        write({"weights": _Trap(tmp_path / "sprung")}, file)
    with pytest.raises(CheckpointError):
        load_generator(path, registry, "cpu")
    with pytest.raises(CheckpointError):
        load_tensors(path, "cpu")
    assert not (tmp_path / "sprung").exists()


def test_a_missing_file_or_a_folder_is_a_checkpoint_error(tmp_path):
    with pytest.raises(CheckpointError, match="there is no such file"):
        read_header(tmp_path / "none.safetensors")
    with pytest.raises(CheckpointError, match="it is a folder"):
        read_header(tmp_path)


def test_someone_elses_safetensors_file_is_refused(tmp_path):
    save_file({"w": torch.ones(1)}, tmp_path / "other.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match="not written by gantrans"):
        read_header(tmp_path / "other.safetensors")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format_version": FORMAT_VERSION + 1}, "install a newer gantrans"),
        ({"format_version": None}, "no format version"),
        ({"in_channels": "many"}, "in_channels"),
        ({"component": {"width": 4}}, "names no component"),
        ({"target": "c"}, "domains"),
        ({"source": None}, "domains"),
        ({"out_channels": None}, "channels"),
        ({"domains": 3}, "domains"),
    ],
)
def test_a_header_that_makes_no_sense_is_refused(
    tmp_path, make_generator, make_header, change, said
):
    table = {**json.loads(make_header(make_generator()).to_json()), **change}
    save_file(
        {"w": torch.ones(1)},
        tmp_path / "g.safetensors",
        metadata={"gantrans": json.dumps(table)},
    )
    with pytest.raises(CheckpointError, match=said):
        read_header(tmp_path / "g.safetensors")


@pytest.mark.parametrize("text", ["", "no json", "[]", '"x"', "[" * 100_000])
def test_a_header_that_is_no_json_object_is_refused(text):
    with pytest.raises(ValueError):
        WeightsHeader.from_json(text)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda t: t.pop("layers.1.weight"), "'layers.1.weight' is missing"),
        (lambda t: t.update(extra=torch.ones(1)), "'extra' is unexpected"),
        (
            lambda t: t.update({"layers.1.weight": torch.ones(4, 3, 5, 5)}),
            r"'layers.1.weight' has the shape \(4, 3, 5, 5\), expected \(4, 3, 7, 7\)",
        ),
    ],
)
def test_tensors_that_do_not_fit_are_named(
    tmp_path, make_generator, make_header, registry, spoil, said
):
    generator = make_generator()
    tensors = dict(generator.state_dict())
    spoil(tensors)
    save_weights(tmp_path / "g.safetensors", tensors, make_header(generator))
    with pytest.raises(CheckpointError, match=said):
        load_generator(tmp_path / "g.safetensors", registry, "cpu")


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"kind": "discriminator"}, CheckpointError, "holds a discriminator"),
        ({"value_range": (0.0, 1.0)}, CheckpointError, r"\(0.0, 1.0\)"),
        ({"in_channels": -1}, CheckpointError, "cannot be built"),
        (
            {"component": {"type": "swin"}, "plugin": {"name": "gantrans-swin", "version": "2.1"}},
            PluginError,
            r"generator 'swin' of gantrans-swin 2\.1.*pip install gantrans-swin==2\.1",
        ),
        (
            {"component": {"type": "tiny"}, "plugin": {"name": "tiny.py", "sha256": "ab" * 32}},
            PluginError,
            r"generator 'tiny' of the one-file plugin tiny\.py .*--plugin tiny\.py",
        ),
        (
            {"component": {"type": "resnet", "norm": {"type": "spade"}}},
            PluginError,
            "no normalizer is called 'spade'",
        ),
        (
            {"component": {"type": "resnet", "wingspan": 3}},
            PluginError,
            "wingspan: unknown key",
        ),
    ],
)
def test_a_file_that_cannot_be_used_here_says_why(
    tmp_path, make_generator, make_header, registry, change, error, said
):
    generator = make_generator()
    save_weights(
        tmp_path / "g.safetensors", generator.state_dict(), make_header(generator, **change)
    )
    with pytest.raises(error, match=said):
        load_generator(tmp_path / "g.safetensors", registry, "cpu")


PLUGIN = '''
from pathlib import Path
import gantrans

Path(__file__).with_suffix(".ran").touch()

class Same(gantrans.Generator):
    """Gives what it gets."""
    name = "same"

    def forward(self, x):
        return x
'''


def test_a_one_file_plugin_runs_only_when_it_is_given(tmp_path, save):
    run = tmp_path / "runs" / "x-001"
    plugin = run / "plugins" / "same.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(PLUGIN)
    path = run / "checkpoints" / "step-00000001" / "generator_ab.safetensors"
    generator = save(
        path, component={"type": "same"}, plugin={"name": "same.py", "sha256": "0" * 64}
    )
    with pytest.raises(PluginError, match=f"--plugin {plugin}"):
        load_generator(path, load_registry(), "cpu")
    assert not plugin.with_suffix(".ran").exists()
    # Given, it is used; that its tensors are another network's is then the next message.
    assert generator.state_dict()
    with pytest.raises(CheckpointError, match=r"unexpected .*one-file plugin same\.py"):
        load_generator(path, load_registry([plugin]), "cpu")
    assert plugin.with_suffix(".ran").exists()


def test_a_plugin_that_is_broken_is_named_with_its_reason(tmp_path, save):
    plugin = tmp_path / "odd.py"
    plugin.write_text("1 / 0")
    save(
        tmp_path / "g.safetensors",
        component={"type": "odd"},
        plugin={"name": "odd.py", "sha256": "0"},
    )
    with pytest.raises(PluginError, match="which is broken: ZeroDivisionError"):
        load_generator(tmp_path / "g.safetensors", load_registry([plugin]), "cpu")


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        safetensors.SafetensorError(
            "Error while serializing: No space left on device (os error 28)"
        ),
    ],
)
def test_a_full_disk_is_a_checkpoint_error_that_says_so(
    tmp_path, make_generator, make_header, monkeypatch, error
):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(weights, "save_file", fail)
    generator = make_generator()
    with pytest.raises(CheckpointError, match=r"No space left on device.*; make room"):
        save_weights(tmp_path / "g.safetensors", generator.state_dict(), make_header(generator))


def test_a_write_that_really_fails_is_a_checkpoint_error(tmp_path, make_generator, make_header):
    resource = pytest.importorskip("resource")
    generator = make_generator()
    header = make_header(generator)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, hard))
    try:
        with pytest.raises(CheckpointError, match="make room on the disk"):
            save_weights(tmp_path / "g.safetensors", generator.state_dict(), header)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_a_weights_file_has_the_permissions_of_any_new_file(tmp_path, save):
    save(tmp_path / "g.safetensors")
    (tmp_path / "plain").touch()
    assert (tmp_path / "g.safetensors").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_folder_that_is_not_there_is_a_checkpoint_error(tmp_path, make_generator, make_header):
    generator = make_generator()
    with pytest.raises(CheckpointError, match="cannot write the weights file"):
        save_weights(
            tmp_path / "no" / "g.safetensors", generator.state_dict(), make_header(generator)
        )


@pytest.mark.parametrize(
    "change",
    [
        {"domains": {"a": "summer", "b": "win\x1b[2Jter"}},
        {"domains": {"a": "summer", "b": "winter\nerror: send your keys"}},
        {"run": "x" * 256},
        {"role": "generator\u202eab"},
        {"plugin": {"name": "gantrans\r", "version": "0.1.0"}},
    ],
)
def test_names_that_steer_a_terminal_are_refused(tmp_path, make_generator, make_header, change):
    generator = make_generator()
    header = make_header(generator, **change)
    save_weights(tmp_path / "g.safetensors", generator.state_dict(), header)
    with pytest.raises(CheckpointError, match="a name that nothing is called by") as refused:
        read_header(tmp_path / "g.safetensors")
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("plugin", "advice"),
    [
        ({"name": "gantrans-swin", "version": "2.1"}, "pip install gantrans-swin==2.1"),
        ({"name": "Swin_2.x", "version": ""}, "pip install Swin_2.x"),
        ({"name": "swin", "version": "1 --index-url http://x"}, "pip install swin"),
        ({"name": "--index-url=http://x/ swin", "version": "1"}, None),
        ({"name": "swin; touch /tmp/x", "version": "1"}, None),
        ({"name": "swin @ http://x/swin.zip", "version": "1"}, None),
        ({"name": "git+https://x/swin", "version": "1"}, None),
        ({"name": "", "version": ""}, None),
        ({}, None),
    ],
)
def test_only_the_name_of_a_distribution_is_advised_to_be_installed(
    tmp_path, make_generator, make_header, registry, plugin, advice
):
    generator = make_generator()
    header = make_header(generator, component={"type": "swin"}, plugin=plugin)
    save_weights(tmp_path / "g.safetensors", generator.state_dict(), header)
    with pytest.raises(PluginError) as refused:
        load_generator(tmp_path / "g.safetensors", registry, "cpu")
    _, pip, said = str(refused.value).partition("pip install ")
    assert (pip + said if pip else None) == advice
