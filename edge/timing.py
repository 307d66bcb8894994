"""How long loading and every stage took, over all images of a run."""

from collections import deque

import numpy as np

KEPT = 10_000  # images; a camera runs for months


class Timing:
    """Collects the stages of images.

    Args:
        loading_us: microseconds of each stage before the first image.
    """

    def __init__(self, loading_us: dict):
        self.loading_us = dict(loading_us)
        self._images = deque(maxlen=KEPT)

    def add(self, stages_us: dict) -> None:
        """Notes an image's stages, in microseconds."""
        if not self._images:
            self.loading_us["first image"] = sum(stages_us.values())
        self._images.append(stages_us)

    def report(self) -> str:
        """Returns what loading took, and mean and median of every stage over the images that had it."""
        loading = ", ".join(f"{name} {value / 1e3:.1f} ms" for name, value in self.loading_us.items())
        lines = [f"loading: {loading}"]
        if self._images:
            lines.append(f"{'stage':<12} {'images':>7} {'mean us':>9} {'p50 us':>9}")
        for stage in dict.fromkeys(name for image in self._images for name in image):
            values = np.array([image[stage] for image in self._images if stage in image])
            lines.append(f"{stage:<12} {len(values):>7} {values.mean():>9.0f} {np.median(values):>9.0f}")
        return "\n".join(lines)
