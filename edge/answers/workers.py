"""Several processes that read images, and their answers in the order of the paths.

Each process has interpreters of its own: it is this module as a program. It takes the command line and then lists of
paths from its stdin, pickled, and gives for each a list of what `Told` holds, but for the image. It ends when its stdin
does. As a session of its own it hears no Ctrl-C: who started it ends it.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads, as edge.run has it

import contextlib
import pickle
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from edge.answers.reader import make_reader
from edge.answers.told import ImageFile, Told, tell
from edge.bundle import load_bundle
from edge.errors import UserError, WorkError, run_main
from edge.network.pyramid_runner import make_runner

AHEAD = 16  # blocks a worker that may be asked for before they are told
BLOCK = 16  # images
MOST_AT_ONCE = 32  # images that are handed over together
SECONDS_AT_ONCE = 0.1  # of work that is handed over together: long beside what that costs, short for who waits
READY = "ready"
END = object()


class Workers:
    """Processes that read images. They load the bundle while who made them does something else, until `wait`.

    Args:
        count: of processes.
        parsed: the arguments of `edge.run`.
    """

    def __init__(self, count: int, parsed):
        self._asked, self._answered = queue.SimpleQueue(), queue.SimpleQueue()
        self._slots = threading.Semaphore(AHEAD * count)
        self._processes = []
        try:
            for _ in range(count):
                self._processes.append(_start())
            for process in self._processes:
                _send(process, parsed)
        except BaseException:
            self.close()
            raise

    def wait(self) -> None:
        """Returns when all of them can read.

        Raises:
            UserError: the bundle cannot follow the command line.
            WorkError: a process ended.
        """
        for process in self._processes:
            _check(_receive(process)[-1])

    def tell(self, paths: Iterable) -> Iterator[Told]:
        """Yields what is told of each image, in the order of the paths. For one thread, and once.

        Raises:
            UserError: what `paths` raises.
            WorkError: what a process raises, or it ended.
        """
        for process in self._processes:
            threading.Thread(target=self._work, args=(process,), daemon=True).start()
        threading.Thread(target=self._ask, args=(paths,), daemon=True).start()
        waiting, turn = {}, 0
        while True:
            waiting |= self._answered.get()
            while turn in waiting:
                told = _check(waiting.pop(turn))
                if told is END:
                    return
                yield told
                turn += 1
                if turn % BLOCK == 0:
                    self._slots.release()

    def close(self) -> None:
        """Ends the processes, at once."""
        for process in self._processes:
            process.kill()
            self._asked.put(None)
        for process in self._processes:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    if pipe is not None:
                        pipe.close()

    def _ask(self, paths):
        """Asks for the images of paths: a thread, since paths may come from standard input."""
        turn = 0
        try:
            for path in paths:
                if turn % BLOCK == 0:
                    self._slots.acquire()
                self._asked.put((turn, path))
                turn += 1
            self._answered.put({turn: END})
        except Exception as error:  # told in its turn, by who prints
            self._answered.put({turn: error})

    def _work(self, process):
        """Has a process read what is asked for, until it ends: a thread for each."""
        at_once = 1
        while (first := self._asked.get()) is not None:
            turns, paths = zip(*self._more(first, at_once))
            begun = time.monotonic()
            _send(process, [os.fspath(path) for path in paths])
            told = [
                Told(ImageFile(path), *one) if isinstance(one, tuple) else one
                for path, one in zip(paths, _receive(process))
            ]
            self._answered.put(dict(zip(turns, told)))
            if isinstance(told[-1], Exception):
                break
            seconds = max(time.monotonic() - begun, 1e-9) / len(paths)
            at_once = min(max(1, int(SECONDS_AT_ONCE / seconds)), 2 * len(paths), MOST_AT_ONCE)

    def _more(self, first, count: int) -> list:
        """Returns at most `count` of what is asked for now; nothing is waited for."""
        found = [first]
        while len(found) < count:
            try:
                another = self._asked.get_nowait()
            except queue.Empty:
                break
            if another is None:
                self._asked.put(None)
                break
            found.append(another)
        return found


def _start() -> subprocess.Popen:
    command = [sys.executable, "-m", "edge.answers.workers"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)


def _send(process, content):
    with contextlib.suppress(OSError, ValueError):  # its end is told where its answer is waited for
        pickle.dump(content, process.stdin)
        process.stdin.flush()


def _receive(process) -> list:
    """Returns the answers of a process, one for each path; where it failed the last one is the error."""
    try:
        return pickle.load(process.stdout)
    except (EOFError, OSError, ValueError, pickle.UnpicklingError):
        return [WorkError(f"a worker ended, with status {process.wait()}; try fewer --workers")]


def _check(content):
    """Returns what was received, raised where it is an error."""
    if isinstance(content, BaseException):
        raise content
    return content


def main() -> None:
    """The program of one process."""
    asked, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a library that prints breaks no pickle

    def answer(content):
        pickle.dump(content, answers)
        answers.flush()

    try:
        parsed = pickle.load(asked)
        runner = make_runner(load_bundle(parsed.bundle), parsed.threads)
        read = make_reader(runner, parsed)
        answer([READY])
        while True:
            answer(_tell_all(pickle.load(asked), read, runner.manifest, parsed))
    except EOFError:
        return
    except (UserError, WorkError) as error:
        answer([error])


def _tell_all(paths, read, manifest, parsed) -> list:
    """Returns what is told of each image, what is asked for alone; an error that ends the work is the last."""
    found: list = []
    try:
        for path in paths:
            told = tell(ImageFile(Path(path)), read, manifest, parsed)
            result, stages_us = told.result if parsed.overlay else None, told.stages_us if parsed.timing else {}
            found.append((told.line, told.error, result, stages_us))
    except (UserError, WorkError) as error:
        found.append(error)
    return found


if __name__ == "__main__":
    run_main(main)
