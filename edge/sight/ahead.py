"""Takes a camera's next frame while the one before it is read, where a core is free."""

import os
import threading
import time
from typing import Any

from PIL import Image

LONGEST_WAIT = 12.0  # seconds for the frame that is being taken, when the camera is closed


def ahead(camera: Any, interval: float) -> Any:
    """Returns the camera, or an `AheadCamera` of it: where it is a live one, without a pause, and a core is free."""
    live = getattr(camera, "is_live", False)
    return AheadCamera(camera) if live and not interval and len(os.sched_getaffinity(0)) > 1 else camera


class AheadCamera:
    """Keeps the newest frame of a camera, which a thread takes one after the other.

    A frame is handed out once, and one that nobody asked for in time gives way to the next. Frames are never queued, so
    that readings do not lag.

    Args:
        camera: see `edge.sight.camera.open_camera`. The thread alone uses it, but for `close`.
    """

    def __init__(self, camera: Any):
        self.asked: float | None = None  # when the frame that was handed out last was asked for, `time.monotonic`
        self._camera = camera
        self._changed = threading.Condition()
        self._newest: tuple[float, Image.Image] | None = None
        self._error: Exception | None = None
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="frames", daemon=True)
        self._thread.start()

    def capture(self) -> Image.Image:
        """Returns the newest frame that was not handed out; raises what the camera raised, after its last frame."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest or self._error)
            if self._newest:
                (self.asked, frame), self._newest = self._newest, None
                return frame
            assert self._error
            raise self._error

    def close(self) -> None:
        """Ends the thread, and frees the camera."""
        self._ended = True
        self._thread.join(LONGEST_WAIT)
        self._camera.close()

    def _run(self):
        while not self._ended:
            asked = time.monotonic()
            try:
                frame = self._camera.capture()
            except Exception as error:  # handed on to who asks for the next frame
                with self._changed:
                    self._error = error
                    self._changed.notify()
                return
            with self._changed:
                self._newest = asked, frame
                self._changed.notify()
