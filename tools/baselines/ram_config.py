"""The configuration of a run of the Recurrent Attention Model: flags become a frozen `RamConfig`."""

import dataclasses
from dataclasses import dataclass

from train.config import Config, FlagValues

DATASETS = ("cluttered_mnist", "cluttered_digits")
CELLS = ("rnn", "lstm")


@dataclass(frozen=True)
class RamConfig(FlagValues):
    """All that a run depends on; each attribute is the flag of the same name (`python -m tools.baselines.ram --help`).

    Those that `train.config.Config` has too mean the same.
    """

    workdir: str
    dataset: str = "cluttered_mnist"
    data_dir: str | None = None
    seed: int = 0
    train_steps: int = 60000
    batch_size: int = 64
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    decay_rate: float = 0.1
    clip_norm: float = 0.0
    distortion: float = 0.0
    validation_images: int = 5000
    test_images: int = 10000
    glimpses: int = 8
    glimpse_size: int = 12
    scales: int = 4
    cell: str = "rnn"
    trajectories: int = 2
    first_deviation: float = 0.25
    last_deviation: float = 0.06
    reward_decay: float = 0.5
    location_weight: float = 0.1
    log_every: int = 500
    checkpoint_every: int = 1000

    def __post_init__(self):
        self._require("dataset", self.dataset in DATASETS, f"one of {', '.join(DATASETS)}")
        self._require("cell", self.cell in CELLS, f"one of {', '.join(CELLS)}")
        self._require("glimpses", 2 <= self.glimpses <= 1000, "at least 2 and at most 1,000")
        good = 2 <= self.glimpse_size <= 1000 and self.glimpse_size % 2 == 0
        self._require("glimpse_size", good, "even, and at least 2 and at most 1,000")
        self._require("scales", 1 <= self.scales <= 4, "from 1 to 4")
        self._require("trajectories", 1 <= self.trajectories <= 1000, "at least 1 and at most 1,000")
        for name in ("first_deviation", "last_deviation"):
            self._require(name, 0 < getattr(self, name) <= 10, "greater than 0, and at most 10")
        self._require("reward_decay", 0 <= self.reward_decay <= 1, "in [0, 1]")
        self._require("location_weight", 0 <= self.location_weight <= 1e6, "from 0 to 1,000,000")
        self.for_training()  # which checks the others

    def for_training(self) -> Config:
        """Returns what `train` needs to know of it: the data, and Adam with its schedule."""
        known = {field.name for field in dataclasses.fields(Config)}
        shared = {name: value for name, value in self.to_dict().items() if name in known}
        return Config(optimizer="adam", weight_decay=0.0, **shared)
