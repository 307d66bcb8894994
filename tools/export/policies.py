"""Policies on how many patches an image gets, judged on a bundle's answers at every number of patches."""

from dataclasses import dataclass, field, replace

import numpy as np

STEPS = 40  # thresholds of each kind on a curve


@dataclass(frozen=True)
class Outcomes:
    """Answers of a bundle to n images, each read with 0 to K patches. With 0 patches the answer is the coarse one.

    Attributes:
        entropy: [n], of the coarse output.
        saliency: [n, K], of the cells, most salient first.
        wrong: [n, K + 1], whether the answer with so many patches is wrong.
        cost: [n, K + 1], multiplications, those of the saliency included.
        exit_cost: multiplications of an image whose coarse answer stands; its saliency is never computed. One number,
            or [n] where images are of many sizes.
    """

    entropy: np.ndarray
    saliency: np.ndarray
    wrong: np.ndarray
    cost: np.ndarray
    exit_cost: int | np.ndarray


@dataclass(frozen=True)
class Policy:
    """The arguments of `edge.network.runner.TwoStageRunner.run`; None where a rule is not used."""

    num_patches: int
    exit_entropy: float | None = None
    saliency_level: float | None = None


@dataclass(frozen=True)
class Judgement:
    """A policy on some images: numbers of images and errors; mean multiplications and patches of an image."""

    images: int
    errors: int
    multiplications: float
    patches: float

    @property
    def error(self) -> float:
        """In percent."""
        return 100 * self.errors / self.images


@dataclass(frozen=True)
class Curve:
    """Policies of one kind, cheapest first."""

    name: str
    policies: list[Policy] = field(default_factory=list)


def judge(outcomes: Outcomes, policy: Policy) -> Judgement:
    """Returns how a policy does on the images of `outcomes`."""
    saliency = outcomes.saliency[:, : policy.num_patches]
    level = -np.inf if policy.saliency_level is None else policy.saliency_level
    exits = outcomes.entropy <= (-np.inf if policy.exit_entropy is None else policy.exit_entropy)
    patches = np.where(exits, 0, np.count_nonzero(saliency >= level, axis=1))
    images = np.arange(len(patches))
    cost = np.where(exits, outcomes.exit_cost, outcomes.cost[images, patches])
    errors = int(np.count_nonzero(outcomes.wrong[images, patches]))
    return Judgement(len(patches), errors, float(cost.mean()), float(patches.mean()))


def allowed_errors(outcomes: Outcomes, loss: float) -> int:
    """Returns the number of further errors that raise the error by at most `loss` percentage points."""
    return int(np.floor(loss / 100 * len(outcomes.entropy) + 1e-9))


def greatest_exit(outcomes: Outcomes, num_patches: int, allowed: int, fewest: bool = False) -> float | None:
    """Returns the greatest entropy at which the coarse answer may stand; None where it never may.

    Args:
        num_patches: of the images whose coarse answer does not stand.
        allowed: how many more images may be wrong than with `num_patches` on every image.
        fewest: whether to choose, of the entropies that are allowed, among those with the fewest errors alone.
    """
    order = np.argsort(outcomes.entropy, kind="stable")
    change = outcomes.wrong[order, 0].astype(int) - outcomes.wrong[order, num_patches]
    entropy, rise = outcomes.entropy[order], np.cumsum(change)
    ends = _ends_of_ties(entropy)
    return _greatest(entropy[ends], rise[ends], allowed, fewest)


def greatest_level(outcomes: Outcomes, num_patches: int, allowed: int, fewest: bool = False) -> float:
    """Returns the greatest level of saliency below which cells may be left out; the mean cost is then the least.

    Arguments are those of `greatest_exit`. Where even the least saliency of all cells is too high a level, it is that.
    """
    saliency = outcomes.saliency[:, :num_patches].ravel()
    wrong = outcomes.wrong[:, : num_patches + 1].astype(int)
    order = np.argsort(-saliency, kind="stable")
    level = saliency[order]
    rise = wrong[:, 0].sum() - wrong[:, -1].sum() + np.cumsum(np.diff(wrong, axis=1).ravel()[order])
    ends = _ends_of_ties(level)
    return _greatest(level[ends], rise[ends], allowed, fewest)


def _greatest(thresholds, rises, allowed, fewest):
    """Returns the greatest threshold whose rise of errors is allowed, with `fewest` the least; None without one."""
    fits = rises <= (min(allowed, rises.min()) if fewest else allowed)
    return float(thresholds[fits].max()) if fits.any() else None


def _ends_of_ties(ordered):
    """Returns a mask of the last of equal values: a threshold takes all of them or none."""
    return np.append(ordered[1:] != ordered[:-1], True)


def curves(outcomes: Outcomes, num_patches: int) -> list[Curve]:
    """Returns a curve of policies for each kind. Their thresholds are quantiles of what the images have.

    Pairs of both thresholds are kept where no other pair has both fewer errors and less cost.

    Args:
        num_patches: at most so many are looked at.
    """
    every = Policy(num_patches)
    quantiles = np.linspace(0, 1, STEPS + 1)
    exits = [None, *np.unique(np.quantile(outcomes.entropy, quantiles)).tolist()]
    levels = np.unique(np.quantile(outcomes.saliency[:, :num_patches], quantiles)).tolist()
    pairs = [replace(every, exit_entropy=entropy, saliency_level=level) for entropy in exits for level in levels]
    coarse = replace(every, exit_entropy=float(outcomes.entropy.max()))
    return [
        Curve("fixed", [coarse, *(Policy(k) for k in range(1, num_patches + 1))]),
        Curve("exit", [replace(every, exit_entropy=entropy) for entropy in reversed(exits)]),
        Curve("adaptive", [replace(every, saliency_level=level) for level in reversed(levels)]),
        Curve("exit and adaptive", _unbeaten(outcomes, pairs)),
    ]


def _unbeaten(outcomes, policies):
    judged = [(judge(outcomes, policy), policy) for policy in policies]
    judged.sort(key=lambda pair: (pair[0].multiplications, pair[0].errors))
    kept, fewest = [], np.inf
    for judgement, policy in judged:
        if judgement.errors < fewest:
            kept.append(policy)
            fewest = judgement.errors
    return kept
