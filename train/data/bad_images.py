"""Images of a data set that can't be used: named together, or left out where `--skip_bad` allows so many."""

import math

import numpy as np

from train.data.annotations import differences, named
from train.data.images import checksum, is_plain
from train.errors import UserError
from train.progress import log


class BadImages:
    """Collects the images that can't be used while they are read; a share of them, from 0 to 1, may be left out."""

    def __init__(self, total: int, share: float = 0.0):
        self.total, self.allowed = total, math.floor(share * total + 1e-9)
        self._found: dict[str, str] = {}
        self._seen: dict[bytes, dict] = {}  # the first entry of each picture, by its checksum

    def add(self, file: str, message: str):
        """Notes that a file can't be used."""
        self._found.setdefault(file, message)

    def unlike_others(self, entry: dict, pixels: np.ndarray) -> np.ndarray:
        """Returns an entry's pixels, uint8; UserError where another entry has the same, and another label or split.

        Files of equal bytes are found before (`annotations.contradictions`); these are equal when they are decoded.
        """
        if is_plain(pixels):  # of one colour: two such need not be one picture
            return pixels
        other = self._seen.setdefault(checksum(pixels), entry)
        mistake = differences([other, entry])
        if mistake and other["original"] != entry["original"]:
            raise UserError(
                f"{entry['file']} is the same image as {other['file']}, in another file, which {mistake}; keep one"
            )
        return pixels

    def made(self, make, entries, labels) -> tuple[list, list]:
        """Returns what `make` makes of the entries that can be used, and their labels; UserError where that is none."""
        made, kept = [], []
        for entry, label in zip(entries, labels):
            if entry["file"] in self._found:
                continue
            try:
                made.append(make(entry))
                kept.append(label)
            except UserError as error:
                self.add(entry["file"], str(error))
        if not made:
            self._refuse()
        return made, kept

    def without(self, entries) -> list[dict]:
        """Returns the entries but for those that were noted."""
        return [entry for entry in entries if entry["file"] not in self._found]

    def settle(self):
        """Goes on without the images that were noted, and says so; UserError where they are more than allowed."""
        if len(self._found) > self.allowed:
            self._refuse()
        if self._found:
            log.warning("left out %d of %d images: %s", len(self._found), self.total, named(list(self._found)))

    def _refuse(self):
        mistakes = list(self._found.values())
        if len(mistakes) == 1:
            raise UserError(mistakes[0])
        raise UserError(
            f"{len(mistakes)} of {self.total} images can't be used: {named(list(self._found))}. The first: "
            f"{mistakes[0]}. Mend them, or leave out so many by --skip_bad={_share(len(mistakes), self.total)}"
        )


def _share(count: int, total: int) -> str:
    return f"{math.ceil(1000 * count / total) / 1000:g}"
