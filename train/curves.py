"""The figures of a run in the course of its steps, in one small file for plots."""

import csv
import io
from pathlib import Path

from train import files
from train.errors import UserError
from train.plain_files import reason

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
            try:
                with open(path, newline="", encoding="utf-8") as file:
                    self.rows = [(step, *row) for step, *row in list(csv.reader(file))[1:] if int(step) <= first_step]
            except (OSError, ValueError, csv.Error) as error:
                raise UserError(f"{path} is damaged ({reason(error)}); restore it, or remove it") from error

    def add(self, step: int, values: dict[str, float]):
        """Appends what was found at a step, name -> value."""
        self.rows += [(step, name, f"{value:.6g}") for name, value in values.items()]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([HEADER, *self.rows])
        files.write_text(self.path, text.getvalue())
