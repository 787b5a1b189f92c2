"""A weights file says how the files of its images are read and written."""

from __future__ import annotations

import json

import pytest

from gantrans.api.files import ORDINARY
from gantrans.errors import PluginError
from gantrans.inference.weights import (
    RecordedComponent,
    WeightsHeader,
    load_files,
    load_generator,
    read_header,
)
from gantrans.plugin.manager import load_registry

SCANS = RecordedComponent(
    "dataset",
    {"type": "scans", "depth": 12, "root": "nowhere"},
    {"name": "gantrans-scans", "version": "1.2"},
)
SCANS_PLUGIN = '''
import gantrans
from gantrans.api.files import ImageFiles

class ScanFiles(ImageFiles):
    suffixes = (".scan",)

    def __init__(self, depth):
        self.depth = depth

    def read(self, path): ...

    def write(self, image, path): ...

class Scans(gantrans.Dataset):
    """Scans of a, ordinary images of b."""
    name = "scans"

    class Config(gantrans.DatasetConfig):
        root: str
        depth: int = 8

    def files(self, domain):
        return ScanFiles(self.config.depth) if domain == "a" else None
'''


def test_a_header_without_a_data_set_is_as_it_was_before_there_were_any(
    make_generator, make_header, registry, tmp_path
):
    header = make_header(make_generator())
    table = json.loads(header.to_json())
    assert "dataset" not in table
    assert WeightsHeader.from_json(json.dumps(table)) == header
    assert load_files(tmp_path / "g.safetensors", registry, header) == (ORDINARY, ORDINARY)


def test_a_data_set_with_files_of_its_own_survives_the_round_trip(tmp_path, save):
    save(tmp_path / "g.safetensors", dataset=SCANS)
    assert read_header(tmp_path / "g.safetensors").dataset == SCANS


def test_files_are_read_as_the_source_says_and_written_as_the_target_says(
    tmp_path, make_generator, make_header
):
    plugin = tmp_path / "scans.py"
    plugin.write_text(SCANS_PLUGIN)
    registry = load_registry([plugin])
    for direction in ("ab", "ba"):
        header = make_header(make_generator(), direction, dataset=SCANS)
        found = load_files(tmp_path / "g.safetensors", registry, header)
        assert found["ab".index(direction[1])] == ORDINARY
        scans = found["ab".index(direction[0])]
        assert (scans.suffixes, scans.depth) == ((".scan",), 12)


@pytest.mark.parametrize(
    ("plugin", "said"),
    [
        ({"name": "gantrans-scans", "version": "1.2"}, r"pip install gantrans-scans==1\.2"),
        ({"name": "scans.py", "sha256": "0" * 64}, r"--plugin .*plugins/scans\.py"),
    ],
)
def test_the_plugin_of_the_data_set_is_named_when_its_files_are_asked_for(
    tmp_path, save, registry, plugin, said
):
    kept = tmp_path / "plugins" / "scans.py"
    kept.parent.mkdir()
    kept.write_text(SCANS_PLUGIN)
    path = tmp_path / "checkpoints" / "step-00000001" / "generator_ab.safetensors"
    save(path, dataset=RecordedComponent("dataset", {"type": "scans"}, plugin))
    _, header = load_generator(path, registry, "cpu")
    with pytest.raises(PluginError, match=rf"needs the dataset 'scans' of .*{said}"):
        load_files(path, registry, header)


def test_a_data_set_that_is_none_is_refused(make_generator, make_header):
    table = json.loads(make_header(make_generator()).to_json())
    for dataset in (
        {"kind": "loss", "component": {"type": "cycle"}, "plugin": {}},
        {"kind": "dataset", "component": {}, "plugin": {}},
        {"kind": "dataset"},
        "scans",
    ):
        with pytest.raises(ValueError, match="its header"):
            WeightsHeader.from_json(json.dumps({**table, "dataset": dataset}))
