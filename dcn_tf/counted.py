"""The layer that counts the symbols along a row, as a plain description; `dcn_tf.counting` computes it."""

from dataclasses import dataclass

from dcn_tf.descriptions import Description, check_count
from dcn_tf.windows import Window, pair


@dataclass(frozen=True)
class IntegrateAndFire(Description):
    """Reads a row from left to right: what it shows of the first symbol, the second and so on, counted exactly.

    The input's first channel says, through a sigmoid, how much of a symbol a place holds; the others are its features,
    through a ReLU. The amounts are summed along the window. What of the sum lies between n - 1 and n belongs to the
    n-th symbol, whose vector is the sum of the places' features, weighted by that. It has no weights of its own, and
    its counting is as good for the eighth symbol as for the first. After Dong and Xu, "CIF: Continuous
    Integrate-and-Fire" (2020).

    Attributes:
        positions: symbols that are told apart; what is behind the last of them is left out.
        features: channels of the input but the first.
        kernel: places of the window, an int or (1, places).
        strides: the same.
    """

    positions: int
    features: int
    kernel: Window
    strides: Window = 1

    padding = ((0, 0), (0, 0))
    activation = None  # its sigmoid and its ReLU are part of it

    def __post_init__(self):
        for name in ("positions", "features"):
            check_count(getattr(self, name), name)
        for name in ("kernel", "strides"):
            value = getattr(self, name)
            value = pair((1, value) if isinstance(value, int) else value, name)
            if value[0] != 1:
                raise ValueError(f"{name} of a layer along a row must be 1 high. Received: {value!r}")
            object.__setattr__(self, name, value)

    @property
    def filters(self) -> int:
        """Channels that it gives: for each position its features, its amount and its place; then each one's maximum."""
        return self.positions * (self.features + 2) + self.features

    def channels_out(self, channels: int) -> int:
        """Returns the number of channels that the layer gives; ValueError where it does not get its own."""
        if channels != self.features + 1:
            raise ValueError(
                f"a layer that counts {self.features} features needs {self.features + 1} channels. Received: {channels}"
            )
        return self.filters

    def multiplications(self, channels: int) -> int:
        """Returns the multiplications of one place of the output: the features, weighted for each position."""
        return self.positions * self.kernel[1] * self.features
