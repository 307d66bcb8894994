import math
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

from edge.errors import UserError, WorkError
from edge.sight import camera as camera_module
from edge.sight.camera import frames, open_camera

RED_GREEN_BLUE = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)


class FakePicamera2:
    """One camera, which gives two frames."""

    def __init__(self, index):
        [None][index]
        self.left = 2
        self.closed = False

    def create_video_configuration(self, main):
        return main

    def configure(self, configuration):
        assert configuration == {"format": "BGR888"}

    def start(self):
        pass

    def capture_array(self, name, wait):
        if not self.left:
            raise TimeoutError
        self.left -= 1
        return RED_GREEN_BLUE

    def close(self):
        self.closed = True


class FakeCapture:
    """One camera, which gives one frame."""

    def __init__(self, index):
        self.left = 1 if index == 0 else 0

    def isOpened(self):
        return self.left > 0

    def grab(self):
        self.left -= 1
        return self.left >= 0

    def retrieve(self):
        return True, RED_GREEN_BLUE[..., ::-1]

    def release(self):
        pass


@pytest.fixture
def install(monkeypatch):
    """Installs fakes of the named modules, and makes the others missing. No frame of a fake has waited."""
    monkeypatch.setattr(camera_module, "FRESH", math.inf)

    def do(*names):
        fakes = {
            "picamera2": SimpleNamespace(Picamera2=FakePicamera2),
            "cv2": SimpleNamespace(VideoCapture=FakeCapture),
        }
        for name, fake in fakes.items():
            monkeypatch.setitem(sys.modules, name, fake if name in names else None)

    return do


@pytest.mark.parametrize(("wanted", "module"), [("picamera2", "picamera2"), ("opencv:0", "cv2"), ("auto", "cv2")])
def test_frames_are_red_green_blue(install, wanted, module):
    install(module)
    camera = open_camera(wanted)
    np.testing.assert_array_equal(np.asarray(camera.capture()), RED_GREEN_BLUE)
    camera.close()


def test_auto_takes_the_first_that_is_there(install):
    install("picamera2", "cv2")
    assert isinstance(open_camera("auto:0"), camera_module.PiCamera)


def test_a_camera_that_stops_is_work_that_failed(install):
    install("picamera2", "cv2")
    for wanted, count in (("picamera2", 2), ("opencv", 1)):
        camera = open_camera(wanted)
        for _ in range(count):
            camera.capture()
        with pytest.raises(WorkError, match="gives no more frames"):
            camera.capture()


@pytest.mark.parametrize(
    ("wanted", "modules", "message"),
    [
        ("picamera2", [], "picamera2 cannot be imported: .*; install it: sudo apt install python3-picamera2"),
        ("opencv", [], "cv2 cannot be imported: .*; install it: pip install opencv-python-headless"),
        ("auto", [], "no camera is to be had: picamera2 .*; cv2 "),
        ("picamera2:1", ["picamera2"], "picamera2 has no camera 1 to give: list index out of range"),
        ("opencv:1", ["cv2"], "OpenCV has no camera 1 to give"),
        ("auto:1", ["picamera2", "cv2"], "no camera is to be had: picamera2 .*; OpenCV "),
        ("webcam", [], "or auto, and may end in :INDEX, or it is images:PATH, received 'webcam'"),
        ("auto:first", [], "received 'auto:first'"),
        ("auto:-1", [], "received 'auto:-1'"),
        ("opencv:18446744073709551616", ["cv2"], "received 'opencv:18446744073709551616'"),
        ("auto:²", [], "received 'auto:²'"),
    ],
)
def test_no_camera_is_told(install, wanted, modules, message):
    install(*modules)
    with pytest.raises(UserError, match=message):
        open_camera(wanted)


def test_a_frame_is_captured_when_it_is_read_and_only_once(install):
    install("picamera2")
    camera = open_camera("picamera2")
    found = list(frames(camera, 2))
    assert camera._camera.left == 2
    assert found[0].read() is found[0].read(100)
    assert camera._camera.left == 1
    assert [frame.name for frame in found] == ["camera/1", "camera/2"]


class QueuedCamera:
    """A camera of 30 frames a second on a simulated clock, whose driver keeps four frames and gives the oldest."""

    PERIOD, KEPT = 1 / 30, 4

    def __init__(self, monkeypatch):
        self.now, self.comes, self.waiting = 100.0, 100.0, []
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self.sleep)

    def sleep(self, seconds):
        self.now += seconds
        while self.comes <= self.now:
            if len(self.waiting) < self.KEPT:
                self.waiting.append(self.comes)
            self.comes += self.PERIOD

    def take(self):
        """Returns when the oldest frame was taken; waits for one where there is none."""
        self.sleep(0.0001)
        if not self.waiting:
            self.sleep(self.comes - self.now + 1e-9)
        return self.waiting.pop(0)

    # As cv2.VideoCapture
    def isOpened(self):
        return True

    def grab(self):
        self.taken = self.take()
        return True

    def retrieve(self):
        return True, np.full((2, 3, 3), round((self.now - self.taken) * 1000) % 256, np.uint8)

    def release(self):
        pass

    # As picamera2.Picamera2
    def create_video_configuration(self, main):
        return main

    def configure(self, configuration):
        pass

    def start(self):
        pass

    def capture_array(self, name, wait):
        self.taken = self.take()
        return self.retrieve()[1]


@pytest.mark.parametrize("kind", ["picamera2", "opencv"])
@pytest.mark.parametrize("interval", [0, 0.01, 0.05, 0.1, 1, 60])
def test_frames_are_as_fresh_as_the_camera_gives_them(monkeypatch, kind, interval):
    driver = QueuedCamera(monkeypatch)
    made = SimpleNamespace(Picamera2=lambda index: driver, VideoCapture=lambda index: driver)
    monkeypatch.setitem(sys.modules, {"picamera2": "picamera2", "opencv": "cv2"}[kind], made)
    camera = open_camera(kind)
    for frame in frames(camera, 12, interval):
        frame.read()
        assert driver.now - driver.taken < 2 * driver.PERIOD
        driver.sleep(0.015)  # it is read
        assert frame.age < 0.015 + 2 * driver.PERIOD


def test_frames_begin_an_interval_apart(monkeypatch):
    now, slept = [0.0], []

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", sleep)
    for frame in frames(None, 4, interval=2):
        now[0] += {"camera/1": 0.5, "camera/2": 5.0, "camera/3": 0.25, "camera/4": 0}[frame.name]
    assert slept == [0, 1.5, 0, 1.75]
