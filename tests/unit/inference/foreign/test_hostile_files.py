from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from foreign_networks import resnet
from gantrans.errors import CheckpointError
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


def test_a_missing_file_and_a_folder_do_not_hear_about_their_names(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="horses: No such file"):
        import_weights([tmp_path / "horses"], tmp_path / "in")
    with pytest.raises(CheckpointError, match="is a folder: give its files"):
        import_weights([tmp_path], tmp_path / "in")


@pytest.mark.skipif(os.name != "posix", reason="a pipe in the file system")
def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "latest_net_G.pth")
    with pytest.raises(CheckpointError, match=r"latest_net_G\.pth: it is a pipe or a device"):
        import_weights([tmp_path / "latest_net_G.pth"], tmp_path / "in")


def nested() -> Tensor:
    return torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged)


def wrapped_in_itself() -> dict[str, Any]:
    content: dict[str, Any] = {}
    content["model"] = content
    return content


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
        ({"model.1.weight": torch.ones(3).to_sparse()}, "no plain tensor in it but a nested or a"),
        ({"model.1.weight": nested()}, "no plain tensor in it but a nested or a sparse one"),
        ({"model.2.bias": torch.ones(4) > 0}, r"'model\.2\.bias' .* one of torch\.bool"),
        ({"model.1.weight": torch.ones(3) * 1j}, "one of torch.complex64"),
        (
            {"model.1.weight": torch.ones(1).expand(10**6, 3, 7, 7)},  # 6e14 bytes with its blocks
            r"of shape \(1000000, 3, 7, 7\), for which the file has too few values",
        ),
        (wrapped_in_itself(), "'model' is no plain tensor in it but of type 'dict'"),
    ],
)
def test_what_is_no_state_dict_is_refused(tmp_path: Path, content: Any, said: str) -> None:
    torch.save(content, tmp_path / "latest_net_G.pth")
    with pytest.raises(CheckpointError, match=said):
        import_weights([tmp_path / "latest_net_G.pth"], tmp_path / "in")


def test_names_of_levels_without_end_are_no_deep_network(tmp_path: Path) -> None:
    claims = {"model.model.0.weight": torch.ones(4, 3, 4, 4)}
    claims |= {f"model.model.1.model{'.3.model' * n}.x": torch.ones(1) for n in range(200)}
    torch.save(claims, tmp_path / "latest_net_G.pth")
    with pytest.raises(CheckpointError, match=r"a unet \(width 4, depth 20,.*'model.model.0.bias'"):
        import_weights([tmp_path / "latest_net_G.pth"], tmp_path / "in")


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_weights_that_are_not_finite_are_refused_by_name(tmp_path: Path, value: float) -> None:
    state = resnet().state_dict()
    state["model.4.bias"][1] = value
    torch.save(state, tmp_path / "latest_net_G.pth")
    with pytest.raises(CheckpointError, match=r"'model\.4\.bias' has values that are not finite"):
        import_weights([tmp_path / "latest_net_G.pth"], tmp_path / "in")
    assert not (tmp_path / "in").exists()


def test_whole_numbers_are_no_weights(tmp_path: Path) -> None:
    state = {**resnet().state_dict(), "model.4.bias": torch.arange(8)}
    torch.save(state, tmp_path / "latest_net_G.pth")
    with pytest.raises(CheckpointError, match=r"'model\.4\.bias' has values of torch\.int64"):
        import_weights([tmp_path / "latest_net_G.pth"], tmp_path / "in")
