from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch_fidelity.feature_extractor_inceptionv3 import (
    URL_INCEPTION_V3,
    FeatureExtractorInceptionV3,
)

from gantrans.errors import CheckpointError, UsageError
from gantrans_fidelity import extractor
from gantrans_fidelity.extractor import Extractor

State = dict[str, Tensor]


@pytest.fixture(scope="module")
def state() -> State:
    """Weights of the right shapes, not trained."""
    found: State = {}

    def keep(self: Any, tensors: Any) -> None:
        found.update({k: v.clone() for k, v in self.state_dict().items()})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "load", lambda *_, **__: None)
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", keep)
        torch.manual_seed(0)
        FeatureExtractorInceptionV3("any", ["2048"], feature_extractor_weights_path="none")
    return found


@pytest.fixture(scope="module")
def file(state: State, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(state, path)
    return path


@pytest.fixture(autouse=True)
def nothing_is_kept() -> Iterator[None]:
    extractor._read.cache_clear()
    yield
    extractor._read.cache_clear()


def test_its_features_are_those_of_torch_fidelity_on_the_saved_pictures(
    file: Path, state: State
) -> None:
    images = torch.rand(2, 3, 40, 30, generator=torch.Generator().manual_seed(1)) * 2.2 - 1.1
    theirs = FeatureExtractorInceptionV3("any", ["2048"], feature_extractor_weights_path=str(file))
    saved = ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)

    found = Extractor(file)(images)

    assert torch.equal(found, theirs(saved)[0].double())
    assert found.shape == (2, 2048)


def test_weights_are_read_from_either_form_once_and_their_digest_is_known(
    file: Path, state: State, tmp_path: Path
) -> None:
    save_file(state, tmp_path / "w.safetensors")
    first, again = Extractor(file), Extractor(file)
    assert extractor._read.cache_info().misses == 1
    assert first.digest == again.digest == hashlib.sha256(file.read_bytes()).hexdigest()
    gray = torch.rand(1, 1, 20, 20) * 2 - 1
    colour = gray.expand(-1, 3, -1, -1)
    assert torch.equal(first(gray), Extractor(tmp_path / "w.safetensors")(colour))


def test_reading_them_draws_no_random_numbers(file: Path) -> None:
    torch.manual_seed(3)
    Extractor(file)
    drawn = torch.rand(1)
    torch.manual_seed(3)
    assert torch.equal(drawn, torch.rand(1))


def test_other_channels_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(extractor, "_read", lambda file, changed: (torch.nn.Identity(), ""))
    with pytest.raises(UsageError, match=r"these images have 4 channels: .* keep swd"):
        Extractor(tmp_path)(torch.zeros(1, 4, 8, 8))


class Harmful:
    """What is done when it is unpickled."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("was-executed"),)


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_no_code_of_a_file_is_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"fc.weight": Harmful()}, name)
    with pytest.raises(CheckpointError, match=rf"cannot read the weights file {name}: .*tensors"):
        Extractor(Path(name))
    assert not Path("was-executed").exists()


def test_a_file_of_another_network_is_one_line_that_says_what_is_missing(tmp_path: Path) -> None:
    torch.save({"features.0.weight": torch.ones(1)}, tmp_path / "vgg.pth")
    with pytest.raises(CheckpointError, match=r"does not hold .* Missing key") as caught:
        Extractor(tmp_path / "vgg.pth")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=f"no weights file {tmp_path / 'absent.pth'}"):
        Extractor(tmp_path / "absent.pth")


def test_without_a_file_torch_fidelitys_own_are_taken_from_the_cache(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cached = tmp_path / "hub" / "checkpoints" / Path(URL_INCEPTION_V3).name
    cached.parent.mkdir(parents=True)
    cached.symlink_to(file)
    assert Extractor(None).digest == Extractor(file).digest


def test_without_a_network_the_message_says_what_to_download_and_where_to_put_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any, **__: Any) -> None:
        raise URLError("Name or service not known")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    with pytest.raises(CheckpointError) as caught:
        Extractor(None)
    said = str(caught.value)
    assert "Name or service not known" in said and URL_INCEPTION_V3 in said
    assert 'weights = "path/to/weights-inception-2015-12-05-6726825d.pth"' in said
    assert "\n" not in said
