"""The configuration of a run of DRAW's classifier."""

from dataclasses import dataclass

from tools.baselines.glimpse_config import GlimpseConfig


@dataclass(frozen=True)
class DrawConfig(GlimpseConfig):
    """All that a run depends on, see `GlimpseConfig`."""

    schedule: str = "exponential"
    clip_norm: float = 5.0

    def __post_init__(self):
        super().__post_init__()
        self._require("glimpse_size", 2 <= self.glimpse_size <= 100, "from 2 to 100")
