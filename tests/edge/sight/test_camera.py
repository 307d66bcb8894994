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

    def read(self):
        self.left -= 1
        return (True, RED_GREEN_BLUE[..., ::-1]) if self.left >= 0 else (False, None)

    def release(self):
        pass


@pytest.fixture
def install(monkeypatch):
    """Installs fakes of the named modules, and makes the others missing."""

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
