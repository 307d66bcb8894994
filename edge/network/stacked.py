"""Numbers whose digits stand one above the other, as beside some doors: their image is laid out as a line."""

from collections.abc import Iterator

import numpy as np

TALL = 1.5  # least height of an image of such a number, in widths
DIGIT = (0.7, 1.9)  # least and largest height of a digit with the room about it, in widths
MOST_DIGITS = 5


def lines(pixels: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yields a tall image [H, W, C] as a line of 2, 3, ... parts, as many as digits may stand one above the other.

    The parts are equally high, and stand side by side in their order from above. There are none of an image that is not
    `TALL`.

    Yields:
        The number of parts, and the line, [H // parts, W * parts, C].
    """
    height, width = pixels.shape[:2]
    for count in range(2, MOST_DIGITS + 1):
        high = height // count
        if height >= TALL * width and DIGIT[0] * width <= high <= DIGIT[1] * width:
            starts = (height * i // count for i in range(count))
            yield count, np.concatenate([pixels[start : start + high] for start in starts], axis=1)


def box_of_line(box, count: int, size) -> tuple[float, float, float, float]:
    """Returns where a box of a line lies in its image: around all that the box holds of each part.

    Args:
        box: (left, top, right, bottom) in pixels of the line.
        count: of the line's parts.
        size: (height, width) of the image.
    """
    left, top, right, bottom = box
    first, last = (int(min(max(x // size[1], 0), count - 1)) for x in (left, np.nextafter(right, left)))
    pitch = size[0] / count
    sides = (left - first * size[1], right - last * size[1]) if first == last else (0.0, float(size[1]))
    return sides[0], first * pitch + top, sides[1], last * pitch + bottom
