"""The number of patches that fit into the time that an image may take.

With levels, patches are looked at one by one, until the next would take too long. Of one size:

Before the first image the device is measured: a picture of noise is read with every number of patches. While it works,
its speed is followed by the coarse stage, whose work is the same for every image.
"""

import itertools
import math
from collections import deque
from statistics import median

import numpy as np

from edge.network.pyramid_runner import PyramidRunner
from edge.network.result import Result
from edge.network.runner import NEVER, TwoStageRunner
from edge.network.step_budget import StepBudget

REPEATS = 3  # measurements of each number of patches, after one that isn't counted
RECENT = 9  # images that the speed is the median of


class PatchBudget:
    """The most patches for which an image is expected to be read in time.

    With k patches an image is expected to take `expected_us[k]` times the present slowness: the median, over the last
    `RECENT` images, of the coarse stage's time by `coarse_us`.

    Args:
        budget_ms: from the pixels to the prediction, as `Result.milliseconds`.
        expected_us: microseconds with 0, 1, 2, ... patches.
        coarse_us: microseconds of the coarse stage meanwhile.
    """

    def __init__(self, budget_ms: float, expected_us: list[float], coarse_us: float):
        self.budget_us = budget_ms * 1e3
        self.expected_us = expected_us
        self.coarse_us = coarse_us
        self._slowness = deque([1.0], maxlen=RECENT)

    def num_patches(self) -> int:
        """Returns how many patches the next image may have; 0: the coarse answer stands, be it in time or not."""
        slowness = median(self._slowness)
        fits = itertools.takewhile(lambda us: us * slowness <= self.budget_us, self.expected_us)
        return max(0, len(list(fits)) - 1)

    def note(self, result: Result) -> None:
        """Follows the device's speed."""
        self._slowness.append(result.stages_us["coarse"] / self.coarse_us)


class BudgetRunner:
    """A `TwoStageRunner` whose images have as many patches as fit into the time they may take.

    Args:
        runner: which is measured here: (`REPEATS` + 1) images with every number of patches.
        num_patches: the most for any image; the manifest's where None.

    Raises:
        UserError: num_patches is out of range.
    """

    def __init__(self, runner: TwoStageRunner, budget_ms: float, num_patches: int | None = None):
        self.manifest = runner.manifest
        self._runner = runner
        noise = np.random.default_rng(0).integers(0, 256, self.manifest.input.shape, np.uint8)
        runs = [self._measured(noise, k) for k in range(runner.check_num_patches(num_patches) + 1)]
        expected_us = [median(sum(result.stages_us.values()) for result in results) for results in runs]
        coarse_us = median(result.stages_us["coarse"] for results in runs for result in results)
        self.budget = PatchBudget(budget_ms, np.maximum.accumulate(expected_us).tolist(), coarse_us)

    def _measured(self, image, num_patches) -> list[Result]:
        results = [self._run(image, num_patches, NEVER) for _ in range(REPEATS + 1)]
        return results[1:]  # the first makes interpreters

    def run(self, image, exit_entropy: float | None = None, saliency_level: float | None = None) -> Result:
        """Returns what is read in an image; see `TwoStageRunner.run`."""
        result = self._run(image, self.budget.num_patches(), exit_entropy, saliency_level)
        self.budget.note(result)
        return result

    def _run(self, image, num_patches, exit_entropy, saliency_level=None) -> Result:
        if not num_patches:
            return self._runner.run(image, exit_entropy=math.inf)
        return self._runner.run(image, num_patches, exit_entropy, saliency_level)


class PyramidBudgetRunner:
    """A `PyramidRunner` whose images have as many patches as fit into the time they may take.

    Args:
        runner: whose time for a patch is measured here, on `REPEATS` + 1 of them.
        num_patches: the most for any image; the manifest's where None.

    Raises:
        UserError: num_patches is out of range.
    """

    def __init__(self, runner: PyramidRunner, budget_ms: float, num_patches: int | None = None):
        self.manifest = runner.manifest
        self._runner = runner
        self._num_patches = runner.check_num_patches(num_patches)
        noise = np.random.default_rng(0).integers(0, 256, self.manifest.input.shape, np.uint8)
        measured = StepBudget(math.inf, [0.0])
        for _ in range(REPEATS + 1):  # the first makes interpreters
            runner.run(noise, num_patches=1, budget=measured)
        self.budget = StepBudget(budget_ms, measured.recent[-REPEATS:])

    def run(self, image, **settings) -> Result:
        """Returns what is read in an image; the settings are those of `PyramidRunner.run`."""
        return self._runner.run(image, self._num_patches, budget=self.budget, **settings)
