"""The one thread that reads images: interpreters are not for several threads at once."""

import queue
import threading
import time
from concurrent.futures import Future

from edge.errors import WorkError

MOST_WAITING = 40  # jobs


class BusyError(WorkError):
    """There is no room now; there may be later."""


class ReaderThread:
    """Does jobs one after the other, on a thread of its own."""

    def __init__(self, most: int = MOST_WAITING):
        self._jobs = queue.Queue(most)
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)
        self._since = None
        self._stopped = False

    def start(self) -> None:
        """Begins to work."""
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Number of jobs that wait."""
        return self._jobs.qsize()

    @property
    def busy_seconds(self) -> float:
        """How long the present job has taken; infinite where the thread has ended."""
        if not self._thread.is_alive():
            return float("inf")
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    def submit(self, work, *arguments) -> Future:
        """Returns the future result of `work(*arguments)`; BusyError where too many jobs wait, or all has ended."""
        if self._stopped:
            raise BusyError("the service is ending")
        future = Future()
        try:
            self._jobs.put_nowait((future, work, arguments))
        except queue.Full:
            raise BusyError("too many images wait to be read") from None
        return future

    def stop(self, seconds: float = 5.0) -> None:
        """Does the jobs that wait, and ends; waits so long for that."""
        self._stopped = True
        try:
            self._jobs.put(None, timeout=seconds)
        except queue.Full:
            return
        self._thread.join(seconds)

    def _run(self):
        while (job := self._jobs.get()) is not None:
            future, work, arguments = job
            if not future.set_running_or_notify_cancel():
                continue
            self._since = time.monotonic()
            try:
                future.set_result(work(*arguments))
            except BaseException as error:  # whatever it is, it belongs to who asked; the thread goes on
                future.set_exception(error)
            self._since = None
