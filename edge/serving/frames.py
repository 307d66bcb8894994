"""The thread that takes frames from a camera, and takes up again after the camera was away."""

import threading
import time
from collections.abc import Callable

from edge.errors import UserError, WorkError, one_line

FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0  # seconds until a camera that is away is tried again


class CameraThread:
    """Takes one frame after the other and hands it on, on a thread of its own.

    Args:
        open_camera: returns a camera, see `edge.sight.camera.open_camera`.
        handle: takes a frame; the next one is taken when it returns. Its errors are reported.
        interval: seconds from one frame to the next, at least.
        report: takes a line that tells of a change: the camera went away, or came back.
        first_wait: seconds until a camera that is away is first tried again.

    Raises:
        UserError: there is no camera at the beginning.
    """

    def __init__(
        self,
        open_camera: Callable,
        handle: Callable,
        interval: float,
        report: Callable[[str], None],
        first_wait: float = FIRST_WAIT,
    ):
        self._open, self._handle, self._interval, self._report = open_camera, handle, interval, report
        self._first_wait = first_wait
        self._camera = open_camera()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self.trouble = None  # why no frame comes, in one line
        self.frame_error = None  # why the last frame was not read

    def start(self) -> None:
        """Begins to take frames."""
        self._thread.start()

    @property
    def is_up(self) -> bool:
        """Whether frames come."""
        return self.trouble is None and self._thread.is_alive()

    def stop(self, seconds: float = 12.0) -> None:
        """Ends, and frees the camera; waits so long for the frame that is being taken."""
        self._stop.set()
        self._thread.join(seconds)

    def _run(self):
        wait = self._first_wait
        while not self._stop.is_set():
            due = time.monotonic() + self._interval
            frame = self._frame()
            if frame is None:
                self._stop.wait(wait)
                wait = min(2 * wait, LONGEST_WAIT)
                continue
            wait = self._first_wait
            self._hand_on(frame)
            self._stop.wait(max(0.0, due - time.monotonic()))
        self._close()

    def _frame(self):
        """Returns a frame, or None where the camera is away."""
        try:
            self._camera = self._camera or self._open()
            frame = self._camera.capture()
        except Exception as error:  # drivers raise almost anything
            self._lose(error)
            return None
        if self.trouble:
            self.trouble = None
            self._report("the camera is back")
        return frame

    def _hand_on(self, frame):
        try:
            self._handle(frame)
            self.frame_error = None
        except Exception as error:
            if self.frame_error is None:
                self._report(f"a frame is not read: {one_line(error)}")
            self.frame_error = one_line(error)

    def _lose(self, error):
        if self.trouble is None:
            expected = isinstance(error, UserError | WorkError)
            self._report(f"the camera is away: {'' if expected else type(error).__name__ + ': '}{one_line(error)}")
        self.trouble = one_line(error)
        self._close()

    def _close(self):
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.close()
