import contextlib
import dataclasses
import io
import json
import logging
import os
import shutil
import signal
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_training import tiny_classifier

from dcn_tf.model import DynamicCapacityNetwork
from dcn_tf.presets import PRESETS
from train import loop, optimizers, signals, training
from train.data.dataset import WITHOUT_NUMBER, Split
from train.distribution import distribution_of
from train.errors import UserError
from train.evaluation.extent import extent_of
from train.evaluation.reader import Reader
from train.loop import train_and_evaluate


def weights(workdir):
    return [w.numpy() for w in keras.saving.load_model(Path(workdir) / "model.keras").weights]


@pytest.fixture(scope="module")
def finished(run_config, tmp_path_factory):
    """Returns a run of six steps, whose workdir stays as it is: its configuration, its result and what it printed."""
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as printed:
        patch.setitem(PRESETS, "tiny_classifier", tiny_classifier)
        config = run_config(tmp_path_factory.mktemp("finished") / "run")
        return config, train_and_evaluate(config), printed.getvalue()


@pytest.fixture
def copied(finished, tmp_path, monkeypatch):
    """Returns the configuration of a copy of the finished run, which can't be trained further."""
    monkeypatch.setattr(loop, "train", None)  # would fail if it were called
    return dataclasses.replace(finished[0], workdir=str(shutil.copytree(finished[0].workdir, tmp_path / "copied")))


def test_a_run_writes_what_the_contract_names(finished):
    config, result, table = finished
    workdir = Path(config.workdir)
    assert json.loads((workdir / "result.json").read_text()) == json.loads(json.dumps(result))
    for key in ("dataset", "dataset_detail", "seed", "steps", "seconds", "images_per_second", "versions", "config"):
        assert key in result
    assert result["changed_flags"] == config.changed()
    assert set(result["error"]) == set(result["multiplications"]) == {"coarse", "fine", "dcn"}
    assert set(result["error"]["dcn"]) == {"1", "3"}
    assert result["multiplications"]["coarse"] == 24 * 24 * 49 * 4 + 6 * 6 * 16 * 4 * 8 + 8 * 10
    assert (workdir / "flags.txt").read_text() == config.to_flags()
    assert list(workdir.glob("events.out.tfevents.*"))
    assert not list(workdir.rglob("*partial*"))
    names = {line.split(",")[1] for line in (workdir / "curves.csv").read_text().splitlines()[1:]}
    assert {"train/loss", "train/loss/hint", "validation_error/dcn/3"} <= names
    assert tf.io.decode_png((workdir / "attention.png").read_bytes()).shape[0] == 8 * 100 + 7 * 4
    with np.load(workdir / "samples" / "test.npz") as samples:
        assert samples["images"].shape == (30, 100, 100, 1)
        assert samples["images"].dtype == np.uint8
        assert samples["labels"].shape == (30, 1)
        assert str(samples["dataset"]) == "cluttered_digits"
        images, labels = samples["images"], samples["labels"]
    model = keras.saving.load_model(workdir / "model.keras")
    wrong = np.argmax(model(images / np.float32(255), num_patches=1)["logits"], axis=-1) != labels[:, 0]
    assert result["error"]["dcn"]["1"] == pytest.approx(100 * wrong.mean(), abs=1e-3)
    assert "dcn, patches: 3" in table
    assert "(30 images;" in table


def test_summaries_hold_losses_errors_and_a_picture(finished):
    tags = {}
    for path in Path(finished[0].workdir).glob("events.out.tfevents.*"):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                tags[value.tag] = event.step
    for tag in (
        "train/loss",
        "train/loss/hint",
        "train/images_per_second",
        "validation_error/dcn/3",
        "test_error/fine",
    ):
        assert tag in tags
    assert tags["image, saliency, patches"] == 6


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(finished, tmp_path, monkeypatch):
    whole = finished[0]
    halves = dataclasses.replace(whole, workdir=str(tmp_path / "halves"))
    report = training._report

    def interrupted(step, *rest):
        report(step, *rest)
        if step == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(training, "_report", interrupted)
    with pytest.raises(signals.Stopped, match="stopped by SIGTERM after step 4, which is saved"):
        train_and_evaluate(halves)
    monkeypatch.setattr(training, "_report", report)
    assert {path.stem for path in (tmp_path / "halves" / "checkpoints").glob("*.index")} == {"ckpt-3", "ckpt-4"}
    result = train_and_evaluate(halves)
    assert result["steps"] == 6
    for one, other in zip(weights(whole.workdir), weights(halves.workdir)):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_a_finished_run_is_only_evaluated(finished, copied):
    first, second = finished[1], train_and_evaluate(dataclasses.replace(copied, eval_num_patches=(2,)))
    assert second["error"]["coarse"] == first["error"]["coarse"]
    assert set(second["error"]["dcn"]) == {"2"}
    assert second["seconds"] == first["seconds"]


def test_a_quick_evaluation_is_of_less_and_a_full_one_can_follow(copied, monkeypatch, capsys):
    monkeypatch.setattr(loop, "extent_of", small_extent)
    config = dataclasses.replace(copied, eval="quick", eval_scales=(1.0, 0.75), selectors=("random",))
    quick = train_and_evaluate(config)
    assert quick["test_images"] == 12
    assert quick["images"] == {"fine": 5}
    assert not {"selectors", "scales"} & set(quick)
    assert quick["config"]["eval_scales"] == (1.0, 0.75)
    table = capsys.readouterr().out
    assert "(12 images; fine: the first 5; M mult.:" in table
    assert "--eval=full, with the same --workdir" in table
    full = train_and_evaluate(dataclasses.replace(config, eval="full"))
    assert full["test_images"] == 30
    assert "images" not in full
    assert set(full["selectors"]) == {"random"}
    assert [part["scales"] for part in full["scales"]] == [[1.0], [1.0, 0.75]]


def small_extent(config):
    extent = extent_of(config)
    if config.eval == "quick":
        assert (extent.scales, extent.selectors, extent.images) == ((1.0,), (), 500)
        extent = dataclasses.replace(extent, images=12, fine_pixels=5 * 100 * 100)
    return extent


def test_another_seed_on_the_same_workdir_is_refused_and_nothing_changes(finished):
    config = finished[0]
    before = {path: path.read_bytes() for path in Path(config.workdir).rglob("*") if path.is_file()}
    with pytest.raises(UserError, match="--seed=0. Received: --seed=1"):
        train_and_evaluate(dataclasses.replace(config, seed=1))
    assert {path: path.read_bytes() for path in Path(config.workdir).rglob("*") if path.is_file()} == before


def test_more_patches_than_cells_is_refused_before_anything_is_written(config):
    config = config(num_patches=24 * 24 + 1)
    with pytest.raises(UserError, match="at most the number of cells, 576. Received: 577"):
        train_and_evaluate(config)
    assert not Path(config.workdir).exists()


def test_a_selector_that_the_network_does_not_have_is_refused(config):
    with pytest.raises(UserError, match="belongs to sequences.* Received: --selectors=random,average_gradient with"):
        train_and_evaluate(config(selectors=("random", "average_gradient")))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"hint_weight": 0.0}, "nothing trains the coarse stack"),
        ({"hint_weight": 0.1}, "one length. Received: --hint_weight=0.1 with lengths 4 and 6"),
    ],
)
def test_losses_that_can_not_train_the_network_are_refused(config, weights, message):
    with pytest.raises(UserError, match=message):
        train_and_evaluate(config(preset="tiny_sequence", training="end_to_end", **weights))
    assert not Path(config().workdir).exists()


@pytest.mark.parametrize("model", ["coarse", "fine"])
def test_baselines_train_with_the_same_program(config, model):
    result = train_and_evaluate(config(model=model, train_steps=2))
    assert set(result["error"]) == {model}


def test_a_sequence_model_trains_modular_and_end_to_end(config, numbers_zip):
    for kind, terms in (("modular", ("loss/coarse", "loss/fine")), ("end_to_end", ("loss/refined", "loss/coarse"))):
        run = config(
            workdir=f"{config().workdir}_{kind}",
            dataset="folder",
            data_dir=str(numbers_zip),
            preset="tiny_sequence",
            training=kind,
            hint_weight=0.0,
            coarse_weight=1.0,
            train_steps=2,
            eval_num_patches=(1, 9, 10),
        )
        seen = []
        handler = logging.Handler()
        handler.emit = lambda record, seen=seen: seen.append(record.getMessage())
        loop.log.addHandler(handler)
        loop.log.setLevel(logging.INFO)
        result = train_and_evaluate(run)
        loop.log.removeHandler(handler)
        assert {"coarse", "soft_attention", "fine", "fine_inverse_entropy", "dcn"} == set(result["error"])
        assert set(result["error"]["dcn"]) == {"1", "9"}  # there are nine cells
        assert "1 left out, longer than 3" in result["dataset_detail"]
        line = next(message for message in seen if message.startswith("step 2/2"))
        assert all(term in line for term in terms)
        assert "step 2/2  00:00:00 to go  " in line
        assert " images/s  loss" in line


def test_training_reaches_a_low_loss_on_one_batch(config):
    """The step does learn: the same eight images, over and over."""
    config = config(learning_rate=1e-2, schedule="constant", hint_weight=0.01)
    model = DynamicCapacityNetwork(config.architecture)
    model.build()
    step = loop.steps.TrainStep(model, optimizers.make_optimizer(config), config)
    batch = next(iter(training.train_batches(loop.load_dataset(config, config.architecture), 0, 1)))
    losses = [float(step(*batch)["loss/refined"]) for _ in range(80)]
    assert losses[0] > 2.0
    assert losses[-1] < 0.5


def test_the_threshold_is_of_validation_photographs_and_every_split_is_read_once(config, monkeypatch):
    run = config(preset="tiny_pyramid", eval_num_patches=(1, 2))
    model = DynamicCapacityNetwork(run.architecture)
    model.build()
    rng, splits = np.random.default_rng(0), {}
    for name, labels in (("test", [1, 4, 10, 10]), (WITHOUT_NUMBER, [0, 10, 10, 10])):
        images = [rng.integers(256, size=(20 + 4 * (i % 3), 40, 1), dtype=np.uint8) for i in range(6)]
        splits[name] = Split(images, np.tile(np.array(labels, np.int32), (6, 1)))
    read, original = [], Reader._read

    def counted(self, split, selectors):
        if selectors is not None:  # None is the whole fine model
            read.append(split)
        return original(self, split, selectors)

    monkeypatch.setattr(Reader, "_read", counted)
    dataset, extent = SimpleNamespace(more_validation=splits), loop.extent_of(run)
    readers = loop._readers(model, run, extent, distribution_of(run))
    chosen = loop._reading_threshold(readers[0], run, dataset)
    assert read == [splits[WITHOUT_NUMBER], splits["test"]]
    assert chosen["threshold/validation/false_readings"] == 0
    assert 0 <= chosen["threshold/probability"] <= 1
    assert loop._reading_threshold(readers[0], run, SimpleNamespace(more_validation={})) == {}

    evaluators = loop._evaluators(loop._readers(model, run, extent, distribution_of(run)), run, extent, threshold=0.0)
    found = {name: loop.gather(evaluators, split) for name, split in splits.items()}
    assert read[2:] == [splits["test"], splits[WITHOUT_NUMBER]]
    right = 100 - found["test"]["error/dcn/2"]
    assert found["test"]["threshold/error"] == pytest.approx(100 - right, abs=1e-3)
    read_something = found[WITHOUT_NUMBER]["threshold/false_readings"]
    assert read_something == pytest.approx(100 - found[WITHOUT_NUMBER]["readings/empty"], abs=1e-3)
