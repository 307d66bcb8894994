"""The configuration that runs of the attention models for comparison share: flags, frozen."""

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from train.config import Config
from train.flag_values import FlagValues

DATASETS = ("cluttered_mnist", "cluttered_digits")


@dataclass(frozen=True)
class GlimpseConfig(FlagValues):
    """What a run of any of them depends on; each attribute is the flag of the same name (`--help` of its command).

    Those that `train.config.Config` has too mean the same.
    """

    LEAST_GLIMPSES: ClassVar[int] = 1

    workdir: str
    dataset: str = "cluttered_mnist"
    data_dir: str | None = None
    seed: int = 0
    train_steps: int = 60000
    batch_size: int = 64
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    decay_rate: float = 0.1
    weight_decay: float = 0.0
    clip_norm: float = 0.0
    distortion: float = 0.0
    init_from: str | None = None
    compute_dtype: str = "float32"
    teacher: str | None = None
    teacher_weight: float = 1.0
    temperature: float = 3.0
    validation_images: int = 5000
    test_images: int = 10000
    glimpses: int = 8
    glimpse_size: int = 12
    answers_from: int = 1
    log_every: int = 500
    checkpoint_every: int = 1000

    def __post_init__(self):
        self._require("dataset", self.dataset in DATASETS, f"one of {', '.join(DATASETS)}")
        least = self.LEAST_GLIMPSES
        good = least <= self.glimpses <= 1000
        self._require("glimpses", good, f"at least {least} and at most 1,000")
        good = 1 <= self.answers_from <= self.glimpses
        self._require("answers_from", good, f"from 1 to the number of glimpses, {self.glimpses}")
        self.for_training()  # which checks the others

    def for_training(self) -> Config:
        """Returns what `train` needs to know of it: the data, and the optimizer with its schedule."""
        known = {field.name for field in dataclasses.fields(Config)}
        shared = {name: value for name, value in self.to_dict().items() if name in known}
        return Config(**shared)
