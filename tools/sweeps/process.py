"""A run of a sweep: its process, its progress, and the files of it that are kept."""

import fcntl
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from edge.output import write
from tools.files import read_json
from tools.findings.runs import FREE, shared_options
from tools.sweeps.declaration import Run

LOG = "log.txt"
RESULT = "result.json"
FLAGS = "flags.txt"
STEP_LINE = re.compile(r"step (\d+)/(\d+)  .*?([\d.]+) images/s")
TAIL_BYTES = 20000
STOP_SECONDS = 120  # in which a training finishes its step and saves


class BusyError(Exception):
    """Another process trains in the same workdir."""


@dataclass(frozen=True)
class Progress:
    """The last progress line of a run's log: the step, how many there are, and the rate there."""

    step: int
    steps: int
    images_per_second: float

    @property
    def text(self) -> str:
        """Returns it in a few words."""
        return f"step {self.step}/{self.steps}" if self.step < self.steps else "evaluating"


def command(run: Run, data_dir) -> list[str]:
    """Returns the command that trains it, or resumes it."""
    given = [f"--workdir={run.workdir}", f"--seed={run.seed}", *([f"--data_dir={data_dir}"] if data_dir else [])]
    return [sys.executable, "-m", "train.main", *run.flags, *given]


def is_result_of(path: Path, config: dict) -> bool:
    """Returns whether a `result.json` is that of a finished run with this configuration.

    Options that only one of them has are not compared: they came, or went, with another version of `train`.
    """
    try:
        result = read_json(path)
        ran, steps = result["config"], result["steps"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    same = all(ran[name] == config[name] for name in shared_options([ran, config]) - set(FREE))
    return same and steps == config["train_steps"]


def is_done(run: Run, config: dict) -> bool:
    """Returns whether the results of a run are kept already."""
    return is_result_of(run.results / RESULT, config)


def is_running(run: Run) -> bool:
    """Returns whether a process trains in the run's workdir."""
    try:
        with open(run.workdir / LOG, "rb") as log:
            return not _locked(log)
    except FileNotFoundError:
        return False


def last_progress(log: Path) -> Progress | None:
    """Returns the last progress line of a log; None where there is none."""
    found = STEP_LINE.findall(_tail(log))
    return Progress(*map(int, found[-1][:2]), max(float(found[-1][2]), 1e-3)) if found else None


def last_line(log: Path) -> str:
    """Returns the last line of a log, which says why a run ended."""
    lines = _tail(log).strip().splitlines()
    return lines[-1] if lines else "its log is empty"


class Training:
    """The process of one run. What it says is appended to `log.txt` in its workdir.

    It is in a session of its own: Ctrl-C in the terminal reaches the sweep alone, which then asks it once to stop. The
    process holds a lock on its log as long as it lives, also when the sweep is killed.

    Args:
        threads: that an operation of TensorFlow may take.

    Raises:
        BusyError: another process holds it.
    """

    def __init__(self, run: Run, data_dir, threads: int):
        self.run = run
        run.workdir.mkdir(parents=True, exist_ok=True)
        with open(run.workdir / LOG, "ab") as log:
            if not _locked(log):
                raise BusyError(run.name)
            self._process = subprocess.Popen(
                command(run, data_dir),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | {"TF_NUM_INTRAOP_THREADS": str(threads)},
                start_new_session=True,
            )

    @property
    def status(self) -> int | None:
        """The exit status; None while it runs."""
        return self._process.poll()

    def ask_to_stop(self):
        """Asks the process to finish its step and to save. Once: a second time ends it at once."""
        self._process.terminate()

    def wait_for_end(self):
        """Waits until the process has ended, for a while; at an interrupt no longer."""
        try:
            self._process.wait(STOP_SECONDS)
        except BaseException as error:
            self._process.kill()
            self._process.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise


def keep(run: Run, data_dir: Path | None):
    """Copies what is worth keeping of a finished run into its results, without the paths of this machine."""
    for name in (LOG, FLAGS, *run.keep, RESULT):  # the result last: with it a run is done
        source = run.workdir / name
        if source.exists():
            content = source.read_bytes()
            if name in (LOG, FLAGS, RESULT):
                content = _cleaned(name, content.decode(errors="replace"), data_dir).encode()
            write(run.results / name, content)


def _cleaned(name: str, text: str, data_dir: Path | None) -> str:
    if name == RESULT:
        result = json.loads(text)
        result["config"] |= {"data_dir": None, "eval_data_dir": None}
        text = json.dumps(result, indent=1) + "\n"
    elif name == FLAGS:
        lines = text.splitlines(keepends=True)
        text = "".join(line for line in lines if not line.startswith(("--data_dir=", "--eval_data_dir=")))
    places = {f"{Path.cwd()}{os.sep}": "", sys.prefix: "VENV", f"{Path.home()}{os.sep}": "~/"}
    if data_dir and data_dir.is_absolute():
        places = {str(data_dir): "DATA_DIR"} | places
    for place, word in places.items():
        text = text.replace(place, word)
    return text


def _locked(file) -> bool:
    """Takes the lock of an open file, and returns whether it was free."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _tail(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            file.seek(-min(TAIL_BYTES, file.seek(0, os.SEEK_END)), os.SEEK_END)
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
