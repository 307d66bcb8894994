"""The table of errors and cost that a run prints."""

from tabulate import tabulate

from train.evaluation.figures import nest, part
from train.evaluation.rows import SELECTOR, figure

TEXTS = {
    "readings": {
        "empty": "images in which nothing is read: {:.2f} %",
        "found": "boxes of what is read that overlap the true one by more than 0.3: {:.2f} %",
        "centred": "boxes whose middle lies in the true one: {:.2f} %",
        "calibration_error": "expected calibration error of the reported probability: {:.3f}",
    },
    "threshold": {
        "probability": "reading threshold, chosen on validation photographs without a number: {:.4f}",
        "false_readings": "images without a number that are read with it: {:.2f} %",
        "kept": "right readings that reach it: {:.2f} %",
        "error": "numbers that are read wrong or do not reach it: {:.2f} %",
    },
}


def format_table(figures: dict[str, float], scales) -> str:
    """Returns the table of a split: a row for each model, error and cost at each number of scales.

    The error of a model that read none of the images is '-'.

    Args:
        figures: what `figures.gather` returned of `Errors` and `Cost`.
        scales: of the images.
    """
    heads = [f"scale {scales[0]:g}", *(f"and {scale:g}" for scale in scales[1:])]
    head = ["model", *(f"{head}\n{name}" for head in heads for name in ("error, %", "M mult."))]
    rows = []
    for row in part(figures, "multiplications"):
        cells = [row.replace("dcn/", "dcn, patches: ").replace("_", " ")]
        for count in range(1, len(scales) + 1):
            error, cost = (figures.get(figure(kind, count, row)) for kind in ("error", "multiplications"))
            cells += ["-" if error is None else f"{error:.2f}", f"{cost / 1e6:.2f}"]
        rows.append(cells)
    lines = [_table(head, rows)]
    fewer = "".join(f" {row}: the first {count};".replace("_", " ") for row, count in part(figures, "images").items())
    lines.append(f"({figures['test_images']} images;{fewer} M mult.: million multiplications of the mean image)")
    if part(figures, "selectors"):
        lines += ["", "error, % by selector and number of patches, at the first scale", _selectors(figures)]
    lines += [line for kind, text in TEXTS.items() for line in _facts(part(figures, kind), text)]
    return "\n".join(lines)


def _facts(figures: dict[str, float], texts: dict[str, str]) -> list[str]:
    """Returns a line for each figure that has a text, and one for the errors by length."""
    lines = [text.format(figures[name]) for name, text in texts.items() if name in figures]
    lengths = part(figures, "error_of_length")
    if lengths:
        errors = ", ".join(f"{length}: {error:.2f}" for length, error in lengths.items())
        lines.append(f"error, %, by the number's length: {errors}")
    return ["", *lines] if lines else []


def _selectors(figures: dict[str, float]) -> str:
    rows = {SELECTOR: nest(part(figures, "error"))["dcn"]} | nest(part(figures, "selectors"))
    cells = [(name.replace("_", " "), *(f"{e:.2f}" for e in errors.values())) for name, errors in rows.items()]
    return _table(["", *rows[SELECTOR]], cells)


def _table(head, rows) -> str:
    return tabulate(rows, head, "simple", disable_numparse=True, stralign="right", colalign=("left",))
