"""The orientation of an image, by EXIF. Of EXIF this tag alone is read, so that others may be damaged."""

from typing import Literal

from PIL import Image

ORIENTATION = 0x0112  # EXIF's tag
ORDERS: dict[bytes, Literal["little", "big"]] = {b"II": "little", b"MM": "big"}
KINDS = {1: 1, 3: 2, 4: 4}  # of a value: BYTE, SHORT and LONG -> their bytes
ENTRY = 12  # bytes of a tag
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # by that tag's value


def turn_of(image: Image.Image):
    """Returns how a decoded image is turned upright, or None."""
    try:
        found = _in_exif(image.info.get("exif", b""))
        return TURNS.get(found or image.getexif().get(ORIENTATION, 1))
    except Exception:  # damaged EXIF says nothing of the pixels
        return None


def _in_exif(data: bytes) -> int | None:
    """Returns the orientation in EXIF's first list of tags; None where it is not there."""
    data = data.removeprefix(b"Exif\0\0")
    order = ORDERS.get(data[:2])
    if order is None:
        return None
    first = int.from_bytes(data[4:8], order)
    count = int.from_bytes(data[first : first + 2], order)
    for at in range(first + 2, min(first + 2 + ENTRY * count, len(data) - ENTRY + 1), ENTRY):
        size = KINDS.get(int.from_bytes(data[at + 2 : at + 4], order))
        if int.from_bytes(data[at : at + 2], order) == ORIENTATION and size:
            return int.from_bytes(data[at + 8 : at + 8 + size], order)
    return None
