"""Figures by name, as evaluators yield them and as `result.json` nests them."""

from collections.abc import Iterable

from train.data.dataset import Split


def gather(evaluators: Iterable, split: Split) -> dict[str, float]:
    """Returns name -> value of all that some evaluators yield for a split, and 'test_images', their number."""
    figures = {name: value for evaluator in evaluators for name, value in evaluator(split)}
    return figures | {"test_images": len(split)}


def part(figures: dict[str, float], kind: str) -> dict[str, float]:
    """Returns the figures of one kind without it in their names: of 'error', 'error/dcn/8' becomes 'dcn/8'."""
    return {name.removeprefix(f"{kind}/"): value for name, value in figures.items() if name.startswith(f"{kind}/")}


def nest(figures: dict[str, float]) -> dict:
    """Returns figures as `result.json` has them: 'dcn/8' becomes ['dcn']['8']."""
    nested = {}
    for name, value in figures.items():
        *outer, last = name.split("/")
        target = nested
        for key in outer:
            target = target.setdefault(key, {})
        target[last] = value
    return nested


def to_result(figures: dict[str, float], scales) -> dict:
    """Returns what `result.json` holds of the figures of a split.

    Args:
        scales: of the images. Where there are several, 'scales' is a list: the first alone, the first two, ...
    """
    result = nest(figures)
    averaged = result.pop("scales", {})
    if averaged:
        first = {kind: result[kind] for kind in ("error", "multiplications")}
        result["scales"] = [
            {"scales": list(scales[:count]), **values} for count, values in enumerate((first, *averaged.values()), 1)
        ]
    return result
