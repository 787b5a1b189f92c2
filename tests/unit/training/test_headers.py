from __future__ import annotations

from pathlib import Path

from gantrans.training.headers import headers
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
