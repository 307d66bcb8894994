import dataclasses
import json

import pytest

from dcn_tf.presets import numbers
from train.config import Config
from train.errors import UserError
from train.trainable import check_trainable


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("preset", "nope"),
        ("model", "both"),
        ("training", "sideways"),
        ("optimizer", "lion"),
        ("schedule", "step"),
        ("eval", "none"),
        ("top_statistics", "none"),
        ("train_steps", 0),
        ("batch_size", -1),
        ("replicas", 0),
        ("replicas", 3),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("decay_rate", 1.5),
        ("warmup_steps", 6000),
        ("hint_weight", -0.1),
        ("num_patches", 0),
        ("eval_num_patches", (1, 0)),
        ("eval_num_patches", ()),
        ("eval_num_patches", (10**21,)),
        ("train_num_patches", (2, 0)),
        ("elasticity", -1.0),
        ("eval_scales", (float("nan"),)),
        ("eval_scales", (1.0,) * 101),
        ("dataset_weights", (float("inf"),)),
        ("momentum", 1.5),
        ("ema", 1.0),
        ("label_smoothing", 1.0),
        ("skip_bad", 1.01),
    ],
)
def test_wrong_value_names_the_flag_and_what_was_received(name, value):
    with pytest.raises(UserError, match=rf"--{name} .*Received: ") as caught:
        Config(workdir="w", dataset="d", **{name: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["run ", " run", "a\nb", "a\udcff"])
def test_what_no_flagfile_can_hold_is_refused(text):
    for name in ("workdir", "data_dir", "init_from"):
        with pytest.raises(UserError, match=f"--{name} must be what a flagfile can hold.* Received: '"):
            Config(**{"workdir": "w", "dataset": "d", name: text})
    with pytest.raises(UserError, match="--set must be what a flagfile can hold"):
        Config(workdir="w", dataset="d", set=(text,))
    Config(workdir="a run in ä=b,[c]#", dataset="d", data_dir="ä [b]")


@pytest.mark.parametrize(
    "name",
    [
        field.name
        for field in dataclasses.fields(Config)
        if field.type in ("int", "float", int, float, int | None, float | None)
    ],
)
def test_no_number_takes_what_nothing_can_count(name):
    for value in (float("inf"), -float("inf"), float("nan"), 2.0**64, 1e21, -1):
        with pytest.raises(UserError, match=rf"--{name} must be .*Received: "):
            Config(workdir="w", dataset="d", **{name: value})


def test_architecture_takes_patches_and_statistics_from_the_flags(config):
    architecture = config(num_patches=5, top_statistics="separate").architecture
    assert architecture.num_patches == 5
    assert architecture.top.statistics == "separate"
    with pytest.raises(UserError, match="--top_statistics belongs to classifier tops"):
        _ = config(preset="tiny_sequence", top_statistics="separate").architecture


def test_patches_are_as_far_apart_as_the_flag_says_or_the_preset(config):
    assert config(preset="numbers").architecture.patches_apart == 0.5
    run = config(preset="numbers", patches_apart=0.0)
    assert run.architecture == dataclasses.replace(numbers(), patches_apart=0.0)
    assert "--patches_apart=0.0\n" in run.to_flags()
    with pytest.raises(UserError, match="--patches_apart must be 0 where there is one level, .* Received: 0.5"):
        _ = config(patches_apart=0.5).architecture


def test_the_size_of_patches_is_a_side_or_two(config):
    assert config(patch_size=(14,)).architecture.patch_size == (14, 14)
    assert config(patch_size=(14, 12)).architecture.patch_size == (14, 12)
    for wrong in ((7,), (101,), (14, 12, 3)):  # the fine stack of the tiny network needs 8 x 8
        with pytest.raises(UserError, match="--patch_size must be .* of at least 8,8 and at most 100,100. Received: "):
            _ = config(patch_size=wrong).architecture


def test_config_is_frozen(config):
    with pytest.raises(dataclasses.FrozenInstanceError):
        config().seed = 3


def test_a_network_of_ones_own(config, tmp_path):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"preset": "tiny_classifier", "image_size": [60, 80]}))
    made = config(architecture_file=str(file), set=("num_patches=2",))
    assert made.architecture.image_size == (60, 80)
    assert made.network(channels=3, classes=12).top.classes == 12
    assert f"--architecture={file}\n--set=num_patches=2\n" in made.to_flags()


@pytest.mark.parametrize(
    ("text", "changes", "message"),
    [
        (None, (), "--architecture=.*mine.json can't be read"),
        ("[", (), "--architecture=.*mine.json: it is neither JSON nor YAML|pip install"),
        ('{"preset": "tiny_classifier"}', ("fine.9.filters=3",), "--set=fine.9.filters=3: .* from 0 to 2"),
        ('{"preset": "tiny_classifier", "patch_size": 5}', (), "--architecture=.*: patch_size must be at least"),
    ],
)
def test_a_network_that_cannot_be_made(config, tmp_path, text, changes, message):
    file = tmp_path / "mine.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UserError, match=message):
        _ = config(architecture_file=str(file), set=changes).architecture


def test_a_device_describes_no_network(config):
    with pytest.raises(UserError, match=r"--architecture=/dev/zero can't be read: it is a device"):
        _ = config(architecture_file="/dev/zero").architecture


def test_too_many_patches_for_the_cells(config):
    with pytest.raises(UserError, match="--num_patches must be at most the number of cells, 576. Received: 577"):
        _ = config(num_patches=577).architecture


def test_numbers_of_patches_to_train_with_are_of_whole_networks_with_so_many_cells(config):
    run = config(train_num_patches=(2, 577))
    with pytest.raises(UserError, match="--train_num_patches must be at most the number of cells, 576. Received: 577"):
        check_trainable(run, run.architecture)
    for wrong in ({"model": "fine"}, {"model": "coarse"}):
        run = config(train_num_patches=(2,), **wrong)
        with pytest.raises(UserError, match="--train_num_patches belongs to --model=dcn .*Received: --model="):
            check_trainable(run, run.architecture)


def test_windows_are_no_larger_than_the_images_that_they_are_cut_from(config):
    run = config(preset="cluttered_mnist", model="coarse", set=("train_size=100,101",))
    with pytest.raises(UserError, match=r"train_size must be at most image_size, \(100, 100\). .*\(100, 101\)"):
        check_trainable(run, run.architecture)


def test_boxes_are_trained_window_by_window(config):
    values = {"preset": "numbers", "coarse_weight": 1.0, "hint_weight": 0.0}
    run = config(**values)
    with pytest.raises(UserError, match="boxes are trained by --training=modular alone. .*or --set=top.box=false"):
        check_trainable(run, run.architecture)
    for good in ({"training": "modular"}, {"set": ("top.box=false",)}):
        run = config(**values | good)
        check_trainable(run, run.architecture)


def test_a_classifiers_scales_leave_its_top_a_window(config):
    run = config(preset="cluttered_mnist", eval_scales=(1.0, 0.3))
    check_trainable(run, run.architecture)
    run = config(preset="cluttered_mnist", eval_scales=(1.0, 0.05))
    with pytest.raises(
        UserError, match=r"--eval_scales must leave images of at least \d+ x \d+ pixels .*0.05, .*5 x 5"
    ):
        check_trainable(run, run.architecture)
    run = config(preset="numbers", training="modular", eval_scales=(1.0, 0.05))
    check_trainable(run, run.architecture)  # padded
