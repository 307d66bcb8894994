"""The sittings of a run: from which step on it was trained for how many steps, under which schedule, on how many cores.

`history.json` in the workdir holds them. One that does not say how it was trained further would read as one run.
"""

import dataclasses
import itertools
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from train import files
from train.errors import UserError

FILE = "history.json"


@dataclass(frozen=True)
class Sitting:
    """Steps that were done, or are to be done, with the same --train_steps and as many cores.

    Attributes:
        first_step: the number of steps that were done before.
        phase: the step that the learning rate's schedule begins at; above 0 where a finished run was continued.
        cores: that TensorFlow computes on; None where it is not known.
    """

    first_step: int
    train_steps: int
    phase: int = 0
    cores: int | None = None


def read(workdir: Path) -> list[Sitting]:
    """Returns the sittings of a run, none where it has not begun; UserError where the file is damaged.

    A workdir of a version before `history.json` says in its flagfile how many steps there were to be.
    """
    path = Path(workdir, FILE)
    try:
        if path.exists():
            return [_checked(Sitting(**values)) for values in json.loads(path.read_text())]
        flags = Path(workdir, "flags.txt")
        steps = flags.exists() and re.search(r"^--train_steps=(\d+)$", flags.read_text(), re.MULTILINE)
        return [Sitting(0, int(steps[1]))] if steps else []
    except (ValueError, TypeError, RecursionError) as error:
        raise UserError(f"{path} is damaged ({error}); remove it, the run then counts as begun at once") from error


def _checked(sitting: Sitting) -> Sitting:
    for name, value in dataclasses.asdict(sitting).items():
        if type(value) is not int and not (name == "cores" and value is None):
            raise TypeError(f"{name} must be a whole number, and is {str(value)[:40]}")
    return sitting


def with_next(sittings: list[Sitting], step: int, train_steps: int) -> list[Sitting]:
    """Returns the sittings when training goes on at `step`; as they are where nothing is left to be trained.

    Those that began after `step` are dropped: their checkpoints were damaged. A run that had done all its steps begins
    a phase of its own.
    """
    kept = [sitting for sitting in sittings if sitting.first_step < step or sitting.first_step == step == 0]
    if step >= train_steps:
        return sittings or [Sitting(0, train_steps)]  # the file that told of them is gone
    last = kept[-1] if kept else Sitting(0, train_steps)
    phase = step if step and step >= last.train_steps else last.phase
    new = Sitting(step, train_steps, phase, cores())
    same = kept and dataclasses.replace(new, first_step=last.first_step) == last
    return kept if same else [*(kept if step else []), new]


def write(workdir: Path, sittings: list[Sitting]):
    """Writes `history.json`."""
    files.write_text(Path(workdir, FILE), json.dumps(plain(sittings), indent=1) + "\n")


def plain(sittings: list[Sitting]) -> list[dict]:
    """Returns the sittings as they stand in files."""
    return [dataclasses.asdict(sitting) for sitting in sittings]


def remarks(sittings: list[Sitting]) -> list[str]:
    """Returns what a flagfile has to say where it does not repeat the run; nothing where it does."""
    told = []
    for before, sitting in itertools.pairwise(sittings):
        if sitting.phase > before.phase:
            told.append(
                f"a new phase with a schedule of its own from step {sitting.phase + 1} to {sitting.train_steps}"
            )
        elif sitting.train_steps != before.train_steps:
            told.append(f"--train_steps={sitting.train_steps} from step {sitting.first_step + 1} on")
    if told:
        told.insert(0, f"not one run: begun with --train_steps={sittings[0].train_steps}")
    return told


def changes(sittings: list[Sitting], schedule: str, rate) -> list[str]:
    """Returns what a resumed run says of its last sitting, in lines; `rate`: sitting, step -> learning rate."""
    if len(sittings) < 2:
        return []
    before, now = sittings[-2:]
    step, lines = now.first_step, []
    if schedule == "constant":
        pass
    elif now.phase > before.phase:
        lines.append(
            f"all {before.train_steps} steps were done: steps {step + 1} to {now.train_steps} are a new phase, in "
            f"which the {schedule} schedule begins again, at a learning rate of {rate(now, step):.2g}"
        )
    elif now.train_steps != before.train_steps:
        lines.append(
            f"the {schedule} schedule is stretched from {before.train_steps} to {now.train_steps} steps: the learning "
            f"rate goes on at {rate(now, step):.2g}, where it would have been {rate(before, step):.2g}"
        )
    if before.cores and now.cores != before.cores:
        lines.append(
            f"on {now.cores} cores, where the run was on {before.cores}: the result agrees with that of an "
            "uninterrupted run to rounding, not bit by bit"
        )
    return lines


def cores() -> int:
    """Returns how many cores TensorFlow computes on: what TF_NUM_INTRAOP_THREADS says, or those of this process."""
    said = os.environ.get("TF_NUM_INTRAOP_THREADS", "")
    if said.isdecimal() and int(said):
        return int(said)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
