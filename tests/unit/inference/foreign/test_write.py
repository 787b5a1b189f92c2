from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import gantrans
from foreign_networks import patchgan, picture, resnet, save, trained, unet
from gantrans.errors import CheckpointError, UsageError
from gantrans.inference.foreign.bring_in import import_weights
from gantrans.inference.foreign.write import export_weights
from gantrans.inference.weights import WeightsHeader, load_tensors, read_header, save_weights
from gantrans.plugin.registry import Registry

Keep = Callable[..., None]


@pytest.fixture
def keep(tmp_path: Path, registry: Registry) -> Keep:
    """Write a weights file of any component, beside the others of `tmp_path / "model"`."""

    def keep(role: str, name: str, **settings: Any) -> None:
        kind, _, end = role.rpartition("_")
        config = registry.config(kind, name, settings)
        channels = {"in_channels": 3, **({"out_channels": 3} if kind == "generator" else {})}
        header = WeightsHeader(
            kind=kind,
            component=config.model_dump(mode="json"),
            plugin={"name": "gantrans", "version": "0.1.0"},
            role=role,
            domains={"a": "summer", "b": "winter"},
            source=end[0] if kind == "generator" else None,
            target=end[-1],
            in_channels=3,
            out_channels=channels.get("out_channels"),
            value_range=(-1.0, 1.0),
            preprocessing={},
            step=9,
            run="seasons",
        )
        path = tmp_path / "model" / f"{role}.safetensors"
        path.parent.mkdir(exist_ok=True)
        save_weights(path, trained(config.build(**channels)).state_dict(), header)

    return keep


def test_a_model_of_ours_translates_the_same_in_their_network(tmp_path: Path, keep: Keep) -> None:
    keep("generator_ab", "resnet", width=4, blocks=6, dropout=0.3)
    keep("generator_ba", "unet", width=2, depth=5, norm="batch")
    theirs = {"winter": resnet(blocks=6, dropout=True), "summer": unet(depth=5, norm="batch")}

    exported = export_weights(tmp_path / "model", tmp_path / "out")

    assert [one.target.name for one in exported] == ["latest_net_G_A.pth", "latest_net_G_B.pth"]
    model = gantrans.load(tmp_path / "model", device="cpu")
    seen = picture(64)
    for target, file in zip(theirs, ("latest_net_G_A", "latest_net_G_B"), strict=True):
        state = torch.load(tmp_path / "out" / f"{file}.pth", weights_only=True)
        assert type(state) is dict
        network = theirs[target].eval()
        network.load_state_dict(state)
        with torch.inference_mode():
            expected = network(seen)
        found = model.translate_tensor(seen, target)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("roles", "form", "names"),
    [
        (("generator_ab",), "junyanz", ["e_net_G.pth"]),
        (("generator_ba",), "cut", ["e_net_G.pth"]),
        (("generator_ab", "discriminator_b"), "junyanz", ["e_net_G.pth", "e_net_D.pth"]),
        (("generator_ba",), "aitorzip", ["netG_B2A.pth"]),
        (
            ("generator_ab", "generator_ba", "discriminator_a", "discriminator_b"),
            "junyanz",
            ["e_net_G_A.pth", "e_net_G_B.pth", "e_net_D_B.pth", "e_net_D_A.pth"],
        ),
        (
            ("generator_ab", "generator_ba", "discriminator_a", "discriminator_b"),
            "aitorzip",
            ["netG_A2B.pth", "netG_B2A.pth", "netD_A.pth", "netD_B.pth"],
        ),
    ],
)
def test_files_are_called_as_their_project_calls_them(
    tmp_path: Path, keep: Keep, roles: tuple[str, ...], form: Any, names: list[str]
) -> None:
    for role in roles:
        if role.startswith("generator"):
            keep(role, "resnet", width=4, blocks=1)
        else:
            keep(role, "patchgan", width=4, pool="mean" if form == "aitorzip" else "none")
    exported = export_weights(tmp_path / "model", tmp_path / "out", form=form, name="e")
    assert [one.target for one in exported] == [tmp_path / "out" / name for name in names]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(names)


def test_one_generator_file_goes_out_alone(tmp_path: Path, keep: Keep) -> None:
    keep("generator_ab", "resnet", width=4, blocks=1)
    keep("generator_ba", "resnet", width=4, blocks=1)
    [one] = export_weights(tmp_path / "model" / "generator_ba.safetensors", tmp_path / "out")
    assert one.target == tmp_path / "out" / "latest_net_G.pth"


@pytest.mark.parametrize(
    ("role", "component", "settings", "form", "said"),
    [
        ("generator_ab", "resnet", {"upsample": "nearest"}, "cut", "no upsample = 'nearest'"),
        ("generator_ab", "resnet", {"halvings": 1}, "junyanz", "halve twice"),
        ("generator_ab", "resnet", {"norm": "group"}, "junyanz", "no group norm"),
        ("generator_ab", "resnet", {"norm": "none"}, "junyanz", "no none norm"),
        (
            "generator_ab",
            "resnet",
            {"norm": {"type": "instance", "affine": True}},
            "junyanz",
            "no instance norm with a scale",
        ),
        ("generator_ab", "resnet", {"upsample": "blur"}, "junyanz", "--format cut"),
        ("generator_ab", "resnet", {"downsample": "blur"}, "aitorzip", "--format cut"),
        ("generator_ab", "resnet", {"norm": "batch"}, "aitorzip", "instance norm and no dropout"),
        ("generator_ab", "resnet", {"dropout": 0.5}, "aitorzip", "instance norm and no dropout"),
        ("generator_ab", "unet", {"depth": 4}, "junyanz", "depth = 5 or more, this one 4"),
        ("generator_ab", "unet", {"upsample": "blur"}, "cut", "no U-Net with upsample = 'blur'"),
        ("generator_ab", "unet", {"depth": 5}, "aitorzip", "it has no unet"),
        ("discriminator_b", "patchgan", {"spectral": True}, "junyanz", "spectral"),
        ("discriminator_b", "patchgan", {"pool": "mean"}, "junyanz", "pool = 'none'"),
        ("discriminator_b", "patchgan", {}, "aitorzip", "pool = 'mean'"),
        ("discriminator_b", "patchgan", {"downsample": "blur"}, "junyanz", "--format cut"),
        ("discriminator_b", "pixel", {"norm": "layer"}, "junyanz", "no layer norm"),
        ("discriminator_b", "multiscale", {"scales": 2}, "junyanz", "no multiscale in them"),
    ],
)
def test_what_has_no_such_form_is_refused_by_name(
    tmp_path: Path,
    keep: Keep,
    role: str,
    component: str,
    settings: dict[str, Any],
    form: Any,
    said: str,
) -> None:
    small = {"resnet": {"width": 4, "blocks": 1}, "unet": {"width": 2}}
    keep("generator_ab", "resnet", **small["resnet"])
    keep(role, component, **{**small.get(component, {}), **settings})

    with pytest.raises(UsageError) as refused:
        export_weights(tmp_path / "model", tmp_path / "out", form=form)

    message = str(refused.value)
    assert f"{role}.safetensors cannot be written" in message and said in message
    assert ("--generators-only" in message) == role.startswith("discriminator")
    assert not (tmp_path / "out").exists()
    if role.startswith("discriminator"):
        export_weights(tmp_path / "model", tmp_path / "out", form=form, generators_only=True)
        assert len(list((tmp_path / "out").iterdir())) == 1


def test_the_antialiased_network_of_cut_goes_out_with_its_filters(
    tmp_path: Path, keep: Keep
) -> None:
    keep("generator_ab", "resnet", width=4, preset="cut")
    export_weights(tmp_path / "model", tmp_path / "out", form="cut")
    theirs = resnet(blocks=9, blur_down=True, blur_up=True)
    filters = {n: t for n, t in theirs.state_dict().items() if n.endswith(".filt")}
    found = torch.load(tmp_path / "out" / "latest_net_G.pth", weights_only=True)
    assert len(filters) == 4
    assert all(torch.equal(found[name], tensor) for name, tensor in filters.items())
    assert found.keys() == theirs.state_dict().keys()


def test_files_that_are_there_stay_unless_they_shall_go(tmp_path: Path, keep: Keep) -> None:
    keep("generator_ab", "resnet", width=4, blocks=1)
    there = tmp_path / "out" / "latest_net_G.pth"
    there.parent.mkdir()
    there.write_text("mine")
    with pytest.raises(UsageError, match=r"has latest_net_G\.pth already"):
        export_weights(tmp_path / "model", there.parent)
    assert there.read_text() == "mine"
    export_weights(tmp_path / "model", there.parent, overwrite=True)
    assert list(there.parent.iterdir()) == [there]
    assert torch.load(there, weights_only=True)


def test_a_name_that_no_file_can_have_is_said(tmp_path: Path, keep: Keep) -> None:
    keep("generator_ab", "resnet", width=4, blocks=1)
    with pytest.raises(CheckpointError, match=r"cannot write .*/out/w+_net_G\.pth: File name too"):
        export_weights(tmp_path / "model", tmp_path / "out", name="w" * 300)
    (tmp_path / "out").mkdir()
    with pytest.raises(UsageError, match=r"cannot write to the folder .*: File name too long"):
        export_weights(tmp_path / "model", tmp_path / "out", name="w" * 300)


@pytest.mark.parametrize("name", ["../elsewhere", "", "a/b", ".hidden"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, keep: Keep, name: str) -> None:
    keep("generator_ab", "resnet", width=4, blocks=1)
    with pytest.raises(UsageError, match="begins the files' names"):
        export_weights(tmp_path / "model", tmp_path / "out", name=name)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a file that takes nothing")
def test_a_disk_that_fills_up_leaves_nothing_behind(
    tmp_path: Path, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep("generator_ab", "resnet", width=4, blocks=1)
    keep("generator_ba", "resnet", width=4, blocks=1)
    device = Path("/dev/full")
    path_open = Path.open

    def opened(path: Path, mode: str = "r", *rest: Any, **options: Any) -> Any:
        full = mode == "wb" and path.name.endswith("G_B.pth")
        return path_open(device if full else path, mode, *rest, **options)

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(CheckpointError, match="make room on the disk") as said:
        export_weights(tmp_path / "model", tmp_path / "out")
    real = tmp_path / "out" / "latest_net_G_B.pth"
    assert str(said.value).startswith(f"cannot write {real}: No space left on device; ")
    assert not (tmp_path / "out").exists()


def test_weights_that_do_not_fit_their_header_are_refused(tmp_path: Path, keep: Keep) -> None:
    keep("generator_ab", "resnet", width=4, blocks=1)
    path = tmp_path / "model" / "generator_ab.safetensors"
    header = read_header(path)
    wider = replace(header, component={**header.component, "width": 8})
    save_weights(path, load_tensors(path, "cpu"), wider)
    with pytest.raises(CheckpointError, match=r"does not fit .*'layers\.1\.weight'"):
        export_weights(path, tmp_path / "out")


def test_what_came_in_from_uvcgan2_goes_out_for_values_from_minus_one_to_one(
    tmp_path: Path,
) -> None:
    theirs = trained(resnet(end=torch.nn.Sigmoid))
    import_weights([save(theirs, tmp_path / "net_gen_ab.pth")], tmp_path / "in")
    export_weights(tmp_path / "in", tmp_path / "out")
    plain = resnet().eval()
    plain.load_state_dict(torch.load(tmp_path / "out" / "latest_net_G.pth", weights_only=True))
    seen = picture(32)
    with torch.inference_mode():
        expected = 2 * theirs((seen + 1) / 2) - 1
        torch.testing.assert_close(plain(seen), expected, atol=1e-5, rtol=0)


def test_a_discriminator_of_a_domain_that_no_generator_writes_keeps_its_letter(
    tmp_path: Path,
) -> None:
    files = [
        save(resnet(), tmp_path / "latest_net_G_A.pth"),
        save(patchgan(), tmp_path / "latest_net_D_B.pth"),
    ]
    import_weights(files, tmp_path / "in")
    exported = export_weights(tmp_path / "in", tmp_path / "out")
    assert [one.target.name for one in exported] == ["latest_net_G_A.pth", "latest_net_D_B.pth"]
