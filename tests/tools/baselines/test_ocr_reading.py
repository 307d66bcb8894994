import builtins

import pytest

from edge.errors import UserError
from tools.baselines.ocr_reading import OcrReader, digits, make_engine, number_in_crop, number_in_photograph

BOX = [[0, 0], [9, 0], [9, 9], [0, 9]]


@pytest.mark.parametrize(
    ("lines", "number"),
    [
        ([], ""),
        ([("", 0.0)], ""),
        ([("EXIT", 0.99)], ""),
        ([("210", 0.9)], "210"),
        ([("17", 0.8), ("210", 0.9)], "210"),
        ([("No 17", 0.99), ("210", 0.6)], "210"),  # digits alone come before a higher score
        ([("376.01", 0.9), ("1", 0.7)], "37601"),
        ([("5 08", 0.9)], "508"),
        ([("12:45", 0.9)], "1245"),
        ([("...", 0.99), ("3", 0.5)], "3"),  # marks alone are no number
        ([("No 17", 0.7), ("2B", 0.8), ("EXIT", 0.99)], "2"),  # no line of digits alone
        ([("\uff12\uff11", 0.9)], "21"),  # full width
    ],
)
def test_the_number_in_a_photograph(lines, number):
    assert number_in_photograph(lines) == number


@pytest.mark.parametrize(
    ("lines", "number"), [([("$10.25", 0.9)], "1025"), ([("", 0.0)], ""), ([], ""), ([("O7", 0.3)], "7")]
)
def test_the_number_in_a_crop_is_its_digits(lines, number):
    assert number_in_crop(lines) == number


def test_digits_of_other_scripts_are_digits_and_powers_are_not():
    assert digits("٣a2²") == "32"


def test_the_engine_is_asked_for_detection_only_in_photographs():
    asked = []

    def engine(image, **settings):
        asked.append((image, settings))
        return ([[BOX, "17", "0.5"], [BOX, "4.2", 0.75]] if "use_det" not in settings else [["B17", 0.5]]), [0.1]

    assert OcrReader(engine)("image") == "42"
    assert OcrReader(engine, crops=True)("image") == "17"
    assert asked == [("image", {"use_cls": False}), ("image", {"use_det": False, "use_cls": False})]


def test_no_line_at_all_is_nothing():
    assert OcrReader(lambda image, **settings: (None, None))("image") == ""


def test_what_to_install_is_told(monkeypatch):
    real = builtins.__import__

    def missing(name, *args, **kwargs):
        if name == "rapidocr_onnxruntime":
            raise ImportError("No module named 'rapidocr_onnxruntime'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(UserError, match=r"RapidOCR is needed: pip install 'dcn-tf\[ocr\]', received: .*module"):
        make_engine()
