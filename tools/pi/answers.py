"""Two runs of `edge.run --json --cells` over the same images, on two machines."""

import json
from dataclasses import dataclass
from pathlib import PurePath

from edge.errors import WorkError
from tools.table import table


@dataclass(frozen=True)
class Sameness:
    """How far two runs agree: images with equal predictions, and equal cells in order; the largest difference."""

    images: int
    predictions: int
    cells: int
    probability: float

    @property
    def identical(self) -> bool:
        """Whether nothing differs."""
        return self.predictions == self.cells == self.images and self.probability == 0


def read_lines(output: str) -> dict[str, dict]:
    """Returns what was read in each image, by the image's file name; WorkError where an image could not be read."""
    answers = {PurePath(answer["path"]).name: answer for answer in map(json.loads, output.splitlines())}
    errors = [answer["error"] for answer in answers.values() if "error" in answer]
    if errors:
        raise WorkError(errors[0])
    return answers


def same(expected: dict[str, dict], found: dict[str, dict]) -> Sameness:
    """Returns how far two runs agree; WorkError where they are not over the same images."""
    if not expected or expected.keys() != found.keys():
        raise WorkError(f"the runs are over {len(expected)} and {len(found)} images, which must be the same")
    pairs = [(expected[name], found[name]) for name in expected]
    return Sameness(
        len(pairs),
        sum(one["prediction"] == other["prediction"] for one, other in pairs),
        sum(one["cells"] == other["cells"] for one, other in pairs),
        max(abs(one["probability"] - other["probability"]) for one, other in pairs),
    )


def format_rows(rows: dict[tuple[str, str], Sameness]) -> str:
    """Returns the comparisons as a table: (runtime, core) -> sameness."""
    head = ("runtime", "core", "images", "equal predictions", "equal cells", "probability")
    cells = [(*where, c.images, c.predictions, c.cells, f"{c.probability:.6f}") for where, c in rows.items()]
    return table(head, cells)
