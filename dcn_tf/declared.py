"""Any layer of Keras in a stack, with the geometry that is declared for it."""

from dataclasses import dataclass, field
from typing import Any

from dcn_tf.descriptions import Description
from dcn_tf.windows import Window, normalise_window


@dataclass(frozen=True)
class KerasLayer(Description):
    """A layer of Keras, of Keras' own or a registered one, that looks at a window of the map at every place.

    What it says of itself is checked when the layer is built: the size of its output, that a place of it depends on
    the declared window alone, its channels and its weights.

    Attributes:
        layer: name of its class, such as 'LayerNormalization', or as it is registered, 'package>Name'.
        config: arguments of the class.
        kernel, strides: of the window, an int, or (height, width).
        padding: what the layer itself adds around the map; see `dcn_tf.windows.explicit_padding`.
        filters: channels that it gives; as many as it gets where None.
        place_multiplications: multiplications of one place of its output, which nothing can check.
        place_weights: number of its weights.
    """

    layer: str
    config: dict = field(default_factory=dict)
    kernel: Window = 1
    strides: Window = 1
    padding: Any = "valid"
    filters: int | None = None
    place_multiplications: int = 0
    place_weights: int = 0

    activation = None  # whose sign nothing is known of

    def __post_init__(self):
        if not isinstance(self.layer, str) or not self.layer:
            raise ValueError(f"layer must be the name of a Keras layer's class. Received: {self.layer!r}")
        if not isinstance(self.config, dict):
            raise ValueError(f"config must be an object, the arguments of {self.layer}. Received: {self.config!r}")
        for name, least in (("filters", 1), ("place_multiplications", 0), ("place_weights", 0)):
            value = getattr(self, name)
            if name == "filters" and value is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name} must be an integer of at least {least}. Received: {value!r}")
        normalise_window(self)

    def __hash__(self):
        return hash((self.layer, self.kernel, self.strides, self.padding, self.filters))

    def channels_out(self, channels: int) -> int:
        """Returns the number of channels that the layer gives of so many."""
        return channels if self.filters is None else self.filters

    def multiplications(self, channels: int) -> int:
        """Returns the multiplications of one place of the output, as declared."""
        return self.place_multiplications

    def weights(self, channels: int) -> int:
        """Returns the number of weights, as declared."""
        return self.place_weights
