"""Every built-in component, registered through the same hook as anyone's. Imports no torch."""

from __future__ import annotations

from gantrans.api.component import ComponentRef, Kind
from gantrans.plugin.hookspecs import hookimpl

_HOME = "gantrans.builtins"


def _ref(kind: Kind, target: str, summary: str) -> ComponentRef:
    """The module is named after the component: "losses.cycle:Cycle" is the loss "cycle"."""
    name = target.partition(":")[0].rpartition(".")[2]
    return ComponentRef(kind, name, f"{_HOME}.{target}", summary)


@hookimpl
def gantrans_components() -> list[ComponentRef]:
    """What gantrans itself brings."""
    return [
        _ref("generator", "generators.resnet:ResNet", "CycleGAN's residual generator"),
        _ref("generator", "generators.unet:UNet", "pix2pix's U-Net, with skips across"),
        _ref("discriminator", "discriminators.patchgan:PatchGAN", "judges overlapping patches"),
        _ref("discriminator", "discriminators.pixel:Pixel", "judges every pixel by its colour"),
        _ref("discriminator", "discriminators.multiscale:Multiscale", "judges at several sizes"),
        _ref("normalizer", "normalizers.instance:Instance", "each channel of each image apart"),
        _ref("normalizer", "normalizers.batch:Batch", "each channel over the whole batch"),
        _ref("normalizer", "normalizers.group:Group", "groups of channels of each image"),
        _ref("normalizer", "normalizers.layer:Layer", "all channels of each image together"),
        _ref("normalizer", "normalizers.none:NoNormalizer", "no normalisation"),
        _ref("loss", "losses.adversarial:Adversarial", "look like the other domain"),
        _ref("loss", "losses.cycle:Cycle", "there and back gives the same image"),
        _ref("loss", "losses.identity:Identity", "leave the target domain's images alone"),
        _ref("loss", "losses.l1:L1", "what paired data says it should be"),
        _ref("loss", "losses.patch_nce:PatchNCE", "a patch is known by its place, as in CUT"),
        _ref("loss", "losses.ssim:SSIM", "share the structure, window by window"),
        _ref("loss", "losses.total_variation:TotalVariation", "neighbouring pixels differ little"),
        _ref("loss", "losses.gradient_penalty:GradientPenalty", "WGAN-GP: critics of slope 1"),
        _ref("loss", "losses.r1:R1", "discriminators flat at real images"),
        _ref("dataset", "datasets.seasons:Seasons", "drawn summer and winter landscapes"),
        _ref("dataset", "datasets.unpaired_folder:UnpairedFolder", "two folders of images"),
        _ref(
            "dataset",
            "datasets.paired_folder:PairedFolder",
            "pairs of images: two folders, or side by side",
        ),
        _ref("dataset", "datasets.single_image:SingleImage", "one picture a domain"),
        _ref("method", "methods.cyclegan:CycleGAN", "two generators, two discriminators, cycles"),
        _ref("method", "methods.pix2pix:Pix2Pix", "pairs, and a judge that sees the input too"),
        _ref("method", "methods.cut:CUT", "one way; patches keep their place (CUT, FastCUT)"),
        _ref("metric", "metrics.psnr:PSNR", "peak signal-to-noise ratio to the truth"),
        _ref("metric", "metrics.ssim:SSIM", "structural similarity to the truth"),
        _ref("metric", "metrics.l1:L1", "mean absolute difference to the truth"),
        _ref("metric", "metrics.swd:SWD", "sliced Wasserstein distance to real images"),
        _ref("metric", "metrics.cycle:Cycle", "what there and back loses of an image"),
        _ref("tracker", "trackers.jsonl:JSONL", "numbers as lines of JSON in the run directory"),
    ]
