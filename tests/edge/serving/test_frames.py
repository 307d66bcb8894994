import itertools
import time

import pytest
from served import wait_for

from edge.errors import UserError, WorkError
from edge.serving.frames import CameraThread


class Camera:
    """Gives so many frames, and then none."""

    def __init__(self, frames):
        self.left, self.closed = frames, False

    def capture(self):
        if not self.left:
            raise WorkError("the camera gives no more frames")
        self.left -= 1
        return "frame"

    def close(self):
        self.closed = True


def test_a_camera_that_was_away_is_taken_up_again():
    cameras, opened, seen, told = [Camera(2), UserError("no camera"), Camera(10**6)], [], [], []

    def open_camera():
        opened.append(cameras.pop(0))
        if isinstance(opened[-1], Exception):
            raise opened[-1]
        return opened[-1]

    thread = CameraThread(open_camera, seen.append, 0.001, told.append, first_wait=0.01)
    thread.start()
    wait_for(lambda: len(seen) > 4)
    assert thread.is_up
    assert opened[0].closed
    thread.stop()
    assert opened[2].closed
    assert told == ["the camera is away: the camera gives no more frames", "the camera is back"]


def test_a_frame_that_cannot_be_read_is_told_once():
    told, seen = [], []

    def handle(frame):
        seen.append(frame)
        raise UserError("too small")

    thread = CameraThread(lambda: Camera(10**6), handle, 0, told.append)
    thread.start()
    wait_for(lambda: len(seen) > 3)
    thread.stop()
    assert told == ["a frame is not read: too small"]
    assert thread.frame_error == "too small"


def test_frames_begin_an_interval_apart():
    seen = []
    thread = CameraThread(lambda: Camera(10**6), lambda _: seen.append(time.monotonic()), 0.1, print)
    thread.start()
    wait_for(lambda: len(seen) > 3)
    thread.stop()
    assert min(after - before for before, after in itertools.pairwise(seen)) > 0.09


def test_no_camera_at_the_beginning_is_the_users_matter():
    def none():
        raise UserError("no camera")

    with pytest.raises(UserError):
        CameraThread(none, print, 0, print)
