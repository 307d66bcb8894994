"""Training and the device see the same pixels in a file of any mode: `train.data.images` and `edge.sight.images`."""

import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from odd_images import odd_exif
from PIL import Image

from edge.bundle.manifest import Input
from edge.errors import UserError
from edge.sight.images import load_image
from train.data.images import UNREADABLE, decode

ROOT = Path(__file__).parents[1]
SIZE = (24, 18)  # (width, height)
RAMP = np.linspace(0, 255, SIZE[0] * SIZE[1]).reshape(SIZE[::-1])
BYTES = RAMP.astype(np.uint8)
SIXTEEN = (RAMP * 257).astype(np.uint16)
COLOUR = np.stack([BYTES, BYTES[::-1], 255 - BYTES], -1)
RULES = {1: Input(SIZE[::-1], 1, "BT709", 1 / 255, "stretch"), 3: Input(SIZE[::-1], 3, "RGB", 1 / 255, "stretch")}


def of_mode(mode):
    return Image.fromarray(COLOUR).convert(mode)


def with_alpha(mode):
    image = of_mode(mode)
    image.putalpha(Image.fromarray(BYTES[:, ::-1].copy()))
    return image


FILES = {
    "1.png": of_mode("1"),
    "L.png": of_mode("L"),
    "LA.png": with_alpha("L"),
    "P.png": of_mode("P"),
    "P.gif": of_mode("P"),
    "RGB.png": of_mode("RGB"),
    "RGB.jpg": of_mode("RGB"),
    "RGB.webp": of_mode("RGB"),
    "RGB.bmp": of_mode("RGB"),
    "RGB.ppm": of_mode("RGB"),
    "RGBA.png": with_alpha("RGB"),
    "RGBA.tif": with_alpha("RGB"),
    "CMYK.jpg": of_mode("CMYK"),
    "CMYK.tif": of_mode("CMYK"),
    "YCbCr.tif": of_mode("YCbCr"),
    "I16.png": Image.fromarray(SIXTEEN),
    "I16.tif": Image.fromarray(SIXTEEN),
    "I16_dark.png": Image.fromarray(BYTES.astype(np.uint16)),
    "I16.pgm": Image.fromarray(SIXTEEN.astype(np.int32)),
    "I.tif": Image.fromarray(SIXTEEN.astype(np.int32)),
    "F_shares.tif": Image.fromarray((RAMP / 255).astype(np.float32)),
    "F_bytes.tif": Image.fromarray(RAMP.astype(np.float32)),
}


def pixels(path, channels):
    """Returns what training sees in a file, after what the device does is found to be the same."""
    trained = np.asarray(decode(path.read_bytes(), channels)).reshape(*SIZE[::-1], channels)
    np.testing.assert_array_equal(load_image(path, RULES[channels]), trained)
    return trained


def written(folder, name, image, **options):
    image.save(folder / name, **options)
    return folder / name


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", FILES)
def test_every_mode_is_seen_alike(tmp_path, name, channels):
    seen = pixels(written(tmp_path, name, FILES[name]), channels)
    if name == "I16_dark.png":  # by its depth, not by its largest value
        assert seen.max() == 1
    elif name.startswith(("I", "F")):
        np.testing.assert_allclose(seen[..., 0], RAMP, atol=1)
    else:
        assert seen.std() > 10


def test_a_palette_with_a_transparent_colour_is_seen_alike(tmp_path):
    seen = pixels(written(tmp_path, "a.png", of_mode("P"), transparency=int(np.asarray(of_mode("P"))[0, 0])), 3)
    assert seen[0, 0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_alike(tmp_path, orientation, suffix):
    upright = Image.fromarray(COLOUR)
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}.get(orientation)  # Pillow's ways to lay it as the camera did
    exif = Image.Exif()
    exif[0x0112] = orientation
    lying = upright if back is None else upright.transpose(Image.Transpose(back))
    seen = pixels(written(tmp_path, f"a.{suffix}", lying, exif=exif, quality=95), 3)
    np.testing.assert_allclose(seen.astype(int), COLOUR, atol=0 if suffix in ("png", "tif") else 60)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -3.0])
def test_odd_real_numbers_are_seen_alike(tmp_path, value):
    real = (RAMP / 255).astype(np.float32)
    real[0, 0] = value
    seen = pixels(written(tmp_path, "a.tif", Image.fromarray(real)), 1)
    assert seen[0, 0, 0] == (255 if value == np.inf else 0)
    np.testing.assert_allclose(seen[1:, :, 0], RAMP[1:], atol=1)


def test_odd_tags_beside_the_orientation_do_not_matter(tmp_path):
    (tmp_path / "a.jpg").write_bytes(odd_exif(Image.fromarray(COLOUR)))
    np.testing.assert_allclose(pixels(tmp_path / "a.jpg", 3).astype(int), COLOUR, atol=60)


@pytest.mark.parametrize("tag", [0x010E, 0x011A, 0x0110])
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
@pytest.mark.parametrize("order", "<>")
def test_a_tag_that_lies_outside_the_file_does_not_matter(tmp_path, order, suffix, tag):
    start = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "LH", 8, 2)
    far = struct.pack(order + "HHLL", tag, 5, 2, 2**24), struct.pack(order + "HHLHH", 0x0112, 3, 1, 6, 0)
    lying = Image.fromarray(COLOUR).transpose(Image.Transpose.ROTATE_90)
    path = written(tmp_path, f"a.{suffix}", lying, exif=b"Exif\0\0" + start + b"".join(far) + b"\0\0\0\0", quality=95)
    np.testing.assert_allclose(pixels(path, 3).astype(int), COLOUR, atol=60)


@pytest.mark.parametrize(
    "values", [(RAMP * 257 * 257).astype(np.int32), (RAMP * -200).astype(np.int32), (RAMP * 257).astype(np.float32)]
)
def test_numbers_of_an_unknown_scale_are_refused_by_both(tmp_path, values):
    path = written(tmp_path, "a.tif", Image.fromarray(values))
    with pytest.raises(ValueError, match="reach"):
        decode(path.read_bytes(), 1)
    with pytest.raises(UserError, match="reach"):
        load_image(path, RULES[1])


def test_shares_a_little_above_white_are_shares(tmp_path):
    path = written(tmp_path, "a.tif", Image.fromarray((RAMP / 255 * 1.2).astype(np.float32)))
    np.testing.assert_allclose(pixels(path, 1)[..., 0], np.minimum(RAMP * 1.2, 255), atol=1)


def test_the_device_turns_an_image_with_an_odd_tag(tmp_path):
    (tmp_path / "odd.jpg").write_bytes(odd_exif(Image.fromarray(COLOUR)))
    with Image.open(tmp_path / "odd.jpg") as lying:
        lying.transpose(Image.Transpose.ROTATE_270).save(tmp_path / "upright.png")
    images = tmp_path / "odd.jpg", tmp_path / "upright.png"
    command = [sys.executable, "-m", "edge.run", "--bundle=models/cluttered_mnist", "--json", *images]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    odd, upright = map(json.loads, done.stdout.splitlines())
    assert (odd["prediction"], odd["probability"]) == (upright["prediction"], upright["probability"])


@pytest.mark.parametrize("damage", [b"", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 24 18\n", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_image_is_none_to_both(tmp_path, damage):
    (tmp_path / "a.png").write_bytes(damage)
    with pytest.raises(UNREADABLE):
        decode(damage, 1)
    with pytest.raises(UserError, match="cannot be read as an image"):
        load_image(tmp_path / "a.png", RULES[1])
