import json

import pytest

from dcn_tf.blueprint import changed, of_preset, of_text
from dcn_tf.presets import preset


def test_a_preset_leaves_channels_and_classes_to_the_data():
    blueprint = of_preset("cluttered_mnist")
    assert blueprint.open == ("channels", "classes")
    assert blueprint.architecture() == preset("cluttered_mnist")
    architecture = blueprint.architecture(channels=3, classes=12)
    assert (architecture.channels, architecture.top.classes) == (3, 12)


def test_what_is_said_does_not_follow_the_data():
    blueprint = of_preset("cluttered_mnist", ["channels=1", "top.classes=20"])
    architecture = blueprint.architecture(channels=3, classes=12)
    assert blueprint.open == ()
    assert (architecture.channels, architecture.top.classes) == (1, 20)


def test_a_sequence_says_everything():
    assert of_preset("svhn").open == ()


def test_changes_reach_layers_and_sizes():
    changes = ["coarse.1.filters=32", "fine.6.filters=32", "image_size=64,96", "top.conv.activation=relu"]
    architecture = of_preset("cluttered_mnist", changes).architecture()
    assert architecture.coarse[1].filters == 32
    assert architecture.image_size == architecture.train_size == (64, 96)


def test_training_windows_of_their_own_size_keep_it():
    assert of_preset("svhn", ["image_size=96,192"]).architecture().train_size == (54, 110)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("coarse.0.filters", "a change is PATH=VALUE"),
        ("coarse.7.filters=3", "'7' must be a number from 0 to 1"),
        ("coarse.0.filtres=3", "there is no 'filtres'; there are kind, filters, kernel"),
        ("num_patches.1=3", "there is nothing in it"),
    ],
)
def test_a_wrong_change_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        changed(of_preset("cluttered_mnist"), [change])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("coarse.0.filters=many", "filters must be a positive integer. Received: 'many'"),
        ("coarse.0.batch_normalization=no", "batch_normalization must be true or false. Received: 'no'"),
        ("coarse.0.kind=[]", r"a stack's layer must be of kind .* Received: \[\]"),
        ("coarse.0.activation=softmax", "activation must be of single values, and not of vectors"),
        ("name=2024", "name must be a text. Received: 2024"),
        ("name=", "name must be a text. Received: ''"),
    ],
)
def test_a_value_that_is_wrong_is_refused_by_the_network(change, message):
    with pytest.raises(ValueError, match=message):
        of_preset("cluttered_mnist", [change]).architecture()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("top.max_length=2.5", "max_length must be a positive integer. Received: 2.5"),
        ("top.symbols=NaN", "symbols must be a positive integer. Received: nan"),
        ("top.box=1", "box must be true or false. Received: 1"),
    ],
)
def test_a_wrong_top_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        of_preset("numbers", [change]).architecture()


@pytest.mark.parametrize(("text", "value"), [("False", False), ("True", True), ("false", False), ("true", True)])
def test_what_is_true_or_false_is_written_as_in_json_or_python(text, value):
    made = of_preset("cluttered_mnist", [f"coarse.0.batch_normalization={text}"]).architecture()
    assert made.coarse[0].batch_normalization is value


YAML = """
# A comment, as people write them.
image_size: [64, 96]
patch_size: 14
num_patches: 4
coarse:
  - {kind: conv, filters: 12, kernel: 7, strides: 2}
  - {kind: separable_conv, filters: 24, kernel: 3, strides: 2}
fine:
  - {kind: conv, filters: 24, kernel: 9, strides: 2}
top:
  kind: classification
  conv: {filters: 32, kernel: 4, strides: 2}
"""


def test_yaml_leaves_open_what_it_does_not_say():
    pytest.importorskip("yaml", reason="a file in YAML needs pyyaml, which comes with train and not with the library")
    blueprint = of_text(YAML, "screws")
    assert blueprint.open == ("channels", "classes")
    architecture = blueprint.architecture(channels=1, classes=12)
    assert (architecture.name, architecture.channels, architecture.top.classes) == ("screws", 1, 12)
    assert len(architecture.coarse) == 3


def test_json_says_the_same_as_to_dict():
    architecture = preset("numbers")
    assert of_text(json.dumps(architecture.to_dict()), "numbers").architecture() == architecture


def test_a_file_may_begin_from_a_preset():
    written = {"preset": "cluttered_mnist", "image_size": [64, 96], "top": {"classes": 12}}
    blueprint = of_text(json.dumps(written), "mine")
    assert blueprint.open == ("channels",)
    architecture = blueprint.architecture(channels=3)
    assert architecture.train_size == (64, 96)
    assert architecture.top.conv == preset("cluttered_mnist").top.conv


NINE_TIMES_NINE = "x: &x0 [1]\n" + "".join(f"y{i}: &x{i + 1} [{', '.join([f'*x{i}'] * 9)}]\n" for i in range(9))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "must hold an object"),
        ("{'a': [", "neither JSON nor YAML|needs a package"),
        ('{"preset": "mnits"}', "preset must be one of"),
        ('{"preset": ["numbers"]}', "preset must be one of"),
        ('{"top": 3}', "top must be an object"),
        ("[" * 100_000, "nests too deeply|neither"),
        ("a: &a [*a]", "at most 100,000 values|needs a package"),
        (NINE_TIMES_NINE, "at most 100,000 values|needs a package"),
    ],
)
def test_a_file_that_describes_no_network(text, message):
    with pytest.raises(ValueError, match=message):
        of_text(text, "mine")
