"""The declarative description of a Dynamic Capacity Network: everything else is computed from it.

An `Architecture` says what the coarse stack, the fine stack and the top are. `geometry` derives fields, strides and
patch positions from it, `cost` its multiplications, `layers` and `model` the Keras objects. It holds plain values, so
that it can be written as JSON and read back: `Architecture.from_dict(architecture.to_dict()) == architecture`.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

from dcn_tf import geometry
from dcn_tf.counted import IntegrateAndFire
from dcn_tf.declared import KerasLayer
from dcn_tf.descriptions import (
    Conv,
    DepthwiseConv,
    MaxPool,
    Residual,
    channels_of,
    check_count,
    separable_conv,
)
from dcn_tf.stack_lists import lists, made_of, stack_from_list, stack_to_list
from dcn_tf.top_specs import CLASSIFICATION, SEQUENCE, STATISTICS, ClassifierTopSpec, SequenceTopSpec
from dcn_tf.windows import explicit_padding, pair

__all__ = [
    "CLASSIFICATION",
    "SEQUENCE",
    "STATISTICS",
    "Architecture",
    "ClassifierTopSpec",
    "Conv",
    "DepthwiseConv",
    "IntegrateAndFire",
    "KerasLayer",
    "MaxPool",
    "Residual",
    "SequenceTopSpec",
    "channels_of",
    "explicit_padding",
    "pair",
    "separable_conv",
    "stack_from_list",
    "stack_to_list",
]

# Of cells: the network's own, then others to compare with (`selectors.cell_scores`).
SELECTORS = (
    *("entropy_gradient", "average_gradient", "activation_norm", "confidence", "random", "centre"),
    *("loss_gradient", "oracle"),  # these two are told the truth
)
SEQUENCE_SELECTORS = ("average_gradient",)  # classifiers have no averaged output


@dataclass(frozen=True)
class Architecture:
    """A whole Dynamic Capacity Network.

    Attributes:
        name: the preset's name, or one's own.
        image_size: (height, width) that the network is evaluated on.
        train_size: (height, width) of the windows it is trained on; the whole image where None.
        coarse, fine: stacks, tuples of layers of `dcn_tf.descriptions` and `dcn_tf.declared`.
        top: `ClassifierTopSpec` or `SequenceTopSpec`.
        patch_size: (height, width) of the patches that the fine stack sees.
        num_patches: default number of patches per image, k.
        levels: the sizes at which an image is looked at, in parts of its own, all at once: the k patches are the most
            salient of all levels (`pyramid`). One of 1 is the image itself.
        patches_apart: with other levels, patches of one level begin so much of a patch's height or width apart, see
            `pyramid.spread`. 0: wherever the saliency is highest.
    """

    name: str
    image_size: tuple[int, int]
    channels: int
    coarse: tuple
    fine: tuple
    top: Any  # ClassifierTopSpec or SequenceTopSpec
    patch_size: tuple[int, int]
    num_patches: int
    train_size: tuple[int, int] | None = None
    levels: tuple[float, ...] = (1.0,)
    patches_apart: float = 0.0

    def __post_init__(self):
        if not isinstance(self.name, str) or not self.name.strip():
            raise ValueError(f"name must be a text. Received: {self.name!r}")
        object.__setattr__(self, "train_size", self.train_size or self.image_size)
        for name in ("image_size", "patch_size", "train_size"):
            object.__setattr__(self, name, pair(getattr(self, name), name))
        for stack_name in ("coarse", "fine"):
            object.__setattr__(self, stack_name, tuple(getattr(self, stack_name)))
            if not any(getattr(layer, "filters", None) for layer in getattr(self, stack_name)):
                raise ValueError(f"the {stack_name} stack must hold at least one Conv. Received: no Conv")
        check_count(self.channels, "channels")
        if self.top.swaps and channels_of(self.coarse) != channels_of(self.fine):
            raise ValueError(
                "coarse and fine vectors must have one length to stand in one map. "
                f"Received: coarse {channels_of(self.coarse)}, fine {channels_of(self.fine)}"
            )
        check_count(self.num_patches, "num_patches")
        self._check_levels()
        _check_that_it_works(self)

    def _check_levels(self):
        if not isinstance(self.levels, list | tuple) or not all(isinstance(n, int | float) for n in self.levels):
            raise ValueError(f"levels must be numbers in (0, 4]. Received: {self.levels!r}")
        object.__setattr__(self, "levels", tuple(map(float, self.levels)))
        if not self.levels or not all(0 < level <= 4 for level in self.levels):
            raise ValueError(f"levels must be numbers in (0, 4]. Received: {self.levels!r}")
        if self.has_pyramid and self.top.swaps:
            raise ValueError(
                "a classifier's vectors stand in one map, so that it has one level, of 1. "
                f"Received: levels={self.levels!r}"
            )
        if not isinstance(self.patches_apart, int | float) or not 0 <= self.patches_apart <= 1:
            raise ValueError(f"patches_apart must be a number from 0 to 1. Received: {self.patches_apart!r}")
        if self.patches_apart and not self.has_pyramid:
            raise ValueError(
                "patches_apart must be 0 where there is one level, of 1, the image itself. "
                f"Received: {self.patches_apart!r}"
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
        description["coarse"], description["fine"] = map(stack_to_list, (self.coarse, self.fine))
        description["top"] = {"kind": self.task} | dataclasses.asdict(self.top)
        return lists(description)

    @classmethod
    def from_dict(cls, description: dict) -> "Architecture":
        """Returns the architecture that `to_dict` described; ValueError, which names the field, for a wrong one."""
        fields = dict(description)
        for name in ("coarse", "fine"):
            try:
                fields[name] = stack_from_list(fields.get(name))
            except ValueError as error:
                raise ValueError(f"the {name} stack: {error}") from None
        fields["top"] = _top_from_dict(fields.get("top"))
        return made_of(cls, fields, "an architecture")


def _top_from_dict(description):
    if not isinstance(description, dict):
        raise ValueError(f"top must be an object with a kind and its fields. Received: {description!r}")
    fields = dict(description)
    kind = fields.pop("kind", None)
    if kind == SEQUENCE:
        return made_of(SequenceTopSpec, fields, "a sequence's top")
    if kind != CLASSIFICATION:
        raise ValueError(f"top kind must be {CLASSIFICATION!r} or {SEQUENCE!r}. Received: {kind!r}")
    conv = fields.get("conv")
    if not isinstance(conv, dict):
        raise ValueError(f"a classifier's top needs 'conv', an object. Received: {conv!r}")
    conv = {name: value for name, value in conv.items() if name != "kind"}
    return made_of(ClassifierTopSpec, fields | {"conv": made_of(Conv, conv, "the top's conv")}, "a classifier's top")


def _check_that_it_works(architecture: Architecture):
    """Raises ValueError, with the numbers, where a stack, the patches or the top do not fit one another."""
    for name in ("coarse", "fine"):
        channels = architecture.channels
        for layer in getattr(architecture, name):
            channels = layer.channels_out(channels)
    least = geometry.smallest_input(architecture.fine)
    if any(side < smallest for side, smallest in zip(architecture.patch_size, least)):
        raise ValueError(
            f"patch_size must be at least what the fine stack needs for one vector, {_by(least)}. "
            f"Received: {_by(architecture.patch_size)}"
        )
    for name in ("coarse", "fine"):
        stack = getattr(architecture, name)
        for size_name in ("image_size", "train_size"):
            size = getattr(architecture, size_name)
            least = geometry.smallest_input(stack)
            if not architecture.has_pyramid and any(side < smallest for side, smallest in zip(size, least)):
                raise ValueError(
                    f"{size_name} must be at least the smallest input of the {name} stack, {_by(least)}. "
                    f"Received: {_by(size)}"
                )
            if architecture.top.swaps:
                _check_top(architecture.top.conv, geometry.output_size(stack, size), name, size_name, size)
    cells = geometry.num_cells(architecture, architecture.image_size)
    if not architecture.has_pyramid and architecture.num_patches > cells:  # else images are of any size
        raise ValueError(
            f"num_patches must be at most the number of cells, {cells}. Received: {architecture.num_patches}"
        )


def _check_top(conv: Conv, map_size, name: str, size_name: str, size):
    least = geometry.smallest_input((conv,))
    if any(side < smallest for side, smallest in zip(map_size, least)):
        raise ValueError(
            f"{size_name} {_by(size)} gives a {name} map of {_by(map_size)} cells, and the top's convolution needs "
            f"{_by(least)}; use larger images, smaller strides or a smaller top"
        )


def _by(size) -> str:
    return " x ".join(map(str, size))
