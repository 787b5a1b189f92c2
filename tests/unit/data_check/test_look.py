from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance

from gantrans.api.dataset import ImageSource
from gantrans.api.folder_dataset import FolderSource
from gantrans.api.transform import DomainTransform
from gantrans.data_check.facts import ImageFacts
from gantrans.data_check.look import look
from gantrans.data_check.near import ALIKE, CLOSE
from pictures import photo

AS_IT_IS = DomainTransform.model_validate({})


@dataclass
class One(ImageSource):
    """One image that is no file."""

    what: Image.Image | torch.Tensor

    def __len__(self) -> int:
        return 1

    def image(self, index: int) -> Image.Image | torch.Tensor:
        return self.what

    def label(self, index: int) -> str:
        return "one"


def facts(image: Image.Image | torch.Tensor, channels: int = 3, **transform: object) -> ImageFacts:
    return look(One(image), 0, DomainTransform.model_validate(transform), channels)


def of_file(path: Path) -> ImageFacts:
    return look(FolderSource(path.parent, path.parent, (path.name,)), 0, AS_IT_IS, 3)


def apart(one: ImageFacts, other: ImageFacts) -> int:
    assert one.dhash is not None and other.dhash is not None
    return (one.dhash ^ other.dhash).bit_count()


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file)


@pytest.mark.parametrize(
    "change",
    [
        lambda image: jpeg(image, 40),
        lambda image: image.resize((100, 75), Image.Resampling.BICUBIC),
        lambda image: ImageEnhance.Brightness(image).enhance(0.8),
        lambda image: image.crop((2, 2, 198, 148)),
        lambda image: image.convert("L"),
    ],
    ids=["recompressed", "smaller", "darker", "cropped", "gray"],
)
def test_a_changed_copy_still_looks_the_same(change: object) -> None:
    for seed in range(10):
        image = photo(seed, (200, 150))
        one, other = facts(image), facts(change(image))  # type: ignore[operator]
        assert one.digest != other.digest
        assert apart(one, other) <= CLOSE
        a, b = (np.frombuffer(f.thumbnail, np.uint8).astype(float) for f in (one, other))
        assert np.corrcoef(a, b)[0, 1] >= ALIKE


def test_different_pictures_look_different() -> None:
    seen = [facts(photo(seed)) for seed in range(30)]
    assert min(apart(a, b) for i, a in enumerate(seen) for b in seen[:i]) > CLOSE


def test_equal_pixels_have_one_digest_whatever_the_file(tmp_path: Path) -> None:
    photo(1).save(tmp_path / "a.png")
    photo(1).save(tmp_path / "b.bmp")
    assert of_file(tmp_path / "a.png").digest == of_file(tmp_path / "b.bmp").digest
    turned = facts(Image.new("RGB", (30, 20))), facts(Image.new("RGB", (20, 30)))
    assert turned[0].digest != turned[1].digest


def test_a_flat_picture_has_no_look() -> None:
    noise = np.random.default_rng(0).integers(126, 130, (48, 64, 3), np.uint8)
    for image in (Image.new("RGB", (64, 48), "navy"), Image.fromarray(noise)):
        assert facts(image).dhash is None


def test_contrast_is_the_deviation_of_the_channel_that_varies_most() -> None:
    pixels = np.full((32, 32, 3), 100, np.uint8)
    pixels[:, 16:, 1] = 200  # half of the green ones: 100 or 200
    assert facts(Image.fromarray(pixels)).contrast == pytest.approx(50 / 127.5)
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 255
    assert facts(Image.fromarray(red)).contrast == 0


def test_contrast_is_that_of_the_size_that_training_sees() -> None:
    checks = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    image = Image.fromarray(checks).convert("RGB")
    assert facts(image).contrast == pytest.approx(1, abs=0.01)
    assert facts(image, resize=32).contrast == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(
    ("image", "colourful"),
    [
        (photo(0), True),
        (photo(0).convert("L"), False),
        (photo(0).convert("L").convert("RGB"), False),
        (jpeg(photo(0).convert("L").convert("RGB"), 60), False),
        (Image.new("RGB", (40, 40), (90, 70, 50)), True),
    ],
)
def test_gray_is_what_shows_no_colour_however_it_is_stored(
    image: Image.Image, colourful: bool
) -> None:
    assert facts(image).colourful is colourful


@pytest.mark.parametrize(
    ("mode", "name", "stored"),
    [
        ("RGB", "a.png", "RGB"),
        ("RGBA", "a.png", "RGB with alpha"),
        ("L", "a.jpg", "gray"),
        ("P", "a.png", "palette"),
        ("CMYK", "a.jpg", "CMYK"),
        ("1", "a.png", "1 bit"),
        ("I;16", "a.png", "gray 16 bit"),
    ],
)
def test_how_a_file_keeps_its_pixels_is_told(
    mode: str, name: str, stored: str, tmp_path: Path
) -> None:
    photo(0).convert("L" if mode == "I;16" else mode).convert(mode).save(tmp_path / name)
    assert of_file(tmp_path / name).stored == stored


def test_colours_of_sixteen_bits_are_told_though_pillow_reads_eight(tmp_path: Path) -> None:
    import struct
    import zlib

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    rows = b"".join(b"\0" + bytes(range(48)) for _ in range(8))  # 8 x 8, six bytes a pixel
    head = struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0)
    parts = (b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    (tmp_path / "a.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)
    )
    assert of_file(tmp_path / "a.png").stored == "RGB 16 bit"


def test_exif_turns_the_size_and_is_told(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    photo(0, (60, 40)).save(tmp_path / "a.jpg", exif=exif)
    seen = of_file(tmp_path / "a.jpg")
    assert (seen.size, seen.turned) == ((40, 60), True)


@pytest.mark.parametrize("name", ["a.webp", "a.png", "a.tif", "gif.png"])
def test_images_behind_the_first_are_told(name: str, tmp_path: Path) -> None:
    kind = {".webp": "WEBP", ".tif": "TIFF"}.get(Path(name).suffix, "PNG")
    kind = "GIF" if name.startswith("gif") else kind
    photo(0).save(tmp_path / name, kind, save_all=True, append_images=[photo(1), photo(2)])
    seen = of_file(tmp_path / name)
    assert seen.several and not seen.error
    photo(0).save(tmp_path / name, kind)
    assert not of_file(tmp_path / name).several


def test_a_telephones_photograph_with_a_preview_behind_it_is_one_image(tmp_path: Path) -> None:
    photo(0).save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[photo(1)])
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.format == "MPO"
    assert not of_file(tmp_path / "a.jpg").several


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    photo(0, (200, 200)).save(tmp_path / "whole.png")
    whole = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "broken.png").symlink_to(tmp_path / "nowhere.png")
    assert "truncated" in of_file(tmp_path / "half.png").error
    assert of_file(tmp_path / "empty.png").error == "it is no image of a known format"
    assert of_file(tmp_path / "broken.png").error == "No such file or directory"


def test_an_image_beyond_pillows_limit_is_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo(0).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 64 * 48 // 3)
    assert of_file(tmp_path / "a.png").error == (
        "it has more than 2,048 pixels, the most that Pillow reads"
    )


def test_tensors_are_looked_at_as_they_are() -> None:
    x = torch.linspace(-1, 1, 4 * 20 * 30).reshape(4, 20, 30)
    seen = facts(x, channels=4)
    assert seen.size == (30, 20) and seen.stored == "tensor of 4" and seen.colourful is None
    assert seen.contrast == pytest.approx(float(x.flatten(1).std(1, correction=0).max()), rel=1e-4)
    assert seen.digest == facts(x.clone(), channels=4).digest != facts(x + 0.01, channels=4).digest
    x[0, 0, 0] = torch.nan
    assert "finite" in facts(x, channels=4).error
