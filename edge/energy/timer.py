"""The clocks and the background thread of the meters, in one object that simulated time can stand in for."""

import threading
import time


class Timer:
    """Real time."""

    def monotonic(self) -> float:
        """Returns seconds on a clock that is never set."""
        return time.monotonic()

    def wall(self) -> float:
        """Returns seconds since 1970 on the machine's clock."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Waits."""
        time.sleep(seconds)

    def every(self, period: float, function):
        """Calls `function()` now, every `period` seconds from a thread, and once more when what it returns is called.

        Calls never overlap; one that is late is left out. The function must not raise.
        """
        done = threading.Event()

        def poll():
            due = time.monotonic() + period
            while not done.wait(max(0.0, due - time.monotonic())):
                function()
                due = max(due + period, time.monotonic())

        function()
        thread = threading.Thread(target=poll, daemon=True)
        thread.start()

        def stop():
            done.set()
            thread.join()
            function()

        return stop
