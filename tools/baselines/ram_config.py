"""The configuration of a run of the Recurrent Attention Model."""

from dataclasses import dataclass

from tools.baselines.glimpse_config import GlimpseConfig

CELLS = ("rnn", "lstm")


@dataclass(frozen=True)
class RamConfig(GlimpseConfig):
    """All that a run depends on, see `GlimpseConfig`."""

    LEAST_GLIMPSES = 2  # the first is at the centre, and not chosen

    scales: int = 4
    cell: str = "rnn"
    trajectories: int = 2
    test_trajectories: int = 1
    first_deviation: float = 0.25
    last_deviation: float = 0.06
    reward_decay: float = 0.5
    location_weight: float = 0.1

    def __post_init__(self):
        super().__post_init__()
        self._require("cell", self.cell in CELLS, f"one of {', '.join(CELLS)}")
        good = 2 <= self.glimpse_size <= 1000 and self.glimpse_size % 2 == 0
        self._require("glimpse_size", good, "even, and at least 2 and at most 1,000")
        self._require("scales", 1 <= self.scales <= 4, "from 1 to 4")
        for name in ("trajectories", "test_trajectories"):
            self._require(name, 1 <= getattr(self, name) <= 1000, "at least 1 and at most 1,000")
        for name in ("first_deviation", "last_deviation"):
            self._require(name, 0 < getattr(self, name) <= 10, "greater than 0, and at most 10")
        self._require("reward_decay", 0 <= self.reward_decay <= 1, "in [0, 1]")
        self._require("location_weight", 0 <= self.location_weight <= 1e6, "from 0 to 1,000,000")
