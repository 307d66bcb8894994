"""A run of a model that answers after each of a few glimpses: data, resume, loop, evaluation, result."""

import functools
import json
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from dcn_tf.presets import preset
from tools.table import table
from train import files
from train import workdir as workdirs
from train.beginning import check_initial_weights
from train.checkpoints import Checkpoints
from train.data.dataset import Split
from train.data.pipeline import to_float
from train.data.registry import load_dataset
from train.evaluation.significance import intervals
from train.initial_weights import take_weights
from train.loop import described
from train.optimizers import learning_rate_at, make_optimizer
from train.progress import log
from train.teacher import teacher_of
from train.training import train

EVALUATION_BATCH = 500


@tf.function(reduce_retracing=True)
def answers_of(model, images, start):
    """Returns a model's answers, probabilities [n, glimpses, classes].

    Args:
        images: float [n, side, side, 1].
        start: number of the first of them in its split; answers that are drawn depend on it.
    """
    return tf.nn.softmax(model(images)["logits"])


def train_and_evaluate(
    name: str, config, make_model, make_train_step, cost, restart: bool = False, answers=answers_of
) -> dict:
    """Trains, evaluates on the test split, writes the workdir's files, and returns what `result.json` holds.

    On a workdir that was begun it resumes; on a finished one it only evaluates.

    Args:
        name: of the model, in `result.json`.
        config: of the run, with `for_training()`.
        make_model: config -> a model whose answer has 'logits' [n, glimpses, classes].
        make_train_step: (model, optimizer, config, teacher or None) -> a step of `train.training.train`.
        cost: (model, glimpses) -> the multiplications of an answer after so many glimpses.
        restart: whether it begins again, and keeps aside what was trained before.
        answers: as `answers_of`, what is measured at the end. Looks while it trains use that one.
    """
    check_initial_weights(config.init_from, Path(config.workdir), restart)
    teacher = teacher_of(config.for_training(), preset("cluttered_mnist"))
    with workdirs.held(config, restart) as held:
        dataset = load_dataset(config.for_training(), preset("cluttered_mnist"))
        log.info("data: %s: %s", dataset.name, dataset.detail)
        keras.utils.set_random_seed(config.seed)
        model = make_model(config)
        model.build()
        optimizer = make_optimizer(config.for_training(), held.phase)
        train_step = make_train_step(model, optimizer, config, teacher)
        checkpoints = Checkpoints(held.path, model, optimizer)
        first_step = checkpoints.restore(held.newest)
        if config.init_from and not first_step:
            take_weights(model, config.init_from)
        held.begin(config, functools.partial(learning_rate_at, config.for_training()))

        def look(step):
            return {f"{name}/{k}": error for k, error in errors(wrong_answers(model, dataset.validation)).items()}

        if first_step < config.train_steps:
            train(config, dataset, train_step, checkpoints, tf.summary.create_file_writer(str(held.path)), look)
        wrong = functools.partial(wrong_answers, model, answers=answers)
        measured = _measured(name, wrong, dataset, functools.partial(cost, model))
        result = described(config, dataset, checkpoints, measured)
        files.write_text(held.path / "result.json", json.dumps(result, indent=1) + "\n")
        print(format_table(name, result))
        return result


def _measured(name: str, wrong_answers_of, dataset, cost) -> dict:
    """Returns the errors of a model, how sure they are, and what an answer costs."""
    wrong_answers_of(dataset.test.head(EVALUATION_BATCH))  # compiles
    begun = time.process_time()
    wrong = wrong_answers_of(dataset.test)
    seconds = time.process_time() - begun
    found = errors(wrong)
    return {
        "validation_error": {name: errors(wrong_answers_of(dataset.validation))},
        "error": {name: found},
        "interval": {name: intervals({k: wrong[:, int(k) - 1] for k in found}, dataset.test.sources)},
        "multiplications": {name: {k: cost(int(k)) for k in found}},
        "cpu_milliseconds": {name: round(1e3 * seconds / len(dataset.test), 4)},  # of one image, all glimpses
        "test_images": len(dataset.test),
    }


def wrong_answers(model, split: Split, answers=answers_of) -> np.ndarray:
    """Returns which images are read wrong after each number of glimpses: bool [n, glimpses]."""
    wrong = []
    for start in range(0, len(split), EVALUATION_BATCH):
        images = to_float(tf.constant(split.images[start : start + EVALUATION_BATCH]))
        probabilities = answers(model, images, tf.constant(start))
        wrong.append(np.argmax(probabilities, axis=-1) != split.labels[start : start + EVALUATION_BATCH])
    return np.concatenate(wrong)


def errors(wrong: np.ndarray) -> dict[str, float]:
    """Returns the error in percent after each number of glimpses: bool [n, glimpses] -> number -> percent."""
    return {str(k): round(100.0 * float(share), 4) for k, share in enumerate(wrong.mean(axis=0), 1)}


def format_table(name: str, result: dict) -> str:
    """Returns the table that a run prints."""
    costs, sure = result["multiplications"][name], result["interval"][name]
    rows = [
        (k, f"{error:.2f}", "{:.2f} to {:.2f}".format(*sure[k]), f"{costs[k] / 1e6:.2f}")
        for k, error in result["error"][name].items()
    ]
    lines = table(("glimpses", "error, %", "95 % interval", "M mult."), rows)
    return (
        f"\n{result['dataset']}, test ({result['steps']} steps)\n\n{lines}\n"
        f"({result['test_images']} images; M mult.: million multiplications of one image)"
    )
