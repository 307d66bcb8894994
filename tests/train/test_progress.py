import io
import logging

import pytest

from train import progress
from train.progress import Progress, Screen, duration


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def lines():
    """Yields what is logged: (text, whether it is an updating line)."""
    found, handler, level = [], logging.Handler(), progress.log.level
    handler.emit = lambda record: found.append((record.getMessage(), getattr(record, "updating", False)))
    progress.log.addHandler(handler)
    progress.log.setLevel(logging.INFO)
    yield found
    progress.log.setLevel(level)
    progress.log.removeHandler(handler)


def written_to(stream):
    """Returns what a screen makes of a line, two updating ones, a line and an updating one."""
    screen = Screen(stream)
    for text, updating in (("begun", 0), ("1 of 9", 1), ("2 of 9 " + 100 * "x", 1), ("done", 0), ("1 of 5", 1)):
        record = logging.makeLogRecord({"msg": text, "updating": bool(updating)})
        screen.handle(record)
    screen.end_line()
    return stream.getvalue()


def test_a_file_has_a_line_for_each(monkeypatch):
    assert written_to(io.StringIO()) == f"begun\n1 of 9\n2 of 9 {100 * 'x'}\ndone\n1 of 5\n"


def test_on_a_terminal_one_line_is_updated_and_never_wraps(monkeypatch):
    monkeypatch.setenv("COLUMNS", "12")
    clear = progress.CLEAR
    assert written_to(Terminal()) == f"begun\n1 of 9{clear}2 of 9 xxxx{clear}done\n1 of 5\n"


def test_a_line_that_can_not_be_written_stops_nothing(capfd):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    Screen(Full()).handle(logging.makeLogRecord({"msg": "step 1"}))
    assert capfd.readouterr().err == ""
    Screen(io.StringIO()).handle(logging.makeLogRecord({"msg": "%d", "args": ("x",)}))
    assert "TypeError" in capfd.readouterr().err


def test_progress_tells_rate_and_time_to_go_and_its_end(monkeypatch, lines):
    clock = iter([0.0, 4.0, 20.0, 21.0, 40.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    work = Progress("fetching a.tar.gz", 1_000_000, "MB", done=100)
    for amount in (100, 300, 100, 999_400):
        work.advance(amount)
    assert lines == [
        ("fetching a.tar.gz: 500 of 1000000 MB, 20.0 a second, 13:52:55 to go", True),
        ("fetching a.tar.gz: 1000000 MB in 00:00:40", False),
    ]


def test_what_is_quick_is_not_told(lines):
    work = Progress("evaluating", 3, "images")
    for _ in range(3):
        work.advance(1)
    assert lines == []


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "00:00:00"), (-3, "00:00:00"), (3661.9, "01:01:01"), (86400 * 4 + 59, "96:00:59")]
)
def test_durations_of_more_than_a_day_are_right(seconds, text):
    assert duration(seconds) == text
