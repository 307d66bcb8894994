from dataclasses import replace

import numpy as np
import pytest

from edge.errors import UserError
from edge.network.interpreter import Model, make_interpreter
from edge.network.patches import Layout


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x1c\x00\x00\x00TFL3" + b"\x00" * 64])
def test_what_is_no_model_is_told(content):
    with pytest.raises(UserError, match="broken cannot be run by this TFLite runtime"):
        make_interpreter(content, name="broken")


@pytest.mark.parametrize(("name", "which"), [("version", "'CONV_2D' version '999'"), ("custom", "MyOperator")])
def test_an_operator_that_the_runtime_lacks_is_named(edge_cases, name, which):
    content = (edge_cases / "broken" / f"{name}.tflite").read_bytes()
    with pytest.raises(UserError, match=f"coarse.tflite cannot be run .*{which}.*; update the runtime"):
        make_interpreter(content, name="coarse.tflite")


def test_a_scale_that_is_not_the_models_is_told(bundle_copy):
    described = bundle_copy.manifest.models["fine"]
    output = replace(described.outputs[0], zero_point=described.outputs[0].zero_point + 1)
    with pytest.raises(UserError, match="tensor 'fine_features' .* is not in its model file"):
        Model(bundle_copy.model("fine"), replace(described, outputs=(output,)))


def test_every_number_of_patches_has_an_interpreter_that_is_made_once(classifier_case, monkeypatch):
    bundle = classifier_case.float32
    made = []
    monkeypatch.setattr(
        "edge.network.interpreter.make_interpreter", lambda *arguments: made.append(1) or make_interpreter(*arguments)
    )
    entry = bundle.manifest.models["fine"]
    model = Model(bundle.model("fine"), entry)
    patches = classifier_case.expected["patches"][:5].reshape(-1, 10, 10, 1)
    for count in (3, 3, 5, 5, 1, 3):
        layout = Layout(entry.layout, (10, 10, 1), np.float32, 0, count)
        found = model(layout.of(patches[:count]))["fine_features"]
        expected = classifier_case.expected["fine_features"][:5].reshape(-1, 8)[:count]
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert len(made) == 3


def test_a_model_is_read_from_bytes_and_called_with_real_values(classifier_case):
    bundle = classifier_case.ptq
    model = Model(bundle.model("coarse"), bundle.manifest.models["coarse"])
    layout = Layout(model.layout, (28, 28, 1), np.float32)
    outputs = model(layout.of(classifier_case.images[:1].astype(np.float32) / 255))
    assert sorted(outputs) == ["activation_map", "coarse_features"]
    difference = outputs["coarse_features"] - classifier_case.expected["coarse_features"][:1]
    assert np.abs(difference).max() < 8 * model.output("coarse_features").scale


@pytest.mark.parametrize("change", [{"shape": (1, 2)}, {"dtype": "int8"}, {"order": 7}])
def test_a_file_that_is_not_the_manifests_is_told(classifier_case, change):
    bundle = classifier_case.float32
    described = bundle.manifest.models["top"]
    output = replace(described.outputs[0], **change)
    with pytest.raises(UserError, match="tensor 'activations' .* is not in its model file"):
        Model(bundle.model("top"), replace(described, outputs=(output,)))
