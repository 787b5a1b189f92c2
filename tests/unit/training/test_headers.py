from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from gantrans.errors import CheckpointError
from gantrans.inference.model_files import generator_files
from gantrans.inference.weights import WeightsHeader, load_generator, read_header, save_weights
from gantrans.spec.load import load
from gantrans.training.assemble import assemble
from gantrans.training.headers import headers
from one_domain import spec
from tiny_run import tiny_job

PLUGIN = '''
import torch
import gantrans
from gantrans.api.files import ImageFiles

class Files(ImageFiles):
    suffixes = (".level",)

    def read(self, path):
        raise NotImplementedError

    def write(self, image, path):
        raise NotImplementedError

class Source(gantrans.ImageSource):
    def __len__(self):
        return 2

    def image(self, index):
        return torch.full((2, 16, 16), index / 2)

    def label(self, index):
        return str(index)

class Levels(gantrans.Dataset):
    """Two channels of one value, in files of its own in domain b."""
    name = "levels"

    class Config(gantrans.DatasetConfig):
        own: bool = False

    def source(self, split, domain):
        return Source()

    def channels(self, domain):
        return 2

    def files(self, domain):
        return Files() if self.config.own and domain == "b" else None
'''


def test_a_data_set_of_ordinary_images_is_not_recorded() -> None:
    assert {header.dataset for header in headers(tiny_job(), 3).values()} == {None}


def test_a_data_set_with_files_of_its_own_is_recorded_with_its_plugin(tmp_path: Path) -> None:
    plugin = tmp_path / "levels.py"
    plugin.write_text(PLUGIN)
    data = {"type": "levels", "size": None, "train": None, "test": None}
    for own in (False, True):
        job = tiny_job(plugins=[str(plugin)], data={**data, "own": own})
        for header in headers(job, 3).values():
            assert (header.dataset is not None) == own
            if header.dataset is not None:
                assert header.dataset.kind == "dataset"
                assert header.dataset.component == job.spec.data.model_dump(mode="json")
                assert header.dataset.plugin["name"] == "levels.py"
                assert len(header.dataset.plugin["sha256"]) == 64


GRAY = '''
from gantrans.builtins.datasets.seasons import Seasons

class GraySummers(Seasons):
    """Seasons whose summers are gray."""
    name = "gray_summers"

    def channels(self, domain):
        return 1 if domain == "a" else 3
'''
ONE_WAY: dict[str, Any] = {"cycle": None, "identity": None}


def told(header: WeightsHeader) -> tuple[Any, ...]:
    ends = header.source, header.target
    return header.kind, header.component["type"], *ends, header.in_channels, header.out_channels


@pytest.mark.parametrize(("direction", "ends"), [("ab", (1, 3)), ("ba", (3, 1))])
def test_a_conditional_discriminator_says_what_it_judges_and_what_it_sees_beside(
    direction: str, ends: tuple[int, int], tmp_path: Path
) -> None:
    (tmp_path / "gray.py").write_text(GRAY)
    job = tiny_job(
        plugins=[str(tmp_path / "gray.py")],
        method={"type": "pix2pix", "direction": direction},
        data={"type": "gray_summers", "pairs": True},
        losses=ONE_WAY,
    )
    source, target = direction
    found = headers(job, 3)
    assert {name: told(header) for name, header in found.items()} == {
        f"generator_{direction}": ("generator", "resnet", source, target, *ends),
        f"discriminator_{target}": ("discriminator", "patchgan", source, target, 4, None),
    }
    for name, header in found.items():
        assert header.role == name
        assert WeightsHeader.from_json(header.to_json()) == header


def test_the_discriminator_of_cut_sees_nothing_beside() -> None:
    nce = {"layers": ["image"], "patches": 4}
    job = tiny_job(method={"type": "cut"}, losses={**ONE_WAY, "patch_nce": nce})
    found = {name: told(header) for name, header in headers(job, 0).items()}
    assert found == {
        "generator_ab": ("generator", "resnet", "a", "b", 3, 3),
        "discriminator_b": ("discriminator", "patchgan", None, "b", 3, None),
    }


def test_a_network_that_a_method_made_names_the_method_with_its_settings(tmp_path: Path) -> None:
    table = spec(tmp_path, method={"type": "sampler", "width": 5})
    job = assemble(load(table), torch.device("cpu"))
    found = headers(job, 7)
    assert {name: told(header) for name, header in found.items()} == {
        "maker": ("method", "sampler", None, "b", 0, 3),
        "judge": ("discriminator", "patchgan", None, "b", 3, None),
    }
    maker = found["maker"]
    assert maker.component == {"type": "sampler", "domain": "b", "width": 5}
    assert (maker.role, maker.step, maker.plugin["name"]) == ("maker", 7, "one_domain_plugin.py")

    file = tmp_path / "maker.safetensors"
    save_weights(file, job.method.networks["maker"].state_dict(), maker)
    assert read_header(file) == maker
    said = r"maker.safetensors holds the maker of the method 'sampler', which does not translate"
    with pytest.raises(CheckpointError, match=said):
        load_generator(file, load(table).registry, "cpu")
    with pytest.raises(CheckpointError, match=said):
        generator_files(tmp_path)
