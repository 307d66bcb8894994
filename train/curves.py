"""The figures of a run in the course of its steps, in one small file for plots."""

import csv
import io
from pathlib import Path

from train import files

HEADER = ("step", "name", "value")


class Curves:
    """The file `curves.csv` of a workdir, with the columns step, name, value. It is whole after every call.

    Args:
        path: of the file. What it holds of steps after `first_step` is dropped: a resumed run makes them again.
        first_step: the step that the run goes on from.
    """

    def __init__(self, path: Path, first_step: int):
        self.path = path
        self.rows = []
        if path.exists():
            with open(path, newline="") as file:
                self.rows = [tuple(row) for row in list(csv.reader(file))[1:] if int(row[0]) <= first_step]

    def add(self, step: int, values: dict[str, float]):
        """Appends what was found at a step, name -> value."""
        self.rows += [(step, name, f"{value:.6g}") for name, value in values.items()]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([HEADER, *self.rows])
        files.write_text(self.path, text.getvalue())
