from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from foreign_networks import patchgan, resnet, save, unet
from gantrans.errors import CheckpointError, UsageError
from gantrans.inference.foreign.bring_in import import_weights


def changed(**tensors: Tensor) -> Callable:
    new = {name.replace("__", "."): tensor for name, tensor in tensors.items()}
    return lambda state: {**state, **new}


def without(*names: str) -> Callable:
    return lambda state: {n: t for n, t in state.items() if n not in names}


@pytest.mark.parametrize(
    ("network", "change", "said"),
    [
        (resnet(), without("model.1.bias"), "'model.1.bias' of shape (4,) is missing"),
        (
            resnet(),
            without("model.11.conv_block.5.weight", "model.12.weight"),
            "'model.11.conv_block.5.weight' of shape (16, 16, 3, 3) is missing",
        ),
        (
            resnet(),
            changed(model__15__weight=torch.ones(4, 8, 3, 3)),
            "'model.15.weight' has the shape (4, 8, 3, 3), expected (8, 4, 3, 3)",
        ),
        (
            resnet(),
            changed(model__10__attention=torch.ones(2)),
            "'model.10.attention' is not expected there",
        ),
        (resnet(norm="affine"), dict, "'model.2.running_mean' of shape (4,) is missing"),
        (
            resnet(blur_down=True, blur_up=True),
            changed(model__7__filt=torch.full((8, 1, 3, 3), 1 / 9)),
            "the filter 'model.7.filt' is not [1, 2, 1] along both sides",
        ),
        (
            resnet(blur_down=True),
            without("model.11.filt"),
            "'model.11.filt' of shape (16, 1, 3, 3) is missing",
        ),
        (
            unet(depth=5),
            without("model.model.1.model.3.model.1.weight"),
            "'model.model.1.model.3.model.1.weight' of shape (8, 4, 4, 4) is missing",
        ),
        (patchgan(), changed(model__8__weight=torch.ones(3)), "'model.8.weight'"),
    ],
)
def test_the_first_tensor_that_differs_is_named_with_what_was_expected(
    tmp_path: Path, network: nn.Module, change: Callable, said: str
) -> None:
    letter = "D" if "model.0.weight" in network.state_dict() else "G"
    torch.save(change(network.state_dict()), tmp_path / f"latest_net_{letter}.pth")
    with pytest.raises(CheckpointError) as refused:
        import_weights([tmp_path / f"latest_net_{letter}.pth"], tmp_path / "in")
    assert said in str(refused.value)
    assert not (tmp_path / "in").exists()


@pytest.mark.parametrize(
    "state",
    [
        {"down.0.weight": torch.ones(4, 3, 3, 3)},
        {"model.1.weight": torch.ones(4)},
        {"model.1.weight": torch.ones(0, 3, 7, 7)},
    ],
)
def test_of_an_unknown_network_the_first_tensor_is_named(
    tmp_path: Path, state: dict[str, Tensor]
) -> None:
    torch.save(state, tmp_path / "latest_net_G.pth")
    first = next(iter(state))
    with pytest.raises(CheckpointError, match=f"its first tensor is '{first}'.*'model.1.weight'"):
        import_weights([tmp_path / "latest_net_G.pth"], tmp_path / "in")


def test_a_discriminator_under_a_generators_name_is_refused(tmp_path: Path) -> None:
    file = save(patchgan(), tmp_path / "latest_net_G_A.pth")
    with pytest.raises(CheckpointError, match=r"taken for the generator_ab.*a discriminator"):
        import_weights([file], tmp_path / "in")


def test_discriminators_whose_images_are_not_known_are_refused(tmp_path: Path) -> None:
    judge = save(patchgan(channels=6), tmp_path / "latest_net_D.pth")
    with pytest.raises(UsageError, match="6 channels: give the file of its generator"):
        import_weights([judge], tmp_path / "in")
    generator = save(resnet(channels=(1, 3)), tmp_path / "latest_net_G.pth")
    with pytest.raises(CheckpointError, match="do not belong together"):
        import_weights([judge, generator], tmp_path / "in")
    assert not (tmp_path / "in").exists()


@pytest.mark.parametrize("network", [unet(depth=5), resnet(channels=(1, 1))])
def test_networks_of_uvcgan2_that_have_no_equal_are_refused(
    tmp_path: Path, network: nn.Module
) -> None:
    file = save(network, tmp_path / "net_gen_ab.pth")
    with pytest.raises(CheckpointError, match="only residual ones of 3 channels"):
        import_weights([file], tmp_path / "in")


def test_a_name_that_says_nothing_is_not_guessed_at(tmp_path: Path) -> None:
    file = save(resnet(), tmp_path / "weights.pth")
    with pytest.raises(UsageError, match=r"weights\.pth does not say .* --as .* --from"):
        import_weights([file], tmp_path / "in")
    with pytest.raises(UsageError, match="give their project too, --from"):
        import_weights([file], tmp_path / "in", roles=["generator_ab"])
    with pytest.raises(UsageError, match="1 files and 2 roles"):
        import_weights([file], tmp_path / "in", project="cut", roles=["generator_ab"] * 2)
    with pytest.raises(UsageError, match=r"'generator_aa'; did you mean 'generator_.a'"):
        import_weights([file], tmp_path / "in", project="cut", roles=["generator_aa"])


def test_a_project_that_the_name_contradicts_is_refused(tmp_path: Path) -> None:
    file = save(resnet(), tmp_path / "latest_net_D_A.pth")
    with pytest.raises(UsageError, match=r"as junyanz/.* calls its files, not as aitorzip/"):
        import_weights([file], tmp_path / "in", project="aitorzip")


def test_two_files_of_one_network_are_refused(tmp_path: Path) -> None:
    files = [save(resnet(), tmp_path / f"{epoch}_net_G_A.pth") for epoch in (100, 200)]
    with pytest.raises(UsageError, match=r"100_net_G_A.pth and .*200_net_G_A.pth are both"):
        import_weights(files, tmp_path / "in")


def test_files_of_which_none_translates_are_refused(tmp_path: Path) -> None:
    file = save(nn.Linear(2, 2), tmp_path / "latest_net_F.pth")
    with pytest.raises(UsageError, match=r"none of the files.*\n.*translates nothing"):
        import_weights([file], tmp_path / "in")


@pytest.mark.parametrize(("a", "b"), [("", "zebra"), ("horse", "horse"), ("a/b", "zebra")])
def test_domains_need_names_as_in_a_spec(tmp_path: Path, a: str, b: str) -> None:
    file = save(resnet(), tmp_path / "latest_net_G.pth")
    with pytest.raises(UsageError, match="domains") as refused:
        import_weights([file], tmp_path / "in", a=a, b=b)
    assert "Value error" not in str(refused.value)
