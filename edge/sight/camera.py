"""Frames of a camera: Raspberry Pi's own through picamera2, others through OpenCV. Neither comes with `edge`."""

import contextlib
import importlib
import itertools
import time
from dataclasses import dataclass
from typing import Any

from PIL import Image

from edge.errors import UserError, WorkError, one_line
from edge.quiet import quiet
from edge.sight.image_camera import ImageCamera

SECONDS = 10  # to wait for a frame
FRESH = 0.02  # seconds, less than cameras take for a frame: after a shorter time no frame has waited
AT_ONCE = 0.003  # seconds: a frame that comes sooner was waiting, and may be as old as the last one that was asked for
MOST_WAITING = 16  # frames that drivers keep, and more


class Freshness:
    """Drops the frames of a camera that have waited in its driver since the last one was asked for.

    Drivers keep some frames, often four, and give the oldest first: with seconds between two that are asked for, each
    would be the fourth after the one before it, and many seconds old.
    """

    def __init__(self):
        self._last = time.monotonic()

    def next(self, take):
        """Returns what `take()` gives of the next frame that had not waited."""
        if time.monotonic() - self._last > FRESH:
            for _ in range(MOST_WAITING):
                begun = time.monotonic()
                taken = take()
                if time.monotonic() - begun > AT_ONCE:
                    break
        else:
            taken = take()
        self._last = time.monotonic()
        return taken


class PiCamera:
    """A camera that libcamera knows.

    Args:
        index: 0 is the first.

    Raises:
        UserError: picamera2 is not installed or not usable, or there is no such camera.
    """

    is_live = True  # it gives frames in its own time

    def __init__(self, index: int):
        module = _import("picamera2", "sudo apt install python3-picamera2, in a venv with --system-site-packages")
        try:
            with quiet():
                self._camera = module.Picamera2(index)
                # libcamera names the bytes of a pixel backwards: this is red, green, blue
                self._camera.configure(self._camera.create_video_configuration(main={"format": "BGR888"}))
                self._camera.start()
            self._freshness = Freshness()
        except Exception as error:  # IndexError where there is none; RuntimeError and others where it is in use
            message = f"picamera2 has no camera {index} to give: {one_line(error)}"
            raise UserError(f"{message}; see rpicam-hello --list-cameras") from None

    def capture(self) -> Image.Image:
        """Returns the next frame, RGB; WorkError where none comes."""
        try:
            return Image.fromarray(self._freshness.next(lambda: self._camera.capture_array("main", wait=SECONDS)))
        except Exception as error:
            raise WorkError(f"the camera gives no more frames: {one_line(error)}") from None

    def close(self) -> None:
        """Frees the camera."""
        with contextlib.suppress(Exception), quiet():
            self._camera.close()


class OpenCvCamera:
    """A camera that OpenCV knows; UserError where OpenCV is not installed or not usable, or there is no such camera.

    Args:
        index: 0 is the first, /dev/video0.
    """

    is_live = True

    def __init__(self, index: int):
        module = _import("cv2", "pip install opencv-python-headless")
        with quiet():
            self._camera = module.VideoCapture(index)
        if not self._camera.isOpened():
            raise UserError(f"OpenCV has no camera {index} to give; look for another in /dev/video*")
        self._freshness = Freshness()

    def capture(self) -> Image.Image:
        """Returns the next frame, RGB; WorkError where none comes."""
        with quiet():
            there, frame = self._camera.retrieve() if self._freshness.next(self._camera.grab) else (False, None)
        if not there or frame is None:
            raise WorkError("the camera gives no more frames")
        return Image.fromarray(frame[..., ::-1])  # blue, green, red

    def close(self) -> None:
        """Frees the camera."""
        self._camera.release()


CAMERAS = {"picamera2": PiCamera, "opencv": OpenCvCamera}


def _import(name, install):
    try:
        with quiet():
            return importlib.import_module(name)
    except Exception as error:  # one built for another numpy raises ValueError
        raise UserError(f"{name} cannot be imported: {one_line(error)}; install it: {install}") from None


def open_camera(wanted: str):
    """Returns a camera; UserError where `wanted` is something else, or there is no such camera.

    Args:
        wanted: 'picamera2', 'opencv' or 'auto', which takes the first of them that gives a camera; ':1' behind it
            asks for the second camera. Or 'images:PATH': files in place of a camera.
    """
    kind, _, index = wanted.partition(":")
    if kind == "images" and index:
        return ImageCamera(index)
    index = index or "0"
    if kind not in (*CAMERAS, "auto") or not (index.isascii() and index.isdigit() and len(index) <= 4):
        kinds = ", ".join(CAMERAS)
        raise UserError(
            f"--camera must be {kinds} or auto, and may end in :INDEX, or it is images:PATH, received {wanted[:80]!r}"
        )
    if kind != "auto":
        return CAMERAS[kind](int(index))
    reasons = []
    for camera in CAMERAS.values():
        try:
            return camera(int(index))
        except UserError as error:
            reasons.append(str(error))
    raise UserError(f"no camera is to be had: {'; '.join(reasons)}")


@dataclass
class Frame:
    """One frame, captured when it is first read; see `edge.run.ImageFile`.

    Attributes:
        name: 'camera/' and its number.
        asked: when it was asked for, on the clock of `time.monotonic`; it is from then, to within a frame.
    """

    name: str
    camera: Any
    image: Image.Image | None = None
    asked: float | None = None

    def read(self, rule=None) -> Image.Image:
        """Returns the frame; WorkError where the camera gives none."""
        if self.image is None:
            asked = time.monotonic()
            self.image = self.camera.capture()
            self.asked = getattr(self.camera, "asked", asked)  # a frame that is taken ahead was asked for before
        return self.image

    @property
    def age(self) -> float | None:
        """Seconds since it was asked for; None before."""
        return None if self.asked is None else time.monotonic() - self.asked


def frames(camera, count: int | None = None, interval: float = 0):
    """Yields `count` frames, endlessly many where None, beginning one at most every `interval` seconds."""
    due = time.monotonic()
    for number in itertools.count(1) if count is None else range(1, count + 1):
        time.sleep(max(0, due - time.monotonic()))
        due = time.monotonic() + interval
        yield Frame(f"camera/{number}", camera)
