"""The run's own words on the screen: lines of the log, and how far a long piece of work is."""

import logging
import shutil
import sys
import time

log = logging.getLogger("train")
UPDATING = {"updating": True}  # marks a record that the next one replaces on a terminal
CLEAR = "\r\x1b[K"  # back to the start of a terminal's line, and empty it


def start_logging():
    """Sends `log` to stderr, each line with the time of day."""
    if not log.handlers:
        handler = Screen(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S"))
        log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


def tell(message: str, *values):
    """Logs how far something is: on a terminal in one line that the next call updates, in a file in a line each."""
    log.info(message, *values, extra=UPDATING)


def end_line():
    """Ends a line that would be updated, so that something else can be printed."""
    for handler in log.handlers:
        if isinstance(handler, Screen):
            handler.end_line()


class Screen(logging.StreamHandler):
    """Writes records to a stream: on a terminal an updating one takes the place of the last such one."""

    is_open = False  # whether the terminal's last line may be replaced

    def emit(self, record):
        if not self.stream.isatty():
            super().emit(record)
            return
        try:
            text, updating = self.format(record), getattr(record, "updating", False)
            if updating:
                text = text[: shutil.get_terminal_size().columns - 1]  # a line that wraps can't be replaced
            self.stream.write(CLEAR * self.is_open + text + "\n" * (not updating))
            self.is_open = updating
            self.flush()
        except OSError:
            self.handleError(record)

    def handleError(self, record):
        """Says nothing of a line that can't be written: the run goes on without, for instance on a full disk."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)

    def end_line(self):
        """Leaves the line that is there, and begins another."""
        if self.is_open:
            self.stream.write("\n")
            self.flush()
        self.is_open = False


class Progress:
    """Tells every few seconds how far a long piece of work is, how fast it goes and how long it will take."""

    def __init__(self, what: str, total: float, unit: str, done: float = 0):
        self.what, self.total, self.unit, self.done = what, total, unit, done
        self.begun = self.told = time.monotonic()
        self.done_before = done
        self.pause = 1 if sys.stderr.isatty() else 10  # seconds between two lines

    def advance(self, amount: float):
        """Counts `amount` more. The end is told as well, if the way to it was."""
        self.done += amount
        now = time.monotonic()
        if self.done >= self.total and self.told > self.begun:
            log.info("%s: %.0f %s in %s", self.what, self.total, self.unit, duration(now - self.begun))
        elif now - self.told >= self.pause:
            self.told = now
            rate = (self.done - self.done_before) / (now - self.begun)
            left = duration((self.total - self.done) / max(rate, 1e-9))
            tell(
                "%s: %.0f of %.0f %s, %.1f a second, %s to go", self.what, self.done, self.total, self.unit, rate, left
            )


def duration(seconds: float) -> str:
    """Returns seconds as hours:minutes:seconds; there may be more than 24 hours."""
    minutes, seconds = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}"
