"""RapidOCR as a reader of numbers: PP-OCRv4 in one thread, and a rule that makes a number out of its lines of text.

The rule is the one under which RapidOCR errs least on the images that it was measured on, see results/ocr:

- Photographs: it detects and reads lines. Spaces and the marks `. , : ; ' -` in a line are dropped, so that "376.01"
  and "5 08" are numbers. Of the lines that then are digits alone, the one of the highest score is the reading; where
  there is none, the digits of the line of the highest score that has any.
- Crops: it reads the whole image as one line, without detection. What is no digit is dropped.

Its classifier of lines that stand on their head is left out: numbers here stand upright, and it would turn some short
ones, a 6 into a 9. Everything else is as it comes out of the box. An image in which it finds no digit is read as
nothing, "".
"""

import re
import unicodedata

from edge.errors import UserError

SETTINGS = {"intra_op_num_threads": 1, "inter_op_num_threads": 1}  # of its three networks
PHOTOGRAPH_SETTINGS = {"use_cls": False}  # of a call
CROP_SETTINGS = {"use_det": False, "use_cls": False}
MARKS = re.compile(r"[\s.,:;'-]")


def make_engine():
    """Returns RapidOCR in one thread: image -> (lines or None, seconds); UserError where it is not installed."""
    try:
        import cv2
        from rapidocr_onnxruntime import RapidOCR
    except ImportError as error:
        raise UserError(f"RapidOCR is needed: pip install 'dcn-tf[ocr]', received: {error}") from error
    cv2.setNumThreads(1)
    return RapidOCR(**SETTINGS)


class OcrReader:
    """Reads numbers with an engine as `make_engine` returns it.

    Args:
        engine: image, as PIL's, -> (lines, seconds), the lines [box, text, score], or [text, score] without detection;
            None where it finds none.
        crops: whether images are tight crops of one number.
    """

    def __init__(self, engine, crops: bool = False):
        self._engine = engine
        self._settings = CROP_SETTINGS if crops else PHOTOGRAPH_SETTINGS
        self._number = number_in_crop if crops else number_in_photograph

    def __call__(self, image) -> str:
        """Returns the number that is read in an image, '' where there is none."""
        lines, _ = self._engine(image, **self._settings)
        return self._number([(str(line[-2]), float(line[-1])) for line in lines or []])


def number_in_photograph(lines) -> str:
    """Returns the number in a photograph's lines, (text, score); '' where no line has a digit."""
    bare = [(MARKS.sub("", text), score) for text, score in lines]
    numbers = [(text, score) for text, score in bare if text and digits(text) and text == _decimals(text)]
    candidates = numbers or [(text, score) for text, score in bare if digits(text)]
    return digits(max(candidates, key=lambda line: line[1])[0]) if candidates else ""


def number_in_crop(lines) -> str:
    """Returns the digits of a crop's lines, (text, score), in their order."""
    return "".join(digits(text) for text, _ in lines)


def digits(text: str) -> str:
    """Returns the decimal digits of a text, those of other scripts and widths as 0 to 9."""
    return "".join(str(unicodedata.decimal(character)) for character in _decimals(text))


def _decimals(text: str) -> str:
    return "".join(character for character in text if character.isdecimal())
