"""A bundle's manifest: all that the device has to know of the network and of the files that hold it.

Every pair is (vertical, horizontal), in pixels of the model's input unless it says cells.
"""

import math
from dataclasses import dataclass, field, fields
from typing import Any

from edge.bundle.content import OF_LEVELS
from edge.bundle.tasks import TASKS
from edge.bundle.tensors import Tensor


@dataclass(frozen=True)
class Input:
    """The images that the models take.

    Attributes:
        size: (height, width); of a bundle for images of any size the smallest that a level of an image is given.
        channels: 1 or 3.
        colour: 'RGB', or grey: 'BT709', the luma of that standard, as which screens and cameras define their colours;
            'L', that of BT.601, which Pillow calls so.
        scale: model input = pixel (0 to 255) * scale.
        resize: how images of other sizes are brought to this one, see `edge.sight.images.Fit`.
    """

    size: tuple[int, int]
    channels: int
    colour: str
    scale: float
    resize: str

    @classmethod
    def from_content(cls, content: dict) -> "Input":
        """Returns the input that the entry of a manifest describes."""
        return cls(**_named(cls, content))

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return (*self.size, self.channels)


@dataclass(frozen=True)
class Cells:
    """The map of vectors that the coarse model makes.

    Attributes:
        map: (rows, columns), of an image of the input's size.
        offset: the first pixel that cell (0, 0) sees.
        field: how many pixels a cell sees.
    """

    map: tuple[int, int]
    stride: tuple[int, int]
    offset: tuple[int, int]
    field: tuple[int, int]

    @property
    def count(self) -> int:
        """Number of cells."""
        return math.prod(self.map)


@dataclass(frozen=True)
class Patch:
    """The part of an image that is looked at for a cell: its size, and the first pixel of the one of cell (0, 0)."""

    size: tuple[int, int]
    origin: tuple[int, int]


@dataclass(frozen=True)
class ModelFile:
    """One .tflite file: its input, its outputs, and how pixels are laid out for it (`edge.network.patches.Layout`)."""

    input: Tensor
    outputs: tuple[Tensor, ...]
    layout: dict | None

    @classmethod
    def from_content(cls, content: dict) -> "ModelFile":
        """Returns the model that the entry of a manifest describes."""
        (only,) = (Tensor.from_content(tensor) for tensor in content["inputs"])
        return cls(only, tuple(Tensor.from_content(tensor) for tensor in content["outputs"]), content["layout"])

    def output(self, name: str) -> Any:
        """Returns the named output, a `Tensor`, or None where there is none."""
        return next((tensor for tensor in self.outputs if tensor.name == name), None)


@dataclass(frozen=True)
class FileEntry:
    """What is known of a file of the bundle: its checksum, and its number of bytes."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class Manifest:
    """A bundle's manifest, checked.

    Attributes:
        task: an `edge.bundle.tasks.Classification` or `Sequence`: what is read, and the top that reads it.
        levels: the sizes at which an image of any size is looked at, in parts of its own; None where images are brought
            to the input's size.
        num_patches: patches per image where none is asked for.
        exit_entropy: in nats; the coarse answer stands where its entropy is at most this. None: it never does.
        saliency_level: the least saliency of a cell that adaptive patches look at. None: not known.
        reading_threshold: with levels, the least probability of a reading that is told. None: every one is.
        vote_lead: with levels, the lead of a reading at which adaptive patches end. None: not known.
        patches_apart: with levels, the least distance of patches of one level, down or across, as a share of a patch.
            None: they may lie anywhere.
        method: 'float32', 'float16', 'ptq' or 'qat'.
        models: name -> model.
        measured: errors and on which images, as `tools.quantize` wrote them; None where they were not measured.
        files: name -> entry of every other file of the bundle.
        content: the whole of it as JSON has it, with what the device has no use for.
    """

    name: str
    task: Any  # Classification or Sequence
    input: Input
    cells: Cells
    patch: Patch
    levels: tuple[float, ...] | None
    num_patches: int
    exit_entropy: float | None
    saliency_level: float | None
    reading_threshold: float | None
    vote_lead: float | None
    patches_apart: float | None
    method: str
    models: dict[str, ModelFile]
    measured: dict | None
    files: dict[str, FileEntry]
    content: dict = field(repr=False)

    @classmethod
    def from_content(cls, content: dict) -> "Manifest":
        """Returns a manifest from its content, which was checked by `edge.bundle.content.check_content`."""
        return cls(
            **{
                **{name: content[name] for name in PLAIN},
                **{name: content.get(name) for name in OF_LEVELS},
                "task": TASKS[content["task"]].from_content(content),
                "input": Input.from_content(content["input"]),
                "cells": Cells(**_named(Cells, content["cells"])),
                "patch": Patch(**_named(Patch, content["patch"])),
                "levels": tuple(content.get("levels") or ()) or None,
                "models": {name: ModelFile.from_content(entry) for name, entry in content["models"].items()},
                "files": {name: FileEntry(**_named(FileEntry, entry)) for name, entry in content["files"].items()},
                "content": content,
            }
        )

    @property
    def adaptive(self) -> str:
        """Name of the threshold of adaptive patches, which is here and an argument of the runner."""
        return "vote_lead" if self.levels else "saliency_level"


PLAIN = ("name", "num_patches", "exit_entropy", "saliency_level", "method", "measured")


def _named(cls, content: dict) -> dict:
    """Returns a part's own fields: others are allowed in a manifest, and ignored. Lists become tuples."""
    values = {one.name: content[one.name] for one in fields(cls)}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
