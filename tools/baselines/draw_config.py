"""The configuration of a run of DRAW's classifier: flags become a frozen `DrawConfig`."""

import dataclasses
from dataclasses import dataclass

from tools.baselines.ram_config import DATASETS
from train.config import Config, FlagValues


@dataclass(frozen=True)
class DrawConfig(FlagValues):
    """All that a run depends on; each attribute is the flag of the same name (`python -m tools.baselines.draw --help`).

    Those that `train.config.Config` has too mean the same.
    """

    workdir: str
    dataset: str = "cluttered_mnist"
    data_dir: str | None = None
    seed: int = 0
    train_steps: int = 60000
    batch_size: int = 64
    learning_rate: float = 1e-3
    schedule: str = "exponential"
    decay_rate: float = 0.1
    clip_norm: float = 5.0
    distortion: float = 0.0
    validation_images: int = 5000
    test_images: int = 10000
    glimpses: int = 8
    glimpse_size: int = 12
    log_every: int = 500
    checkpoint_every: int = 1000

    def __post_init__(self):
        self._require("dataset", self.dataset in DATASETS, f"one of {', '.join(DATASETS)}")
        self._require("glimpses", 1 <= self.glimpses <= 1000, "at least 1 and at most 1,000")
        self._require("glimpse_size", 2 <= self.glimpse_size <= 100, "from 2 to 100")
        self.for_training()  # which checks the others

    def for_training(self) -> Config:
        """Returns what `train` needs to know of it: the data, and Adam with its schedule."""
        known = {field.name for field in dataclasses.fields(Config)}
        shared = {name: value for name, value in self.to_dict().items() if name in known}
        return Config(optimizer="adam", weight_decay=0.0, **shared)
