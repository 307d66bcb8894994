"""The table of errors and cost that a run prints."""

from train.evaluation.figures import nest, part
from train.evaluation.rows import SELECTOR, figure


def format_table(figures: dict[str, float], scales) -> str:
    """Returns the table of a split: a row for each model, error and cost at each number of scales.

    Args:
        figures: what `figures.gather` returned of `Errors` and `Cost`.
        scales: of the images.
    """
    heads = [f"scale {scales[0]:g}", *(f"and {scale:g}" for scale in scales[1:])]
    lines = [" " * 24 + "".join(f"{head:>22}" for head in heads)]
    lines.append(f"{'model':<24}" + f"{'error, %':>11}{'M mult.':>11}" * len(scales))
    for row in part(figures, "error"):
        line = f"{row.replace('dcn/', 'dcn, patches: ').replace('_', ' '):<24}"
        for count in range(1, len(scales) + 1):
            error, cost = (figures[figure(kind, count, row)] for kind in ("error", "multiplications"))
            line += f"{error:>11.2f}{cost / 1e6:>11.2f}"
        lines.append(line)
    lines.append(f"({figures['test_images']} images; M mult.: million multiplications of the mean image)")
    if part(figures, "selectors"):
        lines += ["", *_selector_lines(figures)]
    return "\n".join(lines)


def _selector_lines(figures: dict[str, float]) -> list[str]:
    rows = {SELECTOR: nest(part(figures, "error"))["dcn"]} | nest(part(figures, "selectors"))
    lines = ["error, % by selector and number of patches, at the first scale", f"{'':<24}"]
    lines[-1] += "".join(f"{k:>8}" for k in rows[SELECTOR])
    for name, errors in rows.items():
        lines.append(f"{name.replace('_', ' '):<24}" + "".join(f"{error:>8.2f}" for error in errors.values()))
    return lines
