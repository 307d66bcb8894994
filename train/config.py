"""The configuration of a run. Flags become a frozen `Config` in `main`; everything below takes this and no flag."""

import dataclasses
import functools
from dataclasses import dataclass
from pathlib import Path

from dcn_tf.architecture import SELECTORS, STATISTICS, Architecture
from dcn_tf.blueprint import Blueprint, changed, of_preset, of_text
from dcn_tf.geometry import smallest_input
from dcn_tf.presets import PRESETS
from train.errors import UserError
from train.flag_values import FlagValues, flag_of, in_words
from train.plain_files import read_plain, text_of

MODELS = ("dcn", "coarse", "fine")
TRAININGS = ("end_to_end", "modular")
OPTIMIZERS = ("adamw", "adam", "muon", "sgd")
DISTRIBUTIONS = ("none", "mirrored", "multiworker")
COMPUTE_DTYPES = ("float32", "bfloat16")
EVALS = ("quick", "full")
SCHEDULES = ("cosine", "exponential", "constant")

MOST_TEXT = 2**20  # bytes of a file that describes a network
# (least, most) of the flags that are numbers, far beyond use. Infinity and NaN are in no range.
COUNTS = {
    "train_steps": (1, 10**9),
    "batch_size": (1, 10**5),
    "replicas": (1, 256),
    "train_images": (1, 10**7),
    "validation_images": (1, 10**6),
    "test_images": (1, 10**6),
    "log_every": (1, 10**9),
    "checkpoint_every": (1, 10**9),
    "warmup_steps": (0, 10**9),
    "negatives_repeats": (1, 10**4),
    "easy_steps": (0, 10**9),
    "seed": (0, 2**32 - 1),  # what NumPy's global generator takes
    "num_patches": (1, 10**4),
}
QUANTITIES = {
    "weight_decay": (0, 1e3),
    "momentum": (0, 1),
    "clip_norm": (0, 1e9),
    "hint_weight": (0, 1e6),
    "coarse_weight": (0, 1e6),
    "place_weight": (0, 1e6),
    "teacher_weight": (0, 1e6),
    "temperature": (0.1, 100),
    "distortion": (0, 10),
    "elasticity": (0, 10),
    "looseness": (1, 100),
    "skip_bad": (0, 1),
    "patches_apart": (0, 1),
}


@dataclass(frozen=True)
class Config(FlagValues):
    """All that a run depends on; each attribute is the flag of the same name (`python -m train.main --help`)."""

    workdir: str
    dataset: str
    dataset_weights: tuple[float, ...] | None = None
    data_dir: str | None = None
    eval_data_dir: str | None = None
    fallback_dataset: str | None = None
    fallback: bool = True
    preset: str = "cluttered_mnist"
    architecture_file: str | None = None
    set: tuple[str, ...] = ()
    model: str = "dcn"
    training: str = "end_to_end"
    init_from: str | None = None
    teacher: str | None = None
    seed: int = 0
    train_steps: int = 6000
    batch_size: int = 128
    replicas: int = 1
    distribute: str = "none"
    compute_dtype: str = "float32"
    optimizer: str = "adamw"
    learning_rate: float = 2e-3
    schedule: str = "cosine"
    warmup_steps: int = 0
    decay_rate: float = 0.1
    weight_decay: float = 1e-4
    momentum: float = 0.9
    clip_norm: float = 0.0
    label_smoothing: float = 0.0
    ema: float = 0.0
    hint_weight: float = 0.0
    place_weight: float = 0.0
    teacher_weight: float = 1.0
    temperature: float = 3.0
    relative_hint: bool = False
    coarse_weight: float = 0.0
    num_patches: int | None = None
    train_num_patches: tuple[int, ...] = ()
    patch_size: tuple[int, ...] | None = None
    patches_apart: float | None = None
    top_statistics: str | None = None
    augment: bool = True
    distortion: float = 0.0
    elasticity: float = 0.0
    svhn_extra: bool = False
    looseness: float = 1.0
    background_share: float = 0.0
    easy_steps: int = 0
    scene_kinds: tuple[str, ...] = ()
    negatives: str | None = None
    negatives_repeats: int = 6
    skip_bad: float = 0.0
    train_images: int = 20000
    validation_images: int = 5000
    test_images: int = 10000
    eval_num_patches: tuple[int, ...] = (1, 2, 4, 8, 16, 24)
    eval_scales: tuple[float, ...] = (1.0,)
    selectors: tuple[str, ...] = ()
    eval: str = "full"
    log_every: int = 50
    checkpoint_every: int = 500

    def __post_init__(self):
        for name, choices in {
            "preset": tuple(PRESETS),
            "model": MODELS,
            "training": TRAININGS,
            "optimizer": OPTIMIZERS,
            "schedule": SCHEDULES,
            "compute_dtype": COMPUTE_DTYPES,
            "distribute": DISTRIBUTIONS,
            "eval": EVALS,
            "top_statistics": (None, *STATISTICS),
        }.items():
            if getattr(self, name) not in choices:
                raise UserError(
                    f"--{name} must be one of {', '.join(filter(None, choices))}. Received: {getattr(self, name)!r}"
                )
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            texts = [text for text in (value if isinstance(value, tuple) else [value]) if isinstance(text, str)]
            told = all(text.isprintable() and text == text.strip() for text in texts)
            self._require(field.name, told, "what a flagfile can hold: text, on one line, no space at its ends")
        self._require_ranges(COUNTS, QUANTITIES)
        divides = self.batch_size % self.replicas == 0
        self._require("replicas", divides, f"a divisor of --batch_size ({self.batch_size}): all get as many images")
        self._require("learning_rate", 0 < self.learning_rate <= 1e3, "greater than 0, and at most 1000")
        self._require("background_share", 0 <= self.background_share <= 0.99, "from 0 to 0.99")
        for name in ("label_smoothing", "ema"):
            self._require(name, 0 <= getattr(self, name) < 1, "from 0 to less than 1")
        self._require("decay_rate", 0 < self.decay_rate <= 1, "in (0, 1]")
        self._require("warmup_steps", self.warmup_steps < self.train_steps, "from 0 to less than --train_steps")
        most = COUNTS["num_patches"][1]
        for name, least in (("eval_num_patches", 1), ("train_num_patches", 0)):
            counts = getattr(self, name)
            good = least <= len(counts) <= 100 and all(1 <= k <= most for k in counts)
            self._require(name, good, f"a list of integers from 1 to {most:,}")
        scales = self.eval_scales
        good = 0 < len(scales) <= 100 and all(0 < scale <= 4 for scale in scales)
        self._require("eval_scales", good, "numbers in (0, 4]")
        known = set(self.selectors) <= set(SELECTORS[1:])
        self._require("selectors", known, f"of {', '.join(SELECTORS[1:])}")
        names, weights = self.dataset.split(","), self.dataset_weights
        if weights is not None:
            good = len(weights) == len(names) and all(0 < weight <= 1e6 for weight in weights)
            rule = f"{len(names)} numbers greater than 0 and at most 1,000,000, one for each --dataset"
            self._require("dataset_weights", good, rule)

    @functools.cached_property
    def blueprint(self) -> Blueprint:
        """The preset or the file, with --set; UserError where it describes no network."""
        if not self.architecture_file:
            return self._described("set", lambda: of_preset(self.preset, self.set))
        path = Path(self.architecture_file)
        try:
            text = text_of(read_plain(path, most=MOST_TEXT))
        except (OSError, ValueError) as error:
            raise UserError(f"--architecture={path} can't be read: {error}; name a YAML or JSON file") from error
        written = self._described("architecture_file", lambda: of_text(text, path.stem))
        return self._described("set", lambda: changed(written, self.set))

    @property
    def architecture(self) -> Architecture:
        """The network as far as the data need not be known: with assumed channels and classes."""
        return self.network()

    def network(self, channels: int | None = None, classes: int | None = None) -> Architecture:
        """Returns the architecture: the blueprint, with what the flags change in it.

        Args:
            channels, classes: of the data, where the blueprint leaves them to it.
        """
        flag = "architecture_file" if self.architecture_file else "set" if self.set else "preset"
        architecture = self._described(flag, lambda: self.blueprint.architecture(channels, classes))
        if self.patch_size is not None:
            architecture = self._replaced(architecture, patch_size=self._checked_patch_size(architecture))
        if self.num_patches is not None:
            architecture = self._replaced(architecture, num_patches=self.num_patches)
        if self.patches_apart is not None:
            architecture = self._replaced(architecture, patches_apart=self.patches_apart)
        if self.top_statistics is not None:
            if architecture.task != "classification":
                raise UserError(
                    f"--top_statistics belongs to classifier tops. Received: {self.top_statistics!r} with "
                    f"--preset={self.preset}; leave it out"
                )
            top = dataclasses.replace(architecture.top, statistics=self.top_statistics)
            architecture = dataclasses.replace(architecture, top=top)
        return architecture

    def _described(self, flag: str, make):
        try:
            return make()
        except ValueError as error:
            raise UserError(f"--{flag_of(flag)}={in_words(getattr(self, flag))}: {error}") from error

    def _replaced(self, architecture: Architecture, **fields) -> Architecture:
        try:
            return dataclasses.replace(architecture, **fields)
        except ValueError as error:
            raise UserError(f"--{error}") from error

    def _checked_patch_size(self, architecture: Architecture) -> tuple[int, int]:
        size = self.patch_size * 2 if len(self.patch_size) == 1 else self.patch_size
        least = smallest_input(architecture.fine)
        most = [max(pair) for pair in zip(least, architecture.image_size)]
        if len(size) != 2 or not all(low <= side <= high for low, side, high in zip(least, size, most)):
            raise UserError(
                f"--patch_size must be a side, or height,width, of at least {least[0]},{least[1]} "
                f"and at most {most[0]},{most[1]}. "
                f"Received: {','.join(map(str, self.patch_size))}"
            )
        return size
