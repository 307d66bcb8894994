"""The tensors that go into models and come out of them, and what their raw values stand for."""

from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True)
class Tensor:
    """An input or output of a model: real value = scale * (raw value - zero_point).

    Attributes:
        name: what it holds, such as 'coarse_features'.
        order: its place in the interpreter's list of inputs or outputs.
        shape: with a leading 1 (images), or k (patches, vectors).
        dtype: 'float32', 'int8' or 'uint8'.
        scale, zero_point: 1.0 and 0 where it is not quantized.
    """

    name: str
    order: int
    shape: tuple
    dtype: str
    scale: float = 1.0
    zero_point: int = 0

    @classmethod
    def from_content(cls, content: dict) -> "Tensor":
        """Returns the tensor that an entry of the manifest describes."""
        values = {field.name: content[field.name] for field in fields(cls)}
        return cls(**(values | {"shape": tuple(content["shape"])}))

    @property
    def quantized(self) -> bool:
        """Whether raw values are integers."""
        return self.dtype != "float32"

    @property
    def encoding(self) -> tuple:
        """What raw values stand for: of two tensors with the same, one takes the other's raw values as they are."""
        return (self.dtype, self.scale, self.zero_point)

    def quantize(self, values) -> np.ndarray:
        """Returns the raw values nearest to real ones; what is out of range becomes the end of the range."""
        if not self.quantized:
            return np.asarray(values, np.float32)
        limits = np.iinfo(self.dtype)
        raw = np.rint(np.asarray(values) / self.scale) + self.zero_point
        return np.clip(raw, limits.min, limits.max).astype(self.dtype)

    def dequantize(self, raw) -> np.ndarray:
        """Returns the real values of raw ones, float32."""
        if not self.quantized:
            return raw
        return (raw.astype(np.float32) - np.float32(self.zero_point)) * np.float32(self.scale)
