import numpy as np
import pytest
from PIL import Image

from edge.errors import UserError
from edge.images import Fit, expand, load_image, model_pixels, open_image

GREY = {"input": {"size": [4, 6], "channels": 1, "colour": "L", "resize": "stretch"}}


def save(path, array, **options):
    Image.fromarray(array).save(path, **options)
    return path


def test_folders_are_expanded_in_natural_order(tmp_path):
    for name in ("10.png", "2.png", "1.JPG", "b.txt", ".hidden.png"):
        (tmp_path / name).touch()
    (tmp_path / "deeper").mkdir()
    missing = tmp_path / "none.png"
    assert [path.name for path in expand([missing, tmp_path])] == ["none.png", "1.JPG", "2.png", "10.png"]


def test_a_folder_without_images_is_told(tmp_path):
    with pytest.raises(UserError, match="holds no image"):
        expand([tmp_path])


def test_an_image_of_the_inputs_size_is_left_as_it_is(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6), np.uint8)
    np.testing.assert_array_equal(load_image(save(tmp_path / "a.png", pixels), GREY)[..., 0], pixels)


def test_an_image_is_turned_upright(tmp_path):
    pixels = np.zeros((6, 4), np.uint8)
    pixels[0] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise: the top row becomes the right column
    path = save(tmp_path / "a.png", pixels, exif=exif)
    expected = np.zeros((4, 6))
    expected[:, -1] = 255
    np.testing.assert_array_equal(load_image(path, GREY)[..., 0], expected)


@pytest.mark.parametrize("value", [0, 77, 255])
def test_every_mode_gives_the_same_grey(tmp_path, value):
    flat = np.full((4, 6), value, np.uint8)
    modes = {
        "grey": flat,
        "rgb": np.stack([flat] * 3, -1),
        "rgba": np.stack([flat, flat, flat, np.full_like(flat, 255)], -1),
        "16_bit": flat.astype(np.uint16) * 257,
    }
    for name, array in modes.items():
        found = load_image(save(tmp_path / f"{name}.png", array), GREY)
        assert found.shape == (4, 6, 1), name
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, value, err_msg=name)


def test_what_is_transparent_is_black(tmp_path):
    array = np.full((4, 6, 4), 255, np.uint8)
    array[:, :3, 3] = 0
    found = load_image(save(tmp_path / "a.png", array), GREY)[..., 0]
    np.testing.assert_array_equal(found, np.where(np.arange(6) < 3, 0, 255) * np.ones((4, 1)))


def test_a_palette_becomes_colour(tmp_path):
    Image.new("RGB", (6, 4), (255, 0, 0)).convert("P").save(tmp_path / "a.gif")
    manifest = {"input": GREY["input"] | {"channels": 3, "colour": "RGB"}}
    assert load_image(tmp_path / "a.gif", manifest)[0, 0].tolist() == [255, 0, 0]


def test_stretching_is_pillows_bilinear():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 20), np.uint8))
    expected = np.asarray(image.resize((6, 4), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(model_pixels(image, GREY)[..., 0], expected)


def test_fitting_keeps_the_ratio_and_is_black_beside():
    manifest = {"input": GREY["input"] | {"resize": "fit"}}
    found = model_pixels(Image.new("L", (20, 20), 200), manifest)[..., 0]
    np.testing.assert_array_equal(found, [[0, 200, 200, 200, 200, 0]] * 4)


@pytest.mark.parametrize("rule", ["stretch", "fit"])
def test_positions_in_the_input_are_found_again_in_the_image(rule):
    fit = Fit((40, 80), (20, 20), rule)
    top, left = fit.offset
    assert fit.to_image(top, left) == (0, 0)
    assert fit.to_image(top + fit.size[0], left + fit.size[1]) == (40, 80)


def test_what_cannot_be_read_is_told(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="no such file"):
        open_image(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(UserError, match="not an image"):
        open_image(tmp_path / "text.png")
    whole = save(tmp_path / "whole.png", np.random.default_rng(0).integers(0, 256, (50, 50), np.uint8)).read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="cannot be read as an image"):
        open_image(tmp_path / "half.png")
    with pytest.raises(UserError, match="cannot be read as an image"):
        open_image(tmp_path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(UserError, match="cannot be read as an image"):
        open_image(tmp_path / "whole.png")
