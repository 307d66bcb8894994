"""The images of a classifier: their classes, their colour, and how they are fitted to one size."""

from pathlib import Path

import numpy as np
from PIL import Image

from train.data.images import read_image
from train.errors import UserError
from train.progress import log

SHOWN = 12  # names of classes in a message


def class_names(labels: list, classes: int | None, where: str | Path) -> tuple[str, ...]:
    """Returns the names of the classes, in order; UserError where there are more than the network has, or only one.

    Args:
        classes: how many the network has; None where it follows the data, which then has as many as there are labels.
    """
    numbers = all(isinstance(label, int) and label >= 0 for label in labels)
    if classes is not None and numbers and max(labels) < classes:
        return tuple(map(str, range(classes)))
    names = [str(label) for label in sorted(set(labels))] if numbers else sorted({str(label) for label in labels})
    if classes is not None and len(names) > classes:
        raise UserError(
            f"{where}: the network has {classes} classes. Received: {len(names)} different labels ({_some(names)}); "
            f"give --set=top.classes={len(names)}, or leave 'classes' out of the architecture"
        )
    if len(names) < 2:
        raise UserError(f"{where}: a classifier needs at least 2 classes. Received: {names[0]!r} for every image")
    return tuple(names)


def warn_of_missing(names, parts: dict[str, np.ndarray]):
    """Warns of classes without an image in a split; `parts` are labels int32 [n, 1] by split."""
    for split, labels in parts.items():
        missing = [name for i, name in enumerate(names) if i not in labels]
        if missing:
            log.warning("no %s image of %d of %d classes: %s", split, len(missing), len(names), _some(missing))


def without_colour(images: list[np.ndarray]) -> bool:
    """Returns whether images uint8 [n, H, W, 3] are all grey."""
    return all((part[..., :1] == part).all() for part in images)


class Fitting:
    """Brings images to one size, (height, width), by stretching them, and keeps account of what that does to them."""

    def __init__(self, size, channels: int):
        self.size, self.channels = tuple(size), channels
        self._sizes = []

    def image(self, read, name: str) -> np.ndarray:
        """Returns a file's image at the size: uint8 [H, W, C]; UserError where it can't be read."""
        picture = read_image(read, name, self.channels)
        self._sizes.append((picture.height, picture.width))
        if picture.size != self.size[::-1]:
            picture = picture.resize(self.size[::-1], Image.Resampling.BILINEAR)
        return np.asarray(picture).reshape(*self.size, -1)

    def line(self) -> str:
        """Returns how images are fitted, and what share of their pixels that loses, in one line."""
        sizes = np.array(self._sizes or [self.size], float)
        scale = np.array(self.size) / sizes  # [n, 2]
        lost = 100 * (1 - np.minimum(scale, 1).prod(axis=1).mean())
        bent = np.exp(np.abs(np.log(scale[:, 0] / scale[:, 1]))).max()
        least, most = (" x ".join(f"{side:.0f}" for side in found) for found in (sizes.min(axis=0), sizes.max(axis=0)))
        before = least if least == most else f"{least} to {most}"
        text = f"images of {before} are stretched to {' x '.join(map(str, self.size))}"
        if (sizes == self.size).all():
            text = f"images are {before} and stay as they are"
        text += f": {lost:.0f} % of their pixels are lost"
        return text + (f", shapes are bent by up to {bent:.2f} times" if bent > 1.02 else "")


def _some(names) -> str:
    return ", ".join(names[:SHOWN]) + (" ..." if len(names) > SHOWN else "")
