"""The extent of an evaluation: all of it, or what a run can be judged by, in a small part of its time."""

from dataclasses import dataclass, replace

from train.config import Config
from train.data.dataset import WITHOUT_NUMBER


@dataclass(frozen=True)
class Extent:
    """What is read, of what.

    Attributes:
        scales: of the images.
        selectors: that the network's own choice of patches is compared with.
        images: of each split at most, its first ones; None where all are.
        look_images: validation images at most of a look in the course of training.
        fine_pixels: of the images, the first ones of each split, that the fine model reads as a whole; None where it
            reads all, and 0 where it reads none. On photographs that takes several times as long as everything else.
        fine_of_nothing: whether it reads images without a number, too.
    """

    scales: tuple[float, ...]
    selectors: tuple[str, ...] = ()
    images: int | None = None
    look_images: int = 500
    fine_pixels: int | None = None
    fine_of_nothing: bool = True

    def of(self, split: str) -> "Extent":
        """Returns how much of the test split of a name is done."""
        return self if self.fine_of_nothing or not split.endswith(WITHOUT_NUMBER) else replace(self, fine_pixels=0)


def extent_of(config: Config) -> Extent:
    """Returns what --eval asks for."""
    if config.eval == "full":
        return Extent(config.eval_scales, config.selectors)
    alone = config.model == "fine"  # there is nothing else to read with
    few = {"images": 500, "look_images": 100, "fine_pixels": 1_000_000}
    return Extent(config.eval_scales[:1], **few, fine_of_nothing=alone)
