import pytest

from tools import progress


@pytest.fixture
def at(monkeypatch):
    """Returns a function that makes progress at times, seconds: (time, parts that are done)."""

    def tell(*moments, is_terminal=False):
        clock = iter([0.0, *(time for time, _ in moments)])
        monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
        monkeypatch.setattr(progress.sys.stdout, "isatty", lambda: is_terminal)
        work = progress.Progress("reading", 50, "images")
        for _, done in moments:
            work.tell(done, ", fine")

    return tell


def test_the_time_to_go_follows_from_the_time_gone(at, capsys):
    at((5.0, 5), (200.0, 20), (205.0, 25))
    assert capsys.readouterr().out == "reading: 20 of 50 images, 5 min 00 s to go, fine\n"


def test_on_a_terminal_one_line_is_updated_and_ended(at, capsys):
    at((2.0, 20), (2.5, 25), (2.7, 50), is_terminal=True)
    lines = [f"{progress.CLEAR}reading: {n} of 50 images, 0 min 0{s} s to go, fine" for n, s in ((20, 3), (50, 0))]
    assert capsys.readouterr().out == "".join(lines) + "\n"
