"""Runs a declared set of trainings, one after the other, and keeps their results.

python -m tools.sweep sweeps/cluttered_mnist.json --data_dir=MNIST [--only=NAME,...] [--jobs=N] [--nice=N] [--list]

Every run is a process of `train.main` on a workdir of its own. A run whose results are there, with the flags that are
asked for, is left out; one that was begun is resumed. A run that fails does not stop the others. Ctrl-C, SIGTERM or
SIGHUP stops all after the step they are at, which is saved, and the same command goes on. One sweep at a time writes
to the folder of its workdirs.
"""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from edge.arguments import listed, number
from edge.errors import EXIT_FAILED, UserError
from tools import command
from tools.sweeps import lock, process
from tools.sweeps.declaration import Run, read_sweep, select

POLL_SECONDS = 1.0
SECONDS_BETWEEN = 30  # lines of progress


def read_configs(runs: list[Run], data_dir) -> dict[str, dict]:
    """Returns the configuration of every run, by its name; UserError, before any is begun, where flags are wrong."""
    configs = {}
    for run in runs:
        command = [*process.command(run, data_dir), "--print_config"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise UserError(f"the flags of {run.name} are refused: {said}")
        try:
            configs[run.name] = json.loads(done.stdout)
        except ValueError:  # of --help, for instance
            raise UserError(f"the flags of {run.name} make no training, received {' '.join(run.flags)[:200]}") from None
    return configs


def state(run: Run, config: dict) -> str:
    """Returns how far a run is, in a few words."""
    if process.is_done(run, config):
        return "done"
    at = process.last_progress(run.workdir / process.LOG)
    running = "running, " if process.is_running(run) else ""
    return f"{running}step {at.step} of {config['train_steps']}" if at else f"{running}not begun"


def format_list(runs: list[Run], configs: dict[str, dict]) -> str:
    """Returns a line for each run, and how many are done."""
    states = {run.name: state(run, configs[run.name]) for run in runs}
    width = max(map(len, states))
    lines = [f"{name:<{width}}  {text}" for name, text in states.items()]
    return "\n".join([*lines, f"{list(states.values()).count('done')} of {len(runs)} done"])


def seconds_to_go(runs: list[Run], configs: dict[str, dict], jobs: int) -> float | None:
    """Returns about how long the trainings of these runs will take, from what they and finished ones took so far.

    None where nothing is known yet. Evaluation is not counted.
    """
    rates, left = {}, []
    for run in runs:
        config = configs[run.name]
        at = process.last_progress(run.workdir / process.LOG)
        done = process.is_done(run, config)
        if at:
            rates[run.variant] = config["batch_size"] / at.images_per_second
        if not done:
            left.append((run.variant, config["train_steps"] - (at.step if at else 0)))
    if not rates:
        return None
    mean = sum(rates.values()) / len(rates)
    return sum(steps * rates.get(variant, mean) for variant, steps in left) / jobs


def run_all(runs: list[Run], configs: dict[str, dict], data_dir, jobs: int) -> list[str]:
    """Trains what is not done, at most `jobs` at a time, and returns the names of the runs that failed.

    Those at a time share the cores: an operation on one thread wastes less than on two that wait for each other.
    """
    threads = max(1, len(os.sched_getaffinity(0)) // jobs)
    waiting = [run for run in runs if not process.is_done(run, configs[run.name])]
    say(f"{len(runs) - len(waiting)} of {len(runs)} runs are done")
    training, failed, told = [], [], 0.0
    try:
        while waiting or training:
            while len(training) < jobs and (run := _next(waiting, training)):
                waiting.remove(run)
                unfinished = [base for base in run.bases if not (base / process.RESULT).exists()]
                if unfinished:
                    failed.append(run.name)
                    say(f"{run.name}: left out, {unfinished[0]}, which it begins from, is not finished")
                    continue
                try:
                    training.append(process.Training(run, data_dir, threads))
                    say(f"{run.name}: begun, {run.workdir / process.LOG}")
                except process.BusyError:
                    failed.append(run.name)
                    say(f"{run.name}: left out, another process is at {run.workdir}")
            time.sleep(POLL_SECONDS)
            for ended in [one for one in training if one.status is not None]:
                training.remove(ended)
                if not _finished(ended, configs, data_dir):
                    failed.append(ended.run.name)
            if time.monotonic() - told > SECONDS_BETWEEN and training:
                told = time.monotonic()
                _tell(runs, training, waiting, configs, jobs)
    finally:
        for one in training:
            one.ask_to_stop()
        for one in training:
            one.wait_for_end()
            said = process.last_line(one.run.workdir / process.LOG)
            say(f"{one.run.name}: stopped; the same command resumes it  {said}")
    return failed


def _next(waiting: list[Run], training: list) -> Run | None:
    """Returns the first run whose bases, whose weights it begins from, are neither at work nor still to come."""
    busy = {run.workdir for run in [*waiting, *(one.run for one in training)]}
    return next((run for run in waiting if busy.isdisjoint(run.bases)), None)


def say(line: str):
    """Prints a line with the time of day."""
    print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)


def _finished(ended, configs, data_dir) -> bool:
    """Keeps what a training came to, and returns whether it came to anything."""
    run = ended.run
    if ended.status == 0 and process.is_result_of(run.workdir / process.RESULT, configs[run.name]):
        process.keep(run, data_dir)
        say(f"{run.name}: done, {run.results}")
        return True
    say(f"{run.name}: FAILED with status {ended.status}: {process.last_line(run.workdir / process.LOG)}")
    return False


def _tell(runs, training, waiting, configs, jobs):
    seconds = seconds_to_go([*(one.run for one in training), *waiting], configs, jobs)
    if seconds is None:
        return
    hours, minutes = divmod(round(seconds / 60), 60)
    at = {one.run.name: process.last_progress(one.run.workdir / process.LOG) for one in training}
    each = "  ".join(f"{name}: {progress.text}" for name, progress in at.items() if progress)
    number = len(runs) - len(training) - len(waiting) + 1
    say(f"run {number} of {len(runs)}, {hours} h {minutes:02d} min of training to go in all  {each}")


def main(arguments) -> int:
    """Runs the sweep, or lists it."""
    parser = command.make_parser("tools.sweep", __doc__)
    parser.add_argument("file", metavar="FILE", help="the sweep, sweeps/NAME.json")
    parser.add_argument("--data_dir", help="given to train.main; by default what DCN_DATA_DIR says")
    parser.add_argument("--only", type=listed, help="variants or runs, joined by commas, in place of all")
    parser.add_argument("--jobs", type=number(1, 256), default=1, help="runs at a time, which share the cores")
    nice = "how much the runs give way to other work, 0 to 19"
    parser.add_argument("--nice", type=number(0, 19), default=10, help=nice)
    parser.add_argument("--list", action="store_true", help="say what is done, running and left, and stop")
    values = parser.parse_args(arguments)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup has it
        signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))  # a closed terminal stops it in order, too
    runs = select(read_sweep(values.file), values.only or [])
    data_dir = values.data_dir or os.environ.get("DCN_DATA_DIR")
    configs = read_configs(runs, data_dir)
    if values.list:
        print(format_list(runs, configs))
        return 0
    os.nice(values.nice)  # which the trainings inherit
    with lock.held(runs[0].workdir.parent):
        failed = run_all(runs, configs, data_dir and Path(data_dir), values.jobs)
    say(f"{len(runs) - len(failed)} of {len(runs)} runs are done" + f"; failed: {', '.join(failed)}" * bool(failed))
    return EXIT_FAILED if failed else 0


if __name__ == "__main__":
    command.run(main)
