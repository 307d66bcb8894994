"""The two tasks of a network: one class of an image, or a sequence of symbols. All that sets them apart begins here."""

import math
from dataclasses import dataclass

CLASSIFICATION, SEQUENCE = "classification", "sequence"


@dataclass(frozen=True)
class Classification:
    """A classifier's task, and the top that does it: a convolution, a global maximum, and one softmax.

    Attributes:
        strides: of the top's convolution, (vertical, horizontal), in cells.
        padding: of it, ((top, bottom), (left, right)), in cells.
    """

    labels: tuple[str, ...]
    strides: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]

    name = CLASSIFICATION
    saliency_heads = (0,)

    @classmethod
    def from_content(cls, content: dict) -> "Classification":
        """Returns the task that the content of a manifest describes."""
        convolution = content["convolution"]
        vertical, horizontal = map(tuple, convolution["padding"])
        return cls(tuple(content["labels"]), tuple(convolution["strides"]), (vertical, horizontal))

    @staticmethod
    def rules(content: dict):
        """Yields (whether it holds, rule) of what a schema cannot say about the content of a manifest."""
        yield content["max_length"] is None, "max_length must be there for sequences, and them alone"
        yield not content.get("levels"), "levels must be there for sequences alone"
        yield content["heads"] == [len(content["labels"])], "heads must follow from labels and max_length"
        yield content["refined"] == "swap", "refined must be the task's own"
        yield content["convolution"] is not None, "the top's description must be there"

    def __str__(self):
        return self.name

    @property
    def heads(self) -> tuple[int, ...]:
        """Number of categories of each softmax: the classes."""
        return (len(self.labels),)

    def read(self, log_probabilities) -> tuple:
        """Returns the most probable class, its probability, and its category in a tuple: [classes] -> three values."""
        values = log_probabilities.tolist()
        highest = max(values)
        best = values.index(highest)
        return self.labels[best], math.exp(highest), (best,)

    def text(self, categories) -> str:
        """Returns the category of each head as it is read."""
        return self.labels[categories[0]]


@dataclass(frozen=True)
class Sequence:
    """The task of a reader of sequences, and the top that does it: every cell predicts, and predictions are pooled.

    Attributes:
        saliency_heads: indices of the softmaxes whose entropies are summed for the saliency.
        coarse_weighting, refined_weighting: how cells weigh, see `edge.network.softmaxes.pool`.
        floor: in nats, added to the cells' entropies.
        min_length: fewest symbols, 1; or 0 where an image may hold nothing to read.
        power: of the odds that a cell sees something, by which it then weighs in the coarse output.
    """

    labels: tuple[str, ...]
    max_length: int
    saliency_heads: tuple[int, ...]
    coarse_weighting: str
    refined_weighting: str
    floor: float
    min_length: int = 1
    power: float = 1.0

    name = SEQUENCE

    @classmethod
    def from_content(cls, content: dict) -> "Sequence":
        """Returns the task that the content of a manifest describes."""
        pooling = content["pooling"]
        lists = tuple(content["labels"]), content["max_length"], tuple(content["saliency_heads"])
        weighting = pooling["coarse"], pooling["refined"], pooling["floor"]
        return cls(*lists, *weighting, content.get("min_length", 1), pooling.get("power", 1.0))

    @staticmethod
    def rules(content: dict):
        """Yields (whether it holds, rule) of what a schema cannot say about the content of a manifest."""
        length, positions = content["max_length"], [len(content["labels"]) + 1]
        yield length is not None, "max_length must be there for sequences, and them alone"
        lengths = (length or 0) + 1 - content.get("min_length", 1)
        yield content["heads"] == [lengths, *positions * (length or 0)], "heads must follow from labels and max_length"
        yield content["refined"] == "pool", "refined must be the task's own"
        yield content["pooling"] is not None, "the top's description must be there"
        pooling = content["pooling"] or {}
        empty = content.get("min_length", 1) == 0
        parts = {
            bool(content.get("levels")),
            pooling.get("coarse") == "presence",
            pooling.get("refined") == "votes",
            empty,
        }
        yield len(parts) == 1, "levels, presence, votes and min_length 0 go together"

    def __str__(self):
        return f"{self.name} of {self.min_length} to {self.max_length}"

    @property
    def heads(self) -> tuple[int, ...]:
        """Number of categories of each softmax: the lengths, then for every position the symbols and 'none'."""
        return (self.max_length - self.min_length + 1,) + (len(self.labels) + 1,) * self.max_length

    def read(self, log_probabilities) -> tuple:
        """Returns the most probable length n and then n symbols, never 'none': [sum(heads)] -> three values.

        They are the symbols as text, the probability of the length times that of each symbol, and the category of each
        head: length less the least one, the symbols, and 'none' behind.
        """
        none, lengths = len(self.labels), self.heads[0]
        category = int(log_probabilities[:lengths].argmax())
        length = category + self.min_length
        positions = log_probabilities[lengths:].reshape(self.max_length, none + 1)[:length, :none]
        symbols = positions.argmax(axis=1)
        log_probability = log_probabilities[category] + positions.max(axis=1).sum()
        categories = (category, *map(int, symbols), *[none] * (self.max_length - length))
        return self.text(categories), math.exp(log_probability), categories

    def text(self, categories) -> str:
        """Returns the category of each head as it is read: the symbols up to the length."""
        joint = "" if all(len(label) == 1 for label in self.labels) else " "
        return joint.join(self.labels[symbol] for symbol in categories[1 : 1 + categories[0] + self.min_length])


TASKS = {task.name: task for task in (Classification, Sequence)}
