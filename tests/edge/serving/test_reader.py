import threading

import pytest

from edge.errors import WorkError
from edge.serving.reader import ReaderThread


@pytest.fixture
def reader():
    reader = ReaderThread(2)
    reader.start()
    yield reader
    reader.stop()


def test_jobs_are_done_in_turn_on_one_thread(reader):
    names = [reader.submit(lambda: threading.current_thread().name).result(5) for _ in range(2)]
    assert names == ["reader", "reader"]


def test_an_error_belongs_to_who_asked(reader):
    with pytest.raises(ZeroDivisionError):
        reader.submit(lambda: 1 / 0).result(5)
    assert reader.submit(lambda: 7).result(5) == 7
    assert reader.busy_seconds == 0


def test_too_many_jobs_are_refused(reader):
    go, begun = threading.Event(), threading.Event()
    reader.submit(lambda: (begun.set(), go.wait(5)))
    assert begun.wait(5)
    waiting = [reader.submit(lambda: 7) for _ in range(2)]
    assert reader.waiting == 2
    with pytest.raises(WorkError, match="too many images wait"):
        reader.submit(lambda: 7)
    go.set()
    assert [future.result(5) for future in waiting] == [7, 7]


def test_what_waits_is_done_before_the_end():
    reader = ReaderThread(2)
    reader.start()
    futures = [reader.submit(lambda: 7) for _ in range(2)]
    reader.stop()
    assert [future.result(0) for future in futures] == [7, 7]
    assert reader.busy_seconds == float("inf")
    with pytest.raises(WorkError, match="is ending"):
        reader.submit(lambda: 7)
