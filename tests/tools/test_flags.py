"""No numeric flag of a tool takes what nothing can count, and none of them waits for TensorFlow to say so."""

import importlib
import math
from argparse import ArgumentTypeError

import pytest

from edge.errors import UserError
from tools import command

FILES = {"--workdir": "w", "--bundle": "b", "--images": "i", "--out": "o"}
FLAGS = {
    "tools.quantize": (
        *("--num_patches", "--calibration_images", "--qat_steps", "--qat_learning_rate", "--seed", "--test_images"),
        "--input_size",
    ),
    "tools.calibrate": ("--loss",),
    "tools.cost_curve": ("--num_patches",),
    "tools.sweep": ("--jobs", "--nice"),
    "tools.baselines.ocr": ("--limit", "--num_patches"),
}
VALUES = ("inf", "-inf", "nan", str(2**64), str(10**21), "1e400", "", "-1", "9" * 5000)


@pytest.mark.parametrize(("module", "flag"), [(module, flag) for module, flags in FLAGS.items() for flag in flags])
def test_numbers_that_are_none(module, flag, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    main = importlib.import_module(module).main
    for value in VALUES:
        with pytest.raises(UserError) as caught:
            main([*(f"{name}={text}" for name, text in FILES.items()), f"{flag}={value}"])
        message = str(caught.value)
        assert "\n" not in message
        assert len(message) < 400
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", ["256", "256,", "a,b", "0,512", "-1,512", "256,512,3", "1e3,1", "²,1"])
def test_sizes_that_are_none(words):
    with pytest.raises(ArgumentTypeError, match="must be HEIGHT,WIDTH in pixels, received"):
        command.image_size(words)


def test_sizes_are_bounded():
    assert command.image_size("256,512") == (256, 512)
    for words in ("100000,100000", "2049,2048"):
        with pytest.raises(ArgumentTypeError, match="must be of at most 4,194,304 pixels"):
            command.image_size(words)


def test_what_is_a_number_is_one(tmp_path, monkeypatch):
    from edge.arguments import number

    assert (number(1)("7"), number(0, 1, float)("0.5")) == (7, 0.5)
    assert math.isclose(number(1e-12, 1, float)("3e-5"), 3e-5)
