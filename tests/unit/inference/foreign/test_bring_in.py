from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import gantrans
from foreign_networks import patchgan, picture, pixel, resnet, save, trained, unet
from gantrans.api.discriminator import Discriminator
from gantrans.inference.foreign.bring_in import import_weights
from gantrans.inference.foreign.write import export_weights
from gantrans.inference.weights import WeightsHeader, load_tensors, read_header
from gantrans.plugin.registry import Registry

GENERATORS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "resnet 9": (lambda: resnet(blocks=9), 32),
    "resnet 6": (lambda: resnet(blocks=6), 32),
    "resnet 3, wider": (lambda: resnet(width=6, blocks=3), 32),
    "resnet without blocks": (lambda: resnet(blocks=0), 32),
    "dropout": (lambda: resnet(dropout=True), 32),
    "batch norm": (lambda: resnet(norm="batch"), 32),
    "batch norm and dropout": (lambda: resnet(norm="batch", dropout=True), 32),
    "gray to colour": (lambda: resnet(channels=(1, 3)), 32),
    "colour to gray": (lambda: resnet(channels=(3, 1), norm="batch"), 32),
    "CUT": (lambda: resnet(blocks=9, blur_down=True, blur_up=True), 32),
    "CUT, batch norm and dropout": (
        lambda: resnet(norm="batch", dropout=True, blur_down=True, blur_up=True),
        32,
    ),
    "CUT, antialiased on the way down": (lambda: resnet(blur_down=True), 32),
    "unet 128": (lambda: unet(), 128),
    "unet 256": (lambda: unet(depth=8), 256),
    "unet of five levels": (lambda: unet(depth=5), 64),
    "pix2pix": (lambda: unet(norm="batch", dropout=True), 128),
    "unet, gray to colour": (lambda: unet(channels=(1, 3)), 128),
}


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_translates_as_it_did_there_and_goes_out_as_it_came_in(
    tmp_path: Path, name: str
) -> None:
    make, side = GENERATORS[name]
    theirs = trained(make())
    file = save(theirs, tmp_path / "latest_net_G.pth")

    import_weights([file], tmp_path / "in")
    export_weights(tmp_path / "in", tmp_path / "out", form="cut" if "CUT" in name else "junyanz")

    model = gantrans.load(tmp_path / "in", device="cpu")
    seen = picture(side, model.generators["b"].in_channels)
    with torch.inference_mode():
        expected = theirs(seen)
    assert expected.std() > 0.1  # there is something to compare
    torch.testing.assert_close(model.translate_tensor(seen), expected, atol=1e-5, rtol=0)
    back = torch.load(tmp_path / "out" / "latest_net_G.pth", weights_only=True)
    same_tensors(back, theirs.state_dict())


def same_tensors(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name


@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_a_generator_of_uvcgan2_translates_as_in_its_own_range(tmp_path: Path, norm: str) -> None:
    theirs = trained(resnet(norm=norm, end=nn.Sigmoid))
    file = save(theirs, tmp_path / "net_gen_ab.pth")

    import_weights([file], tmp_path / "in")

    seen = picture(32)
    with torch.inference_mode():
        expected = 2 * theirs((seen + 1) / 2) - 1
    found = gantrans.load(tmp_path / "in", device="cpu").translate_tensor(seen)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_statistics_that_instance_norms_kept_before_torch_0_4_are_left_out(tmp_path: Path) -> None:
    theirs = trained(resnet())
    old = dict(theirs.state_dict())
    for layer in ("model.2", "model.5", "model.8", "model.10.conv_block.2", "model.13"):
        old |= {f"{layer}.running_mean": torch.rand(4), f"{layer}.running_var": torch.rand(4)}
    old["model.2.num_batches_tracked"] = torch.tensor(9)
    torch.save(old, tmp_path / "a_net_G.pth", _use_new_zipfile_serialization=False)

    _, notes = import_weights([tmp_path / "a_net_G.pth"], tmp_path / "in")

    assert "running statistics" in notes[0]
    assert translates_as(tmp_path / "in", theirs)


def translates_as(model: Path, theirs: nn.Module, to: str | None = None) -> bool:
    seen = picture(32)
    with torch.inference_mode():
        expected = theirs(seen)
    found = gantrans.load(model, device="cpu").translate_tensor(seen, to)
    return torch.allclose(found, expected, atol=1e-5, rtol=0)


def test_batch_norms_of_before_torch_0_4_1_lack_a_count_and_need_none(tmp_path: Path) -> None:
    theirs = trained(resnet(norm="batch"))
    old = {n: t for n, t in theirs.state_dict().items() if not n.endswith("num_batches_tracked")}
    torch.save(old, tmp_path / "net_G.pth")
    import_weights([tmp_path / "net_G.pth"], tmp_path / "in")
    assert translates_as(tmp_path / "in", theirs)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
        lambda state: {f"_orig_mod.module.{name}": tensor for name, tensor in state.items()},
        lambda state: {f"module._orig_mod.{name}": tensor for name, tensor in state.items()},
        lambda state: {"epoch": 3, "state_dict": dict(state), "optimizer": {"state": {}}},
        lambda state: {"model": {f"module.{name}": tensor for name, tensor in state.items()}},
        lambda state: {name: nn.Parameter(tensor) for name, tensor in state.items()},
    ],
)
def test_what_wraps_a_state_dict_is_taken_off(tmp_path: Path, wrap: Callable) -> None:
    theirs = trained(resnet())
    torch.save(wrap(theirs.state_dict()), tmp_path / "net_G.pth")
    import_weights([tmp_path / "net_G.pth"], tmp_path / "in")
    assert translates_as(tmp_path / "in", theirs)


def test_half_precision_becomes_float32(tmp_path: Path) -> None:
    theirs = trained(resnet(blur_down=True, blur_up=True)).half()
    save(theirs, tmp_path / "net_G.pth")
    import_weights([tmp_path / "net_G.pth"], tmp_path / "in")
    assert translates_as(tmp_path / "in", theirs.float())


DISCRIMINATORS: dict[str, Callable[[], nn.Module]] = {
    "70 x 70": lambda: patchgan(),
    "one layer": lambda: patchgan(layers=1),
    "five layers": lambda: patchgan(width=2, layers=5),
    "batch norm": lambda: patchgan(norm="batch"),
    "antialiased": lambda: patchgan(blur=True),
    "gray": lambda: patchgan(channels=1),
    "pixel": lambda: pixel(),
    "pixel, batch norm": lambda: pixel(norm="batch"),
}


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_a_discriminator_judges_as_it_did_there_and_goes_out_as_it_came_in(
    tmp_path: Path, registry: Registry, name: str
) -> None:
    theirs = trained(DISCRIMINATORS[name]())
    judged = next(iter(theirs.state_dict().values())).shape[1]
    files = [
        save(theirs, tmp_path / "latest_net_D.pth"),
        save(trained(resnet(channels=(3, judged))), tmp_path / "latest_net_G.pth"),
    ]

    import_weights(files, tmp_path / "in")
    export_weights(tmp_path / "in", tmp_path / "out", form="cut")

    ours, _ = discriminator(tmp_path / "in" / "discriminator_b.safetensors", registry)
    assert judges_as(ours, theirs)
    back = torch.load(tmp_path / "out" / "latest_net_D.pth", weights_only=True)
    same_tensors(back, theirs.state_dict())


def discriminator(path: Path, registry: Registry) -> tuple[Discriminator, WeightsHeader]:
    header = read_header(path)
    config = registry.config("discriminator", header.component["type"], header.component)
    network = config.build(in_channels=header.in_channels)
    network.load_state_dict(load_tensors(path, "cpu"))
    return network.eval(), header


def judges_as(ours: Discriminator, theirs: nn.Module) -> bool:
    seen = picture(192, ours.in_channels)  # the least that five layers take
    with torch.inference_mode():
        expected, found = theirs(seen), ours(seen)
    return found.shape == expected.shape and torch.allclose(found, expected, atol=1e-5, rtol=0)


def test_the_scores_of_aitorzips_discriminators_are_averaged(
    tmp_path: Path, registry: Registry
) -> None:
    theirs = trained(patchgan(pool=True))
    import_weights([save(theirs, tmp_path / "netD_A.pth")], tmp_path / "in")
    ours, _ = discriminator(tmp_path / "in" / "discriminator_a.safetensors", registry)
    assert judges_as(ours, theirs)


def test_a_discriminator_that_sees_the_input_too_says_so(
    tmp_path: Path, registry: Registry
) -> None:
    theirs = trained(patchgan(channels=4))
    files = [
        save(theirs, tmp_path / "latest_net_D.pth"),
        save(trained(unet(channels=(1, 3))), tmp_path / "latest_net_G.pth"),
    ]

    import_weights(files, tmp_path / "in", direction="ba")

    ours, header = discriminator(tmp_path / "in" / "discriminator_a.safetensors", registry)
    assert (header.source, header.target, header.in_channels) == ("b", "a", 4)
    assert judges_as(ours, theirs)


@pytest.mark.parametrize(
    ("names", "pool"),
    [
        (("5_net_G_A", "5_net_G_B", "5_net_D_B", "5_net_D_A"), False),
        (("netG_A2B", "netG_B2A", "netD_A", "netD_B"), True),
    ],
)
def test_each_file_lands_where_its_project_means_it(
    tmp_path: Path, registry: Registry, names: tuple[str, ...], pool: bool
) -> None:
    """junyanz's D_A judges what G_A makes, of domain B; aitorzip's netD_A judges domain A."""
    g_ab, g_ba = trained(resnet(), 1), trained(resnet(), 2)
    d_a, d_b = trained(patchgan(pool=pool), 3), trained(patchgan(pool=pool), 4)
    networks = (g_ab, g_ba, d_a, d_b)
    files = [
        save(network, tmp_path / f"{name}.pth")
        for network, name in zip(networks, names, strict=True)
    ]
    form = "aitorzip" if pool else "junyanz"

    import_weights(files, tmp_path / "in", a="horse", b="zebra")
    export_weights(tmp_path / "in", tmp_path / "out", form=form, name="5")

    assert translates_as(tmp_path / "in", g_ab, "zebra")
    assert translates_as(tmp_path / "in", g_ba, "horse")
    for domain, theirs in (("a", d_a), ("b", d_b)):
        path = tmp_path / "in" / f"discriminator_{domain}.safetensors"
        ours, header = discriminator(path, registry)
        assert (header.role, header.source, header.target) == (path.stem, None, domain)
        assert judges_as(ours, theirs)
    for file, theirs in zip(files, networks, strict=True):
        back = torch.load(tmp_path / "out" / file.name, weights_only=True)
        same_tensors(back, theirs.state_dict())


def test_the_header_says_what_was_recognised(tmp_path: Path) -> None:
    file = save(trained(resnet(blocks=6, dropout=True, norm="batch")), tmp_path / "net_G.pth")

    [imported], notes = import_weights([file], tmp_path / "horses", a="horse", b="zebra")

    header = read_header(tmp_path / "horses" / "generator_ab.safetensors")
    assert header == imported.header
    assert header.component == {
        "type": "resnet",
        "width": 4,
        "blocks": 6,
        "halvings": 2,
        "norm": {"type": "batch"},
        "dropout": 0.5,
        "downsample": "stride",
        "upsample": "transpose",
    }
    assert header.domains == {"a": "horse", "b": "zebra"}
    assert (header.source, header.target, header.step, header.run) == ("a", "b", 0, "horses")
    assert header.plugin == {"name": "gantrans", "version": gantrans.__version__}
    expected = {"resize": 286, "resize_mode": "exact", "crop": 256, "flip": True}
    assert header.preprocessing.items() >= expected.items()
    weights = load_tensors(imported.target, "cpu")
    assert imported.parameters == sum(
        t.numel() for n, t in weights.items() if not n.rpartition(".")[2].startswith(("run", "num"))
    )
    assert not notes


def test_the_paper_s_generator_has_the_paper_s_parameters(tmp_path: Path) -> None:
    file = save(resnet(width=64, blocks=9), tmp_path / "latest_net_G_A.pth")
    [imported], _ = import_weights([file], tmp_path / "in")
    assert imported.parameters == 11_378_179


def test_averaged_weights_are_preferred(tmp_path: Path) -> None:
    theirs = trained(resnet(end=nn.Sigmoid), 1)
    files = [
        save(trained(resnet(end=nn.Sigmoid), 2), tmp_path / "0100_net_gen_ab.pth"),
        save(theirs, tmp_path / "0100_net_avg_gen_ab.pth"),
        save(trained(patchgan()), tmp_path / "0100_net_disc_a.pth"),
    ]

    for order in (files, files[::-1]):
        [imported], notes = import_weights(order, tmp_path / "in", overwrite=True)
        assert imported.source == files[1]
        assert sum("running mean" in note for note in notes) == 1
        assert sum("0100_net_disc_a.pth: it judges images in [0, 1]" in n for n in notes) == 1


def test_averaged_weights_that_were_not_given_are_not_taken_silently(tmp_path: Path) -> None:
    given = save(trained(resnet(end=nn.Sigmoid)), tmp_path / "net_gen_ab.pth")
    mean = save(trained(resnet(end=nn.Sigmoid), 1), tmp_path / "net_avg_gen_ab.pth")
    [imported], [note] = import_weights([given], tmp_path / "in")
    assert imported.source == given
    assert str(mean) in note


def test_the_network_that_compares_patches_is_left_out(tmp_path: Path) -> None:
    mlp = nn.Sequential(nn.Linear(3, 4))
    files = [
        save(trained(resnet()), tmp_path / "latest_net_G.pth"),
        save(mlp, tmp_path / "latest_net_F.pth"),
    ]
    [imported], [note] = import_weights(files, tmp_path / "in")
    assert imported.source == files[0]
    assert "latest_net_F.pth" in note


def test_a_file_of_any_name_is_what_the_user_says(tmp_path: Path) -> None:
    theirs = trained(resnet(end=nn.Sigmoid))
    plain = trained(resnet(), 1)
    files = [save(theirs, tmp_path / "one.bin"), save(plain, tmp_path / "latest_net_G_A.pth")]

    import_weights(files[:1], tmp_path / "in", project="uvcgan2", roles=["generator_ba"])
    import_weights(files[1:], tmp_path / "in", project="cut", roles=["generator_ab"])

    seen = picture(32)
    with torch.inference_mode():
        expected = 2 * theirs((seen + 1) / 2) - 1
    found = gantrans.load(tmp_path / "in", device="cpu").translate_tensor(seen, "a")
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert translates_as(tmp_path / "in", plain, "b")
