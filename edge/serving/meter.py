"""From readings of frames to a reading that is published: it stays, and a meter's does not fall or leap."""

from edge.sight.stable import StableReadings

NOTHING = "nothing to read"
READING = "reading"


class Meter:
    """Tells when a reading is to be published.

    Args:
        stable: of the last 2 n - 1 frames so many must agree.
        max_step: the most by which the number changes from one that was published to the next; None: any.

    Attributes:
        reading: what was published last; None before.
        probability: of the frame that it was published with.
        state: 'reading', 'nothing to read', or why a reading was refused.
    """

    def __init__(self, stable: int = 3, monotonic: bool = False, max_step: int | None = None):
        self._arguments = stable, monotonic, max_step
        self.forget()

    def forget(self) -> None:
        """Takes the next reading that stays for right, whatever was before: the meter was exchanged."""
        stable, self._monotonic, self._max_step = self._arguments
        self._stable = StableReadings(stable)
        self.reading: str | None = None
        self.probability: float | None = None
        self.state = NOTHING

    def note(self, prediction: str, probability: float) -> bool:
        """Returns whether the reading or the state changed, with the reading of the next frame."""
        before = self.reading, self.state
        if not self._stable.is_new(prediction):
            return False
        if not prediction:
            self.state = NOTHING
        elif reason := self._refused(prediction):
            self.state = reason
        else:
            self.reading, self.probability, self.state = prediction, probability, READING
        return (self.reading, self.state) != before

    def _refused(self, prediction: str) -> str | None:
        """Returns why a meter cannot show a number, or None."""
        if not self._monotonic and self._max_step is None:
            return None
        if not (prediction.isascii() and prediction.isdecimal()):
            return f"refused: {prediction} is not a number"
        if self.reading is None:
            return None
        step = int(prediction) - int(self.reading)
        if self._monotonic and step < 0:
            return f"refused: {prediction} is less than {self.reading}"
        if self._max_step is not None and abs(step) > self._max_step:
            return f"refused: {prediction} is {abs(step)} from {self.reading}, more than {self._max_step}"
        return None
