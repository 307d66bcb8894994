"""Times of loading and of every stage, over all images of a run."""

from collections import deque

import numpy as np

from edge.output import table

KEPT = 10_000  # images; a camera runs for months


class Timing:
    """Collects the stages of images; `loading_us` are the microseconds of each stage before the first."""

    def __init__(self, loading_us: dict):
        self.loading_us = dict(loading_us)
        self._images = deque(maxlen=KEPT)

    def add(self, stages_us: dict) -> None:
        """Notes an image's stages, in microseconds."""
        if not self._images:
            self.loading_us["first image"] = sum(stages_us.values())
        self._images.append(stages_us)

    def summary(self) -> str:
        """Returns what loading took, and mean and median of every stage over the images that had it."""
        loading = ", ".join(f"{name} {value / 1e3:.1f} ms" for name, value in self.loading_us.items())
        rows = []
        for stage in dict.fromkeys(name for image in self._images for name in image):
            values = np.array([image[stage] for image in self._images if stage in image])
            rows.append((stage, len(values), f"{values.mean():.0f}", f"{np.median(values):.0f}"))
        stages = f"\n{table(('stage', 'images', 'mean us', 'p50 us'), rows, numbers_from=1)}" if rows else ""
        return f"loading: {loading}{stages}"
