import json

import numpy as np
import pytest
from PIL import Image

from dcn_tf.cost import dcn_cost, model_weights, whole_multiplications
from dcn_tf.presets import preset
from edge.errors import UserError
from tools import describe


def test_a_presets_figures(capsys):
    describe.main(["cluttered_mnist"])
    text = capsys.readouterr().out
    architecture = preset("cluttered_mnist")
    for number in (dcn_cost(architecture).total, whole_multiplications(architecture, "fine")):
        assert f"{number:,}" in text
    assert f"coarse {model_weights(architecture)['coarse']:,}" in text
    assert "cells: 529, 23 x 23 on the image itself; each sees 11 x 11 pixels, every 4 x 4, from (0, 0)" in text
    assert "channels and classes follow the data" in text


def test_cells_are_drawn_over_an_image(tmp_path):
    Image.fromarray(np.full((50, 50, 3), 200, np.uint8)).save(tmp_path / "photo.png")
    drawn = tmp_path / "cells.png"
    describe.main(["cluttered_mnist", f"--image={tmp_path / 'photo.png'}", f"--draw={drawn}"])
    pixels = np.asarray(Image.open(drawn))
    assert pixels.shape == (400, 400, 3)
    # the middle of cell (0, 0), whose field is 11 x 11, at 4 times the size
    assert tuple(pixels[22, 22]) == describe.CELL
    assert tuple(pixels[399, 399]) == (200, 200, 200)


def test_a_file_with_a_change(tmp_path, capsys):
    file = tmp_path / "screws.json"
    file.write_text(json.dumps({"preset": "cluttered_mnist", "image_size": [64, 96], "channels": 3}))
    describe.main([str(file), "--set=num_patches=4"])
    text = capsys.readouterr().out
    assert "screws: images 64 x 96 x 3" in text
    assert "fine stack, on 4 patches" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mnits"], "no preset .* can't be read as a file"),
        (["/dev/zero"], "/dev/zero: it is no plain file"),
        (["cluttered_mnist", "--set=patch_size=8"], "the network cannot work: patch_size must be at least .* 14 x 14"),
        (["cluttered_mnist", "--set=filters=8"], "cluttered_mnist: 'filters': there is no 'filters'"),
        (["cluttered_mnist", "--image=x.png"], "give --draw"),
        (["cluttered_mnist", "--image=x.png", "--draw=x.png"], "--draw=x.png is the file of --image"),
        (["cluttered_mnist", "--set=image_size=90000,90000", "--draw=x.png"], "--draw is for images of at most"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(UserError, match=message):
        describe.main(arguments)
