"""Numbers put together from pictures of their digits, as crops of house numbers are where only the digits were kept."""

import math

import cv2
import numpy as np

PIXELS = (18, 40)  # a side of a digit's picture; SVHN's have 32
ROOM = (1.0, 1.15)  # of a digit's square, in heights of the number
SMOOTH = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA)


def put_together(image, box, ends, rng):
    """Returns a number as squares of few pixels around its digits keep it, enlarged again and laid over each other.

    Where no square lies the picture is black, or as bright as the squares are.

    Args:
        image: uint8 [H, W].
        box: (left, top, right, bottom) of the number in it.
        ends: [digits], where each digit ends, in parts of the number's width.

    Returns:
        uint8 [h, w], as much as the squares cover, and the number's box in it: some of its border may lie beyond.
    """
    height, width = box[3] - box[1], box[2] - box[0]
    starts = np.concatenate([[0], ends[:-1]])
    sides = np.maximum(height * rng.uniform(*ROOM), (ends - starts) * width)
    sides = np.clip(np.round(sides), 4, min(image.shape)).astype(int)
    middles = np.column_stack([box[0] + (starts + ends) / 2 * width, np.full(len(ends), (box[1] + box[3]) / 2)])
    corners = np.round(middles - sides[:, None] / 2).astype(int)
    corners = np.clip(corners, 0, np.array(image.shape[::-1]) - sides[:, None])
    pixels = round(math.exp(rng.uniform(*np.log(PIXELS))))
    shrunk, grown = (SMOOTH[rng.integers(count)] for count in (3, 2))
    squares = [image[y : y + side, x : x + side] for (x, y), side in zip(corners.tolist(), sides.tolist())]
    squares = [
        cv2.resize(cv2.resize(one, (pixels,) * 2, interpolation=shrunk), one.shape, interpolation=grown)
        for one in squares
    ]
    first, last = corners.min(axis=0), (corners + sides[:, None]).max(axis=0)
    made = np.full((last - first)[::-1], np.mean(squares[0]) if rng.random() < 0.5 else 0, np.uint8)
    for i in range(len(ends)) if rng.random() < 0.5 else reversed(range(len(ends))):
        (x, y), side = corners[i] - first, sides[i]
        made[y : y + side, x : x + side] = squares[i]
    return made, box - np.tile(first, 2)
