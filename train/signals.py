"""Signals that ask a program to end: at once where nothing is to be saved, else after the step that is being done."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ENDED_BY = 128  # plus the signal's number: the exit status, as shells have it


class Stopped(KeyboardInterrupt):
    """A signal asked for the end. `except Exception` lets it pass, as it does with Ctrl-C.

    Args:
        message: what is to be said, where there is more than the signal's name.
    """

    def __init__(self, number: int, message: str = ""):
        super().__init__(message or f"stopped by {signal.Signals(number).name}")
        self.number, self.has_message = number, bool(message)


class Handling:
    """How signals are handled: `deferred` notes the first one's `number`; otherwise it raises `Stopped` at once."""

    def __init__(self):
        self.number, self.deferred = None, False

    def take(self, number, frame=None):
        """Obeys a signal; the second one ends the process."""
        if self.number is not None:
            os._exit(ENDED_BY + number)
        self.number = number
        if not self.deferred:
            raise Stopped(number)
        with contextlib.suppress(OSError):  # not by the log, which the signal may have interrupted
            text = f"\n{signal.Signals(number).name}: stopping after this step; a second signal stops at once\n"
            os.write(2, text.encode())

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Obeys signals at once for the length of a `with` block, in which there is nothing to save; one noted too."""
        before, self.deferred = self.deferred, False
        try:
            if self.number is not None:  # it came while the step before was being saved
                raise Stopped(self.number)
            yield
        finally:
            self.deferred = before


_current: Handling | None = None


@contextmanager
def handling() -> Iterator[Handling]:
    """Handles the signals for the length of a `with` block; one within another is the same.

    A signal that is ignored stays so: `nohup` is obeyed. Outside of the main thread Python takes no signals.
    """
    global _current
    if _current is not None or threading.current_thread() is not threading.main_thread():
        yield _current or Handling()
        return
    _current = Handling()
    before = {number: signal.getsignal(number) for number in ASKING}
    taken = [number for number, handler in before.items() if handler not in (signal.SIG_IGN, None)]
    try:
        with _watched():
            for number in taken:
                signal.signal(number, _current.take)
            yield _current
    finally:
        for number in taken:
            signal.signal(number, before[number])
        _current = None


@contextmanager
def after_step() -> Iterator[Handling]:
    """Notes the first signal for the length of a `with` block, which has to look at `number` after each step."""
    with handling() as current:
        current.deferred = True
        try:
            yield current
        finally:
            current.deferred = False


@contextmanager
def _watched() -> Iterator[None]:
    """Counts signals in a thread: Python calls no handler while native code runs, and a second signal can't wait."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reading,), daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writing)


def _watch(descriptor: int):
    """Reads the numbers of signals until their end, and ends the process at the second one that asks for it."""
    seen = 0
    while number := os.read(descriptor, 1):
        seen += number[0] in ASKING
        if seen > 1:
            os._exit(ENDED_BY + number[0])
    os.close(descriptor)
