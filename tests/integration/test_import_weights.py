"""`gantrans import-weights` and `export-weights` as a user meets them: `.pth` files in and out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from foreign_networks import patchgan, resnet, save, trained
from gantrans.cli import main


def gantrans(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out, printed.err


def parameters(network: nn.Module) -> str:
    return f"{sum(weights.numel() for weights in network.parameters()):,}"


def test_a_model_comes_in_translates_a_picture_and_goes_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs, judge = trained(resnet(blocks=6)), trained(patchgan())
    files = [
        save(theirs, tmp_path / "latest_net_G_A.pth"),
        save(judge, tmp_path / "latest_net_D_A.pth"),
    ]
    pixels = np.random.default_rng(0).integers(0, 256, (40, 52, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "p.png")
    model = tmp_path / "zebras"

    names = ("--a", "horse", "--b", "zebra")
    code, said, _ = gantrans(capsys, "import-weights", *files, "--out", model, *names)

    assert code == 0
    assert said.splitlines() == [
        f"{files[0]} -> {model / 'generator_ab.safetensors'}: translates horse to zebra; resnet "
        f"(width 4, blocks 6, norm instance); {parameters(theirs)} parameters",
        f"{files[1]} -> {model / 'discriminator_b.safetensors'}: judges zebra; patchgan (width 4, "
        f"layers 3, norm instance); {parameters(judge)} parameters",
    ]

    out = tmp_path / "out"
    arguments = ("translate", model, tmp_path / "p.png", "--to", "zebra", "--out", out)
    code, _, _ = gantrans(capsys, *arguments)
    assert code == 0
    with torch.inference_mode():
        seen = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1
        expected = ((theirs(seen)[0] + 1) * 127.5).round().permute(1, 2, 0).numpy()
    with Image.open(out / "p.png") as image:
        assert np.abs(np.asarray(image).astype(float) - expected).max() <= 1  # a rounded half

    code, said, _ = gantrans(capsys, "export-weights", model, "--out", tmp_path / "back")
    assert code == 0
    assert said.splitlines()[0].endswith(f"-> {tmp_path / 'back' / 'latest_net_G.pth'}")
    back = torch.load(tmp_path / "back" / "latest_net_G.pth", weights_only=True)
    assert all(torch.equal(back[name], t) for name, t in theirs.state_dict().items())


def test_a_refused_file_is_one_message_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = save(resnet(norm="affine"), tmp_path / "latest_net_G.pth")
    code, said, error = gantrans(capsys, "import-weights", file, "--out", tmp_path / "in")
    assert (code, said) == (1, "")
    assert len(error.splitlines()) == 1 and "model.2.running_mean" in error
    assert not (tmp_path / "in").exists()

    file = file.rename(tmp_path / "generator.pth")
    code, _, error = gantrans(capsys, "import-weights", file, "--out", tmp_path / "in")
    assert code == 2 and "--as" in error


def test_an_export_that_has_no_such_form_is_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = save(resnet(blur_down=True, blur_up=True), tmp_path / "latest_net_G.pth")
    gantrans_in, out = tmp_path / "in", tmp_path / "out"
    assert gantrans(capsys, "import-weights", file, "--out", gantrans_in)[0] == 0
    code, said, error = gantrans(capsys, "export-weights", gantrans_in, "--out", out)
    assert (code, said) == (2, "")
    assert len(error.splitlines()) == 1 and "--format cut" in error
    arguments = ("export-weights", gantrans_in, "--out", out, "--format", "cut")
    assert gantrans(capsys, *arguments)[0] == 0
