from __future__ import annotations

import os
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torchvision import models

from gantrans.errors import CheckpointError
from gantrans.spec.load import load
from gantrans_perceptual import features
from gantrans_perceptual.features import Features

NETWORK = "squeezenet1_1"
URL = "https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth"


@pytest.fixture(autouse=True)
def _nothing_was_read_before() -> None:
    features._read.cache_clear()


@pytest.fixture(scope="module")
def model() -> Any:
    torch.manual_seed(0)
    return models.get_model(NETWORK, weights=None)


@pytest.fixture
def images() -> Tensor:
    return torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def look(weights: str | None, network: str = NETWORK) -> Features:
    layer = "fire9" if network == NETWORK else "relu1_1"
    return Features(network, [layer], weights)


@pytest.mark.parametrize("whole", [True, False], ids=["with classifier", "features only"])
@pytest.mark.parametrize(
    ("name", "save"),
    [("w.safetensors", save_file), ("w.pth", torch.save)],
    ids=["safetensors", "pth"],
)
def test_a_file_of_torchvision_s_weights_is_read(
    model: Any, images: Tensor, tmp_path: Path, name: str, save: Callable[..., Any], whole: bool
) -> None:
    state = {k: v for k, v in model.state_dict().items() if whole or k.startswith("features.")}
    save(state, tmp_path / name)
    normal = (images.add(1).div(2) - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / (
        torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    )

    found = look(str(tmp_path / name))(images)["fire9"]

    assert torch.allclose(found, model.features(normal), atol=1e-6)


def test_weights_in_half_precision_are_used_in_float32(model: Any, tmp_path: Path) -> None:
    save_file({k: v.half() for k, v in model.state_dict().items()}, tmp_path / "w.safetensors")

    weights = look(str(tmp_path / "w.safetensors")).parameters()

    assert {weight.dtype for weight in weights} == {torch.float32}


def test_a_path_in_a_spec_is_relative_to_the_specs_folder(tmp_path: Path) -> None:
    (tmp_path / "spec.toml").write_text(
        '[data]\ntype = "seasons"\n[losses.vgg]\nweights = "vgg.pth"\n'
        '[metrics.lpips]\nweights = "random"\nlinear = "lin.pth"\n'
    )
    run = load(tmp_path / "spec.toml").run
    assert run.losses["vgg"].weights == tmp_path / "vgg.pth"
    assert run.metrics["lpips"].weights == "random"
    assert run.metrics["lpips"].linear == tmp_path / "lin.pth"


def test_a_missing_file_is_named_with_the_folder_that_was_looked_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(CheckpointError, match="the spec's folder") as caught:
        look("absent.pth")
    assert str(tmp_path / "absent.pth") in str(caught.value)


def test_a_file_of_another_network_is_refused_by_its_first_misfit(
    model: Any, tmp_path: Path
) -> None:
    save_file(model.state_dict(), tmp_path / "w.safetensors")

    with pytest.raises(CheckpointError) as caught:
        look(str(tmp_path / "w.safetensors"), "vgg16")
    # Both begin with a kernel of (64, 3, 3, 3); a VGG's next one is at 2.
    assert "not of vgg16: there is no tensor 'features.2.weight'" in str(caught.value)


def test_a_tensor_of_another_shape_is_refused_with_both_shapes(model: Any, tmp_path: Path) -> None:
    gray = {**model.state_dict(), "features.0.weight": torch.zeros(64, 1, 3, 3)}
    torch.save(gray, tmp_path / "w.pth")

    with pytest.raises(CheckpointError) as caught:
        look(str(tmp_path / "w.pth"))
    assert "'features.0.weight' has shape (64, 1, 3, 3), not (64, 3, 3, 3)" in str(caught.value)


def test_what_differs_below_the_layers_in_use_is_noticed_too(model: Any, tmp_path: Path) -> None:
    """Else a VGG19 would pass for a VGG16, whose first layers have the same shapes."""
    state = dict(model.state_dict())
    del state["features.12.squeeze.bias"]
    torch.save(state, tmp_path / "missing.pth")
    torch.save({**model.state_dict(), "features.13.weight": torch.ones(1)}, tmp_path / "more.pth")

    with pytest.raises(CheckpointError, match=r"no tensor 'features\.12\.squeeze\.bias' in it"):
        Features(NETWORK, ["relu1"], str(tmp_path / "missing.pth"))
    with pytest.raises(CheckpointError, match=r"'features\.13\.weight' is no tensor of it"):
        Features(NETWORK, ["relu1"], str(tmp_path / "more.pth"))


class Harmful:
    """What is done when it is unpickled."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("was-executed"),)


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_no_code_of_a_file_is_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"features.0.weight": Harmful()}, name)

    with pytest.raises(CheckpointError, match=rf"cannot read the weights file {name}: .*tensors"):
        look(name)
    assert not Path("was-executed").exists()


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}, torch.ones(2)])
def test_a_file_of_something_else_is_one_message(content: Any, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "w.pth")

    with pytest.raises(CheckpointError, match=r"no tensor 'features\.0\.weight' in it"):
        look(str(tmp_path / "w.pth"))


def test_without_a_file_torchvision_s_own_are_taken_from_its_cache(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cached = tmp_path / "hub" / "checkpoints" / Path(URL).name
    cached.parent.mkdir(parents=True)
    torch.save(model.state_dict(), cached)

    found = look(None).layers.state_dict()

    assert torch.equal(found["0.weight"], model.state_dict()["features.0.weight"])


def test_without_a_network_the_message_names_both_ways_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any, **__: Any) -> None:
        raise URLError("Name or service not known")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)

    with pytest.raises(CheckpointError) as caught:
        look(None)
    message = str(caught.value)
    assert "SqueezeNet1_1_Weights.IMAGENET1K_V1" in message
    assert "Name or service not known" in message
    assert URL in message
    assert 'weights = "path/to/squeezenet1_1-b8a52dc0.pth"' in message
    assert 'weights = "random"' in message
    assert "\n" not in message


def test_a_file_is_read_again_only_when_it_has_changed(
    model: Any, tmp_path: Path, images: Tensor
) -> None:
    file = tmp_path / "w.safetensors"
    save_file(model.state_dict(), file)
    first, again = look(str(file)), look(str(file))
    assert features._read.cache_info().misses == 1
    assert torch.equal(first(images)["fire9"], again(images)["fire9"])

    save_file({k: v * 2 for k, v in model.state_dict().items()}, file)
    os.utime(file, ns=(1, 1))
    assert not torch.equal(look(str(file))(images)["fire9"], first(images)["fire9"])


def test_random_weights_are_drawn_once() -> None:
    first = look("random").layers.state_dict()
    again = look("random").layers.state_dict()
    assert features._read.cache_info().misses == 1
    assert all(torch.equal(weight, again[name]) for name, weight in first.items())


@pytest.mark.parametrize("parameters", [False, True], ids=["tensors", "parameters"])
def test_a_network_that_moves_leaves_those_of_the_same_file_where_they_are(
    model: Any, tmp_path: Path, images: Tensor, parameters: bool
) -> None:
    state = dict(model.named_parameters()) if parameters else model.state_dict()
    torch.save(state, tmp_path / "w.pth")
    first, moved = look(str(tmp_path / "w.pth")), look(str(tmp_path / "w.pth"))
    before = first(images)["fire9"]
    copied = deepcopy(first)

    moved.to("meta")
    copied.double().layers[0].weight.zero_()

    assert {weight.device.type for weight in moved.parameters()} == {"meta"}
    assert torch.equal(first(images)["fire9"], before)
    assert torch.equal(look(str(tmp_path / "w.pth"))(images)["fire9"], before)


def test_weights_that_a_metric_read_serve_a_loss(
    model: Any, tmp_path: Path, images: Tensor
) -> None:
    """Tensors made in inference mode could not be differentiated through."""
    save_file(model.state_dict(), tmp_path / "w.safetensors")
    with torch.inference_mode():
        look(str(tmp_path / "w.safetensors"))
        look("random")
    for weights in (str(tmp_path / "w.safetensors"), "random"):
        wanted = images.clone().requires_grad_()
        look(weights)(wanted)["fire9"].sum().backward()
        assert wanted.grad is not None
