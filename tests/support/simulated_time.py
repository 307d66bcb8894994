"""Time that passes only where a test says so; takes the place of `edge.energy.timer.Timer`."""


class SimulatedTime:
    """Calls what is due while it passes. `clock_error` is what the machine's clock was set by since the beginning."""

    def __init__(self, now=1000.0, since_1970=1.7e9):
        self.now, self._offset, self.clock_error = now, since_1970 - now, 0.0
        self._polls = []

    def monotonic(self):
        return self.now

    def wall(self):
        return self.now + self._offset + self.clock_error

    def sleep(self, seconds):
        until = self.now + seconds
        while self._polls and min(poll["due"] for poll in self._polls) <= until:
            poll = min(self._polls, key=lambda poll: poll["due"])
            self.now = poll["due"]
            poll["due"] += poll["period"]
            poll["function"]()
        self.now = until

    def jump(self, seconds):
        """The machine is busy or asleep: nothing is called."""
        self.now += seconds
        for poll in self._polls:
            poll["due"] = max(poll["due"], self.now)

    def every(self, period, function):
        function()
        poll = {"period": period, "function": function, "due": self.now + period}
        self._polls.append(poll)

        def stop():
            self._polls.remove(poll)
            function()

        return stop
