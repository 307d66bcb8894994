import io

import numpy as np
import pytest
from PIL import Image

from train.data.classes import Fitting, class_names, without_colour
from train.errors import UserError


def test_as_many_classes_as_the_data_has():
    names = tuple(f"screw {letter}" for letter in "abcdefghijklmnopq")
    assert class_names([*reversed(names), names[3]], None, "data") == names


def test_numbers_stand_in_their_order():
    assert class_names([10, 2, 9, 2], None, "data") == ("2", "9", "10")


def test_digits_of_a_network_of_ten_classes_keep_their_places():
    assert class_names([3, 7], 10, "data") == tuple("0123456789")
    assert class_names(["seven", 7], 10, "data") == ("7", "seven")


def test_too_many_classes_say_what_to_do():
    with pytest.raises(UserError, match="data: the network has 2 classes. Received: 3 different .*--set=top.classes=3"):
        class_names(["a", "b", "c"], 2, "data")


def test_one_class_is_none():
    with pytest.raises(UserError, match="at least 2 classes. Received: 'a' for every image"):
        class_names(["a", "a"], None, "data")


def test_grey_images_of_three_channels():
    grey = np.full((2, 4, 5, 3), 7, np.uint8)
    coloured = grey.copy()
    coloured[1, 2, 3, 0] = 8
    assert without_colour([grey, grey])
    assert not without_colour([grey, coloured])


def file_of(width, height, colour=(200, 10, 60)):
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "PNG")
    return buffer.getvalue()


def test_fitting_keeps_colour_and_tells_what_is_lost():
    files = {"large": file_of(40, 20), "right": file_of(20, 10), "small": file_of(10, 10)}
    fitting = Fitting((10, 20), 3)
    images = [fitting.image(files.get, name) for name in files]
    assert all(image.shape == (10, 20, 3) for image in images)
    assert images[2][5, 5].tolist() == [200, 10, 60]
    # a quarter of the large one's pixels stay, all of the others'; the small one is stretched to twice its width
    assert fitting.line() == (
        "images of 10 x 10 to 20 x 40 are stretched to 10 x 20: 25 % of their pixels are lost, "
        "shapes are bent by up to 2.00 times"
    )


def test_images_of_the_size_stay_as_they_are():
    fitting = Fitting((10, 20), 1)
    assert fitting.image({"a": file_of(20, 10)}.get, "a").shape == (10, 20, 1)
    assert fitting.line() == "images are 10 x 20 and stay as they are: 0 % of their pixels are lost"
