from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from foreign_networks import patchgan, resnet, save, trained, unet
from gantrans.errors import CheckpointError, GantransError, UsageError
from gantrans.inference.foreign import bring_in
from gantrans.inference.foreign.bring_in import import_weights


class Trap:
    """What a hostile file would like to have made of it."""

    def __init__(self, sprung: Path, call: Callable) -> None:
        self.sprung, self.call = sprung, call

    def __reduce__(self) -> Any:
        argument = f"touch {self.sprung}" if self.call is os.system else self.sprung
        return self.call, (argument,)


@pytest.mark.parametrize("call", [os.system, Path.touch, os.mkdir])
@pytest.mark.parametrize(
    "write",
    [
        torch.save,
        lambda what, path: torch.save(what, path, _use_new_zipfile_serialization=False),
        lambda what, path: path.write_bytes(pickle.dumps(what, 2)),
        lambda what, path: path.write_bytes(pickle.dumps(what)),
    ],
    ids=["torch", "torch before 1.6", "old pickle", "pickle"],
)
def test_a_pickle_that_wants_to_run_code_is_refused_and_not_executed(
    tmp_path: Path, write: Callable, call: Callable
) -> None:
    file, sprung = tmp_path / "latest_net_G.pth", tmp_path / "sprung"
    write({**resnet().state_dict(), "extra": Trap(sprung, call)}, file)

    with pytest.raises(CheckpointError) as refused:
        import_weights([file], tmp_path / "in")

    message = str(refused.value)
    assert message.startswith(f"{file} holds more than tensors")
    assert "nothing of it was executed; use a file that" in message
    assert "\n" not in message
    assert not sprung.exists()
    assert not (tmp_path / "in").exists()


def test_a_whole_pickled_network_is_refused_by_its_class(tmp_path: Path) -> None:
    torch.save(resnet(), tmp_path / "latest_net_G.pth")
    with pytest.raises(CheckpointError, match=r"asks for foreign_networks\.\w+.*state_dict\(\)"):
        import_weights([tmp_path / "latest_net_G.pth"], tmp_path / "in")


@pytest.mark.parametrize("keep", [0, 1, 30, 0.3, 0.9, -1])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_truncated_file_is_damaged(tmp_path: Path, keep: float, zipped: bool) -> None:
    file = tmp_path / "latest_net_G.pth"
    torch.save(resnet().state_dict(), file, _use_new_zipfile_serialization=zipped)
    whole = file.read_bytes()
    file.write_bytes(whole[: int(keep * len(whole)) if isinstance(keep, float) else keep])
    with pytest.raises(CheckpointError, match=r"latest_net_G\.pth .*(damaged|pickle)") as refused:
        import_weights([file], tmp_path / "in")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"these are no weights\n" * 20, "damaged, or no file of torch.save"),
        (bytes(range(256)), "damaged, or no file of torch.save|holds more than tensors"),
    ],
)
def test_a_file_of_text_or_of_anything_is_refused(
    tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "latest_net_G.pth").write_bytes(content)
    with pytest.raises(CheckpointError, match=said):
        import_weights([tmp_path / "latest_net_G.pth"], tmp_path / "in")


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    missing = tmp_path / "latest_net_G.pth"
    with pytest.raises(CheckpointError, match=r"cannot read .*latest_net_G.pth: No such file"):
        import_weights([missing], tmp_path / "in")
    missing.mkdir()
    with pytest.raises(CheckpointError, match="is a folder: give its files"):
        import_weights([missing], tmp_path / "in")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (torch.ones(3), "holds no tensors by name"),
        ({}, "holds no tensors by name"),
        ([torch.ones(3)], "holds no tensors by name"),
        ({"netG_A": {"model.1.weight": torch.ones(3)}}, "'netG_A' is no plain tensor"),
        (
            {**resnet().state_dict(), "epoch": 4},
            "'epoch' is no plain tensor in it but of type 'int'",
        ),
        ({3: torch.ones(3)}, "no state dict"),
        ({"model.1.weight": torch.ones(3, device="meta")}, "no plain tensor"),
        ({"model.1.weight": torch.ones(3).to_sparse()}, "no plain tensor"),
    ],
)
def test_what_is_no_state_dict_is_refused(tmp_path: Path, content: Any, said: str) -> None:
    torch.save(content, tmp_path / "latest_net_G.pth")
    with pytest.raises(CheckpointError, match=said):
        import_weights([tmp_path / "latest_net_G.pth"], tmp_path / "in")


def without(*names: str) -> Callable:
    return lambda state: {n: t for n, t in state.items() if n not in names}


def changed(**tensors: Tensor) -> Callable:
    new = {name.replace("__", "."): tensor for name, tensor in tensors.items()}
    return lambda state: {**state, **new}


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


def test_a_huge_network_that_a_small_file_claims_is_refused_without_making_it(
    tmp_path: Path,
) -> None:
    claims = {"model.1.weight": torch.ones(1).expand(10**6, 3, 7, 7)}  # 6e14 bytes of its blocks
    claims |= {f"model.{n}.conv_block.1.weight": torch.ones(1) for n in range(10, 19)}
    torch.save(claims, tmp_path / "latest_net_G.pth")
    with pytest.raises(CheckpointError, match=r"'model.1.bias' of shape"):
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
    with pytest.raises(UsageError, match="domains"):
        import_weights([file], tmp_path / "in", a=a, b=b)


def test_existing_files_stay_unless_they_shall_go(tmp_path: Path) -> None:
    files = [
        save(trained(resnet()), tmp_path / "latest_net_G_A.pth"),
        save(trained(resnet()), tmp_path / "latest_net_G_B.pth"),
    ]
    there = tmp_path / "in" / "generator_ba.safetensors"
    there.parent.mkdir()
    there.write_text("mine")

    with pytest.raises(UsageError, match=r"has generator_ba\.safetensors already: .*--overwrite"):
        import_weights(files, there.parent)
    assert [p.name for p in there.parent.iterdir()] == [there.name]
    assert there.read_text() == "mine"

    import_weights(files, there.parent, overwrite=True)
    assert there.read_bytes() != b"mine"
    assert len(list(there.parent.iterdir())) == 2


def test_a_run_of_gantrans_is_never_written_into(tmp_path: Path) -> None:
    file = save(resnet(), tmp_path / "latest_net_G.pth")
    (tmp_path / "run" / "checkpoints" / "step-1").mkdir(parents=True)
    (tmp_path / "run" / "checkpoints" / "step-1" / "training.json").touch()
    for folder in (tmp_path / "run", tmp_path / "run" / "checkpoints" / "step-1"):
        with pytest.raises(UsageError, match="as runs of gantrans have"):
            import_weights([file], folder, overwrite=True)


def test_a_disk_that_fills_up_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [save(resnet(), tmp_path / f"latest_net_G_{x}.pth") for x in "AB"]
    save_weights, calls = bring_in.save_weights, []

    def full(path: Path, *rest: Any) -> None:
        calls.append(path)
        if len(calls) == 2:
            raise CheckpointError(f"cannot write the weights file {path}: No space left on device")
        save_weights(path, *rest)

    monkeypatch.setattr(bring_in, "save_weights", full)
    with pytest.raises(CheckpointError, match="No space left"):
        import_weights(files, tmp_path / "new" / "in")
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    file = save(resnet(), tmp_path / "latest_net_G.pth")
    (tmp_path / "taken").write_text("")
    with pytest.raises(GantransError, match=r"cannot write to the folder .*taken"):
        import_weights([file], tmp_path / "taken")
