"""Tables of a training's page: what is confused, what an image costs, and the flags that were given."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dcn_tf.cost import dcn_cost, model_bytes, model_weights, stack_multiplications, whole_multiplications
from tools.page.facts import given_flags, num_patches
from tools.page.readings import Readings, confusion, most_confused
from tools.workdir import Training


class Cell(NamedTuple):
    """A cell that stands out: 'good', 'bad' or 'bar', as strongly as from 0 to 1; 'changed' for a row's name."""

    text: str
    kind: str
    strength: float = 1.0


@dataclass(frozen=True)
class Table:
    """A table of the page, its rows of texts, None or `Cell`; the first one heads its row."""

    caption: str
    header: list
    rows: list
    kind: str = ""


def confusions(architecture, readings: Readings) -> list[Table]:
    """Returns which classes are read as which; for sequences lengths, and symbols where the length is right."""
    truth, answer = readings.samples.labels, readings.categories
    names = readings.samples.label_names
    if truth.shape[1] == 1:
        return [_confusion("Classes", confusion(truth[:, 0], answer[:, 0], len(names)), names)]
    top = architecture.top
    lengths = range(top.min_length, top.max_length + 1)
    written = np.arange(top.max_length) < truth[:, :1] + top.min_length  # [N, positions]
    known = written & (truth[:, :1] == answer[:, :1])
    symbols = confusion(truth[:, 1:][known], answer[:, 1:][known], len(names))
    return [
        _confusion("Lengths", confusion(truth[:, 0], answer[:, 0], len(lengths)), lengths),
        _confusion("Symbols, where the length was read right", symbols, names),
    ]


def _confusion(title: str, counts: np.ndarray, names) -> Table:
    shown = most_confused(counts)
    left_out = f", the {len(shown)} of {len(counts)} with most errors" if len(shown) < len(counts) else ""
    of_row = counts.sum(axis=1)
    rows = []
    for i in shown:
        shares = counts[i] / max(1, of_row[i])
        cells = [
            Cell(f"{counts[i, j]:,}" if counts[i, j] else "", "good" if i == j else "bad", shares[j] ** (1 / 3))
            for j in shown
        ]
        rows.append((names[i], *cells, f"{100 * (1 - shares[i]):.2f}" if of_row[i] else None))
    caption = f"{title}{left_out}: what is true in rows, what was read in columns"
    return Table(caption, ["", *(names[i] for i in shown), "error, %"], rows, "matrix")


def costs(training: Training) -> list[Table]:
    """Returns the multiplications of one image by part, and the weights."""
    architecture, model = training.model.architecture, training.result["config"]["model"]
    parts = _dcn_parts(architecture, num_patches(training)) if model == "dcn" else _whole_parts(architecture, model)
    total = sum(parts.values())
    rows = [
        (name, f"{count / 1e6:,.2f}", Cell(f"{100 * count / total:.1f}", "bar", count / total))
        for name, count in (*parts.items(), ("all", total))
    ]
    caption = "Multiplications of an image of {} x {} pixels".format(*architecture.image_size)
    return [Table(caption, ["", "million", "%"], rows), _weights(architecture)]


def _dcn_parts(architecture, patches: int) -> dict[str, int]:
    at = dcn_cost(architecture, patches)
    return {
        "coarse stack, whole image": at.coarse_stack,
        "top, coarse pass": at.coarse_pass,
        "saliency, as one more pass of the top": at.saliency,
        f"fine stack, patches: {patches}": at.fine_stack,
        "top, refined pass": at.refined_pass,
    }


def _whole_parts(architecture, model: str) -> dict[str, int]:
    stack = stack_multiplications(getattr(architecture, model), architecture.image_size, architecture.channels)
    return {f"{model} stack, whole image": stack, "top": whole_multiplications(architecture, model) - stack}


def _weights(architecture) -> Table:
    weights = model_weights(architecture)
    rows = [(name, f"{count:,}", f"{4 * count:,}", f"{count:,}") for name, count in weights.items()]
    total = (f"{model_bytes(architecture, width):,}" for width in (4, 1))
    rows.append(("all", f"{sum(weights.values()):,}", *total))
    return Table("Weights that inference needs", ["", "weights", "bytes, float32", "bytes, int8"], rows)


def flags(result: dict) -> Table:
    """Returns the flags that a training was given."""
    rows = [(Cell(f"--{name}", "changed" if changed else ""), value) for name, value, changed in given_flags(result)]
    known = "; those that differ from the defaults first, in bold" if "changed_flags" in result else ""
    return Table(f"Flags{known}", ["flag", "value"], rows, "text")
