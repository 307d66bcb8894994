"""The tops as plain descriptions: what is answered, and what that costs. All that sets the two tasks apart begins here.

A description says how the refined output comes about (`swaps`), whether an image may hold nothing (`may_be_empty`), and
how many multiplications and weights the top has.
"""

from dataclasses import dataclass

from dcn_tf.descriptions import Conv, check_count, check_switch
from dcn_tf.geometry import output_size

CLASSIFICATION = "classification"
SEQUENCE = "sequence"
WEIGHTINGS = ("average", "inverse_entropy", "presence")
REFINED_WEIGHTINGS = (*WEIGHTINGS, "votes")
STATISTICS = ("separate", "shared")


@dataclass(frozen=True)
class ClassifierTopSpec:
    """A convolution, global max pooling and a softmax over `classes`; fine vectors are swapped into the coarse map.

    Attributes:
        conv: the convolution over the (refined) map of vectors.
        statistics: batch statistics of the top's two passes. 'separate': each pass has its own. 'shared': the coarse
            pass is normalised by the moving statistics of the refined pass, in training too.
    """

    conv: Conv
    classes: int
    statistics: str = "separate"

    task = CLASSIFICATION
    swaps = True
    may_be_empty = False
    box = False

    def __post_init__(self):
        if not isinstance(self.classes, int) or self.classes < 2:
            raise ValueError(f"classes must be an integer of at least 2. Received: {self.classes!r}")
        if self.statistics not in STATISTICS:
            raise ValueError(f"statistics must be one of {STATISTICS}. Received: {self.statistics!r}")

    @property
    def heads(self) -> tuple[int, ...]:
        """Number of categories of each softmax."""
        return (self.classes,)

    @property
    def saliency_heads(self) -> tuple[int, ...]:
        """Indices of the softmaxes whose entropies are summed for the saliency."""
        return (0,)

    @property
    def num_labels(self) -> int:
        """Number of names that an answer is made of."""
        return self.classes

    @property
    def words(self) -> str:
        """What it answers."""
        return f"{self.classes} classes"

    def multiplications(self, map_size, channels: int, output=None) -> int:
        """Returns the multiplications over a map of `map_size` (height, width) with `channels`.

        Args:
            output: (height, width) of the convolution's output where it is not what the map gives; (12, 12) reproduces
                the paper's accounting, which sees the 23 x 23 map padded.
        """
        height, width = output or output_size((self.conv,), map_size)
        return height * width * self.conv.multiplications(channels) + self.conv.filters * self.classes

    def weights(self, coarse_channels: int, fine_channels: int) -> int:
        """Returns the number of weights that inference needs; both stacks' vectors are of one length."""
        return self.conv.weights(coarse_channels) + (self.conv.filters + 1) * self.classes


@dataclass(frozen=True)
class SequenceTopSpec:
    """A sequence prediction per cell (1 x 1 convolution), pooled; the refined output pools the fine cells alone.

    Attributes:
        max_length: longest sequence; lengths min_length..max_length are the first softmax.
        symbols: number of symbols, 'none' not counted; each position's softmax has symbols + 1 categories.
        coarse_weighting: how the coarse predictions are pooled into the output that the saliency is taken from:
            'average' (the paper's), 'inverse_entropy': a cell in the background, which says nothing, then has little
            weight and little saliency; or 'presence': cells weigh by the squared odds that there is something to read.
        refined_weighting: how the fine predictions of the selected cells are pooled: one of the same, or 'votes', by
            which cells that read the same vote together, and a part of a number for the whole (`layers.SequenceTop`).
        min_length: 1, or 0 where an image may hold nothing to read, which is an answer of its own.
        box: whether the fine top also tells where in its patch the sequence lies.
    """

    max_length: int = 5
    symbols: int = 10
    coarse_weighting: str = "average"
    refined_weighting: str = "inverse_entropy"
    min_length: int = 1
    box: bool = False

    task = SEQUENCE
    swaps = False

    def __post_init__(self):
        check_count(self.max_length, "max_length")
        check_count(self.symbols, "symbols")
        check_switch(self.box, "box")
        if self.symbols < 2:
            raise ValueError(f"symbols must be at least 2. Received: {self.symbols!r}")
        if self.min_length not in (0, 1):
            raise ValueError(f"min_length must be 0 or 1. Received: {self.min_length!r}")
        for name, choices in (("coarse_weighting", WEIGHTINGS), ("refined_weighting", REFINED_WEIGHTINGS)):
            weighting = getattr(self, name)
            if weighting not in choices:
                raise ValueError(f"{name} must be one of {choices}. Received: {weighting!r}")
            if weighting in ("presence", "votes") and self.min_length:
                raise ValueError(f"{name} {weighting!r} needs min_length 0. Received: min_length={self.min_length!r}")

    @property
    def heads(self) -> tuple[int, ...]:
        """Number of categories of each softmax: the length, then one per position."""
        return (self.max_length - self.min_length + 1,) + (self.symbols + 1,) * self.max_length

    @property
    def saliency_heads(self) -> tuple[int, ...]:
        """Indices of the softmaxes whose entropies are summed for the saliency: the positions, not the length."""
        return tuple(range(1, self.max_length + 1))

    @property
    def num_labels(self) -> int:
        """Number of names that an answer is made of."""
        return self.symbols

    @property
    def words(self) -> str:
        """What it answers."""
        return f"up to {self.max_length} symbols"

    @property
    def may_be_empty(self) -> bool:
        """Whether 'nothing to read' is among the answers."""
        return self.min_length == 0

    def multiplications(self, map_size, channels: int, output=None) -> int:
        """Returns the multiplications over a map of `map_size` (height, width) with `channels`; `output` is not its."""
        return map_size[0] * map_size[1] * channels * sum(self.heads)

    def weights(self, coarse_channels: int, fine_channels: int) -> int:
        """Returns the number of weights that inference needs: each stack's vectors have a prediction of their own."""
        return (coarse_channels + 1 + fine_channels + 1) * sum(self.heads) + self.box * 4 * (fine_channels + 1)
