"""The whole of a run, from top to bottom: data, model, resume, loop, evaluation, result."""

import functools
import json
import platform
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from dcn_tf.architecture import Architecture
from train import files, history, optimizers, pictures, steps
from train import workdir as workdirs
from train.aids import aids_of
from train.averaging import average_of, averaged
from train.checkpoints import Checkpoints
from train.config import Config
from train.data.dataset import WITHOUT_NUMBER, Dataset
from train.data.pipeline import to_float
from train.data.registry import load_dataset
from train.distribution import Distribution, distribution_of
from train.evaluation.cost import Cost
from train.evaluation.errors import Errors
from train.evaluation.extent import Extent, extent_of
from train.evaluation.figures import gather, nest, part, to_result
from train.evaluation.intervals import Intervals
from train.evaluation.reader import Reader
from train.evaluation.readings import Readings
from train.evaluation.table import format_table
from train.initial_weights import take_weights
from train.network import built, network_for, write_network
from train.progress import log
from train.samples import write_samples
from train.trainable import check_trainable
from train.training import train

PICTURE_IMAGES = 8


def train_and_evaluate(config: Config, restart: bool = False) -> dict:
    """Trains, evaluates on the test split, writes the workdir's files, and returns what `result.json` holds.

    On a workdir that was begun it resumes; on a finished one it only evaluates.

    Args:
        config: of the run.
        restart: whether it begins again, and keeps aside what was trained before.
    """
    architecture = config.architecture
    check_trainable(config, architecture)
    shared = distribution_of(config)
    with (
        shared.workdir_of(config) as own,
        workdirs.held(own, restart) as held,
        shared.telling_of_lost_workers(own.workdir),
    ):
        return _run(own, architecture, held, shared)


def _run(config: Config, architecture: Architecture, held: workdirs.Workdir, shared: Distribution) -> dict:
    """Does what `train_and_evaluate` says, in a workdir that no other process writes to."""
    workdir = held.path

    # ---- data -------------------------------------------------------------------------------------------------------
    dataset = load_dataset(config, architecture)
    log.info("data: %s: %s", dataset.name, dataset.detail)
    architecture = network_for(config, dataset)

    # ---- model and optimizer ----------------------------------------------------------------------------------------
    keras.utils.set_random_seed(config.seed)
    model = built(architecture)
    optimizer = optimizers.make_optimizer(config, int(shared.from_chief(held.phase)))
    average = average_of(model, config.ema)
    aids = aids_of(config, architecture)
    train_step = steps.TrainStep(model, optimizer, config, average, aids, shared)

    # ---- resume -----------------------------------------------------------------------------------------------------
    # 1. config.json, which must be of this run (checked above); 2. the newest checkpoint that is whole (found above);
    # 3. --init_from; 4. nothing: begin at step 0. Other machines take all of it from the chief.
    checkpoints = Checkpoints(workdir, model, optimizer, average, aids.places)
    first_step = checkpoints.restore(held.newest)
    if config.init_from and not first_step and shared.is_chief:
        take_weights(model, config.init_from)
    first_step = checkpoints.take_from(shared)
    held.begin(config, functools.partial(optimizers.learning_rate_at, config))
    write_network(workdir, architecture)

    # ---- training ---------------------------------------------------------------------------------------------------
    writer = tf.summary.create_file_writer(str(workdir))
    extent = extent_of(config)
    readers = _readers(model, config, extent, shared)
    validator = _validator(readers, extent)
    if first_step < config.train_steps:
        look = functools.partial(_look, config, dataset, validator, writer, average, extent.look_images)
        train(config, dataset, train_step, checkpoints, writer, look, shared)

    with averaged(average):
        result = _conclude(config, dataset, readers, extent, checkpoints, writer)
    shared.any(False)  # all wait for all: who ends early looks like one that is lost
    return result


def _conclude(config: Config, dataset: Dataset, readers, extent: Extent, checkpoints, writer) -> dict:
    """Evaluates a trained model, writes its files, and returns what `result.json` holds."""
    workdir, model = Path(config.workdir), readers[0].model

    # ---- evaluation -------------------------------------------------------------------------------------------------
    seen = dataset.validation.head(extent.images)
    validation = part(dict(_validator(readers, extent)(seen)), "error")
    chosen = _reading_threshold(readers[0], config, dataset)
    figures = {}
    for name, split in {"test": dataset.test, **dataset.more_tests}.items():
        split = split.head(extent.images)
        evaluators = _evaluators(readers, config, extent.of(name), chosen.get("threshold/probability"))
        log.info("evaluating on %s: %d images", name, len(split))
        figures[name] = gather(evaluators, split)
    with writer.as_default(step=int(checkpoints.step)):
        for name in figures:
            for row, error in part(figures[name], "error").items():
                tf.summary.scalar(f"{name}_error/{row}", error)
    writer.flush()
    figures["test"] |= chosen
    false_readings = figures.get(WITHOUT_NUMBER, {}).get("threshold/false_readings")
    if false_readings is not None:
        figures["test"]["threshold/false_readings"] = false_readings

    # ---- result -----------------------------------------------------------------------------------------------------
    measured = {
        "validation_error": nest(validation),
        "validation_images": len(seen),
        **to_result(figures["test"], extent.scales),
        "more_tests": {name: to_result(figures[name], extent.scales) for name in dataset.more_tests},
    }
    result = described(config, dataset, checkpoints, measured)
    write_samples(workdir / "samples", dataset)
    if config.model == "dcn":
        files.write_bytes(workdir / "attention.png", tf.io.encode_png(_picture(model, dataset)).numpy())
    with files.replacing(workdir / "model.keras") as partial:
        model.save(partial)
    files.write_text(workdir / "result.json", json.dumps(result, indent=1) + "\n")
    for name in figures if readers[0].shared.is_chief else ():
        print(f"\n{dataset.name}, {name} ({model.architecture.name}, {result['steps']} steps)\n")
        print(format_table(figures[name], extent.scales))
    if config.eval == "quick" and readers[0].shared.is_chief:
        print("\n--eval=full, with the same --workdir, evaluates on all images, by all --selectors and at all scales")
    return result


def _readers(model, config: Config, extent: Extent, shared: Distribution) -> list[Reader]:
    """Returns what all images are read with in the course of a run: the network, compiled once for each scale."""
    counts = {*config.eval_num_patches, model.architecture.num_patches}
    return [Reader(model, counts, scale, config.model, config.replicas, shared) for scale in extent.scales]


def _validator(readers: list[Reader], extent: Extent) -> Errors:
    """Returns what validation images are read with: the network as it is meant to be used, at the first scale."""
    return Errors(readers[:1], (readers[0].model.architecture.num_patches,), fine_pixels=extent.fine_pixels)


def _reading_threshold(reader: Reader, config: Config, dataset: Dataset) -> dict[str, float]:
    """Returns the reading threshold and what it does on the validation photographs, as figures; {} without those."""
    numbers, nothing = (dataset.more_validation.get(name) for name in ("test", WITHOUT_NUMBER))
    if nothing is None or not _knows_nothing(reader.model, config):
        return {}
    log.info("reading threshold: %d validation photographs, %d without a number", len(numbers), len(nothing))
    readings = Readings(reader, max(config.eval_num_patches))
    readings.threshold = readings.choose(numbers, nothing)
    found = part(dict(readings(numbers)) | dict(readings(nothing)), "threshold")
    return {"threshold/probability": readings.threshold} | {
        f"threshold/validation/{name}": value for name, value in found.items()
    }


def _evaluators(readers: list[Reader], config: Config, extent: Extent, threshold: float | None = None) -> list:
    """Returns the evaluators of the test splits."""
    model, counts = readers[0].model, config.eval_num_patches
    errors = Errors(readers, counts, extent.selectors, extent.fine_pixels)
    intervals = Intervals(readers[0], counts, extent.fine_pixels)
    evaluators = [errors, Cost(model, counts, extent.scales, config.model), intervals]
    if _knows_nothing(model, config):
        evaluators.append(Readings(readers[0], max(counts), threshold))
    return evaluators


def _knows_nothing(model, config: Config) -> bool:
    """Whether the network can answer that there is nothing to read, and was trained as a whole."""
    return config.model == "dcn" and model.architecture.top.may_be_empty


def described(config, dataset, checkpoints, measured: dict) -> dict:
    """Returns what `result.json` says of a run, whatever was trained: what it was, what was measured of it, by what."""
    seconds, done = float(checkpoints.seconds), int(checkpoints.step)
    return {
        "dataset": dataset.name,
        "dataset_detail": dataset.detail,
        "seed": config.seed,
        "steps": done,
        "seconds": round(seconds, 1),
        "images_per_second": round(done * config.batch_size / max(seconds, 1e-9), 1),
        **measured,
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
        "history": history.plain(history.read(Path(config.workdir))),
        "config": config.to_dict(),
        "changed_flags": config.changed(),
    }


def _look(config, dataset, errors, writer, average, images, step):
    """Takes a quick look at a part of the validation images: returns errors, and shows what is looked at."""
    with averaged(average):
        if config.model == "dcn":
            with writer.as_default(step=step):
                tf.summary.image("image, saliency, patches", _picture(errors.model, dataset)[None])
        return part(dict(errors(dataset.validation.head(images))), "error")


def _picture(model, dataset) -> np.ndarray:
    """Returns what the network looks at in a few validation images."""
    images = dataset.validation.images[:PICTURE_IMAGES]
    outputs = model.all_stages(to_float(tf.constant(images)))
    outputs |= {name: value.numpy() for name, value in outputs.items() if name != "levels"}
    return pictures.attention(images, outputs, model.patch_grid)
