"""The declarative description of a Dynamic Capacity Network: everything else is computed from it.

An `Architecture` says what the coarse stack, the fine stack and the top are. `geometry` derives fields, strides and
patch positions from it, `cost` its multiplications, `layers` and `model` the Keras objects. It holds plain values, so
that it can be written as JSON and read back: `Architecture.from_dict(architecture.to_dict()) == architecture`.
"""

import dataclasses
from dataclasses import dataclass

CLASSIFICATION = "classification"
SEQUENCE = "sequence"
WEIGHTINGS = ("average", "inverse_entropy", "presence")
REFINED_WEIGHTINGS = (*WEIGHTINGS, "votes")
STATISTICS = ("separate", "shared")
# Of cells: the network's own, then others to compare with (`selectors.cell_scores`).
SELECTORS = (
    *("entropy_gradient", "average_gradient", "activation_norm", "confidence", "random", "centre"),
    *("loss_gradient", "oracle"),  # these two are told the truth
)
SEQUENCE_SELECTORS = ("average_gradient",)  # classifiers have no averaged output


def pair(value, name: str, minimum: int = 1) -> tuple[int, int]:
    """Returns (height, width) for an int or a pair of ints; ValueError below `minimum` or for anything else."""
    values = (value, value) if isinstance(value, int) else value
    good = isinstance(values, list | tuple) and len(values) == 2
    if not good or any(not isinstance(v, int) or isinstance(v, bool) or v < minimum for v in values):
        raise ValueError(f"{name} must be an integer of at least {minimum} or a pair of them. Received: {value!r}")
    return tuple(values)


def explicit_padding(padding, kernel: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Returns padding as ((top, bottom), (left, right)) pixels.

    'same' adds (kernel - 1) // 2 before and the rest of kernel - 1 behind, whatever the stride and the image's size.
    With stride 1 that is TensorFlow's SAME. With a larger stride it is not: TensorFlow lets the position of a cell
    depend on the size of the image, and a cell of a fully convolutional stack must see the same place in images of
    every size.
    """
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding == "same":
        return tuple(((k - 1) // 2, k - 1 - (k - 1) // 2) for k in kernel)
    if isinstance(padding, int):
        padding = (padding, padding)
    if isinstance(padding, list | tuple) and len(padding) == 2:
        return tuple(pair(side, "padding", 0) for side in padding)
    raise ValueError(
        "padding must be 'valid', 'same', an integer, (vertical, horizontal) or ((top, bottom), (left, right)). "
        f"Received: {padding!r}"
    )


@dataclass(frozen=True)
class Conv:
    """A convolution with what follows it: batch normalisation, activation, dropout.

    Attributes:
        filters: number of output channels.
        kernel, strides: an int, or (height, width).
        padding: see `explicit_padding`; kept as ((top, bottom), (left, right)).
        batch_normalization: whether outputs are normalised (the convolution then has no bias).
        activation: a Keras activation's name, or None.
        dropout: share of the activations dropped in training.
    """

    filters: int
    kernel: int | tuple[int, int]
    strides: int | tuple[int, int] = 1
    padding: object = "valid"
    batch_normalization: bool = True
    activation: str | None = "relu"
    dropout: float = 0.0

    def __post_init__(self):
        if not isinstance(self.filters, int) or self.filters < 1:
            raise ValueError(f"filters must be a positive integer. Received: {self.filters!r}")
        if not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"dropout must be in [0, 1). Received: {self.dropout!r}")
        _normalise_window(self)


@dataclass(frozen=True)
class MaxPool:
    """Max pooling. Padding repeats the border, which gives the maximum over the pixels that exist.

    Attributes:
        kernel: an int, or (height, width).
        strides: the same; by default the kernel's size.
        padding: as in `Conv`, on each side smaller than the kernel.
    """

    kernel: int | tuple[int, int]
    strides: int | tuple[int, int] | None = None
    padding: object = "valid"

    def __post_init__(self):
        if self.strides is None:
            object.__setattr__(self, "strides", self.kernel)
        _normalise_window(self)
        if any(side >= k for sides, k in zip(self.padding, self.kernel) for side in sides):
            raise ValueError(
                f"pooling padding must be smaller than the kernel {self.kernel}. Received: {self.padding!r}"
            )


def _normalise_window(layer):
    kernel = pair(layer.kernel, "kernel")
    object.__setattr__(layer, "kernel", kernel)
    object.__setattr__(layer, "strides", pair(layer.strides, "strides"))
    object.__setattr__(layer, "padding", explicit_padding(layer.padding, kernel))


@dataclass(frozen=True)
class ClassifierTopSpec:
    """A convolution, global max pooling and a softmax over `classes`; fine vectors are swapped into the coarse map.

    Attributes:
        conv: the convolution over the (refined) map of vectors.
        classes: number of classes.
        statistics: batch statistics of the top's two passes. 'separate': each pass has its own. 'shared': the coarse
            pass is normalised by the moving statistics of the refined pass, in training too.
    """

    conv: Conv
    classes: int
    statistics: str = "separate"

    task = CLASSIFICATION

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

    def __post_init__(self):
        if self.max_length < 1 or self.symbols < 2:
            raise ValueError(
                "max_length must be at least 1 and symbols at least 2. "
                f"Received: max_length={self.max_length!r}, symbols={self.symbols!r}"
            )
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


@dataclass(frozen=True)
class Architecture:
    """A whole Dynamic Capacity Network.

    Attributes:
        name: the preset's name, or one's own.
        image_size: (height, width) that the network is evaluated on.
        train_size: (height, width) of the windows it is trained on; the whole image where None.
        channels: image channels.
        coarse, fine: stacks, tuples of `Conv` and `MaxPool`.
        top: `ClassifierTopSpec` or `SequenceTopSpec`.
        patch_size: (height, width) of the patches that the fine stack sees.
        num_patches: default number of patches per image, k.
        levels: the sizes at which an image is looked at, in parts of its own, all at once: the k patches are the most
            salient of all levels (`pyramid`). One of 1 is the image itself.
    """

    name: str
    image_size: tuple[int, int]
    channels: int
    coarse: tuple
    fine: tuple
    top: ClassifierTopSpec | SequenceTopSpec
    patch_size: tuple[int, int]
    num_patches: int
    train_size: tuple[int, int] | None = None
    levels: tuple[float, ...] = (1.0,)

    def __post_init__(self):
        object.__setattr__(self, "image_size", pair(self.image_size, "image_size"))
        object.__setattr__(self, "patch_size", pair(self.patch_size, "patch_size"))
        object.__setattr__(self, "train_size", pair(self.train_size or self.image_size, "train_size"))
        object.__setattr__(self, "coarse", tuple(self.coarse))
        object.__setattr__(self, "fine", tuple(self.fine))
        for stack_name in ("coarse", "fine"):
            if not any(isinstance(layer, Conv) for layer in getattr(self, stack_name)):
                raise ValueError(f"the {stack_name} stack must hold at least one Conv. Received: no Conv")
        if self.task == CLASSIFICATION and channels_of(self.coarse) != channels_of(self.fine):
            raise ValueError(
                "coarse and fine vectors must have one length to stand in one map. "
                f"Received: coarse {channels_of(self.coarse)}, fine {channels_of(self.fine)}"
            )
        if not isinstance(self.num_patches, int) or self.num_patches < 1:
            raise ValueError(f"num_patches must be a positive integer. Received: {self.num_patches!r}")
        object.__setattr__(self, "levels", tuple(map(float, self.levels)))
        if not self.levels or not all(0 < level <= 4 for level in self.levels):
            raise ValueError(f"levels must be numbers in (0, 4]. Received: {self.levels!r}")
        if self.has_pyramid and self.task == CLASSIFICATION:
            raise ValueError(
                "a classifier's vectors stand in one map, so that it has one level, of 1. "
                f"Received: levels={self.levels!r}"
            )

    @property
    def has_pyramid(self) -> bool:
        """Whether an image is looked at in other sizes than its own."""
        return self.levels != (1.0,)

    @property
    def task(self) -> str:
        """'classification' or 'sequence'."""
        return self.top.task

    def to_dict(self) -> dict:
        """Returns plain lists, numbers and strings; `from_dict` reverses it."""
        description = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        description["coarse"] = [_layer_to_dict(layer) for layer in self.coarse]
        description["fine"] = [_layer_to_dict(layer) for layer in self.fine]
        description["top"] = {"kind": self.task} | dataclasses.asdict(self.top)
        return _lists(description)

    @classmethod
    def from_dict(cls, description: dict) -> "Architecture":
        """Returns the architecture that `to_dict` described."""
        fields = dict(description)
        fields["coarse"] = tuple(_layer_from_dict(layer) for layer in fields["coarse"])
        fields["fine"] = tuple(_layer_from_dict(layer) for layer in fields["fine"])
        top = dict(fields["top"])
        kind = top.pop("kind")
        if kind == CLASSIFICATION:
            fields["top"] = ClassifierTopSpec(**(top | {"conv": Conv(**top["conv"])}))
        elif kind == SEQUENCE:
            fields["top"] = SequenceTopSpec(**top)
        else:
            raise ValueError(f"top kind must be {CLASSIFICATION!r} or {SEQUENCE!r}. Received: {kind!r}")
        return cls(**fields)


def channels_of(stack) -> int:
    """Returns the length D of the vectors that a stack gives."""
    return [layer.filters for layer in stack if isinstance(layer, Conv)][-1]


def stack_to_list(stack) -> list[dict]:
    """Returns a stack as plain dictionaries; `stack_from_list` reverses it."""
    return _lists([_layer_to_dict(layer) for layer in stack])


def stack_from_list(layers) -> tuple:
    """Returns the stack that `stack_to_list` described; takes `Conv` and `MaxPool` objects too."""
    return tuple(layer if isinstance(layer, Conv | MaxPool) else _layer_from_dict(layer) for layer in layers)


def _layer_to_dict(layer) -> dict:
    return {"kind": {Conv: "conv", MaxPool: "max_pool"}[type(layer)]} | dataclasses.asdict(layer)


def _layer_from_dict(description):
    fields = dict(description)
    kind = fields.pop("kind", None)
    if kind not in ("conv", "max_pool"):
        raise ValueError(f"a stack's layer must be of kind 'conv' or 'max_pool'. Received: {kind!r}")
    return {"conv": Conv, "max_pool": MaxPool}[kind](**fields)


def _lists(value):
    if isinstance(value, dict):
        return {key: _lists(item) for key, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, list | tuple) else value
