import threading
import time

import pytest

from edge.errors import WorkError
from edge.sight import ahead as ahead_module
from edge.sight.ahead import AheadCamera, ahead
from edge.sight.camera import frames

LONGEST = 5  # seconds


class StepCamera:
    """Gives a number for each permit, then fails where it is to."""

    is_live = True

    def __init__(self, last=None):
        self.permits, self.taken, self.last, self.closed = threading.Semaphore(0), 0, last, False

    def capture(self):
        assert self.permits.acquire(timeout=LONGEST)
        if self.closed or self.taken == self.last:
            raise WorkError("the camera gives no more frames")
        self.taken += 1
        return self.taken

    def close(self):
        self.closed = True


def let(camera, count, kept):
    """Lets a camera take so many frames, and waits until the last of them is kept."""
    before = camera.taken
    for _ in range(count):
        camera.permits.release()
    until = time.monotonic() + LONGEST
    while (kept._newest or (0, 0))[1] != before + count and time.monotonic() < until:
        time.sleep(0.001)


def test_the_newest_frame_is_read_and_none_is_queued():
    camera = StepCamera()
    kept = AheadCamera(camera)
    let(camera, 1, kept)
    assert kept.capture() == 1
    let(camera, 3, kept)  # while that one is read
    assert kept.capture() == 4
    let(camera, 1, kept)
    found = list(frames(kept, 1))
    assert [(frame.name, frame.read(), frame.read()) for frame in found] == [("camera/1", 5, 5)]
    assert found[0].asked == kept.asked
    assert 0 <= found[0].age < LONGEST
    camera.permits.release(9)
    kept.close()
    assert camera.closed
    assert not kept._thread.is_alive()


def test_a_frame_is_waited_for_and_taken_while_another_is_read():
    camera = StepCamera()
    kept = AheadCamera(camera)
    threading.Timer(0.05, camera.permits.release).start()
    assert kept.capture() == 1
    let(camera, 1, kept)  # nobody asks
    assert camera.taken == 2
    camera.permits.release(9)
    kept.close()


def test_the_last_frame_comes_before_the_error():
    camera = StepCamera(last=1)
    kept = AheadCamera(camera)
    camera.permits.release(2)
    kept._thread.join(LONGEST)
    assert kept.capture() == 1
    for _ in range(2):
        with pytest.raises(WorkError, match="gives no more frames"):
            kept.capture()
    kept.close()
    assert camera.closed


@pytest.mark.parametrize(
    ("live", "interval", "cores", "is_ahead"),
    [(True, 0, 2, True), (True, 1, 2, False), (True, 0, 1, False), (False, 0, 2, False)],
)
def test_where_it_is_of_use(monkeypatch, live, interval, cores, is_ahead):
    monkeypatch.setattr(ahead_module.os, "sched_getaffinity", lambda process: set(range(cores)))
    camera = StepCamera(last=0)
    camera.is_live = live
    camera.permits.release()
    assert isinstance(ahead(camera, interval), AheadCamera) == is_ahead
