import numpy as np
import pytest
import tiny_bundles

from edge.network.interpreter import Model
from edge.network.runner import TwoStageRunner
from edge.network.whole_runner import WholeFineRunner
from tools.export.graphs import layouts
from tools.export.tops import top_windows


@pytest.fixture(scope="module", params=["valid", "same"])
def architecture(request):
    return tiny_bundles.classifier_architecture(padding=request.param)


@pytest.fixture(scope="module")
def bundle(architecture, tmp_path_factory):
    """An int8 bundle."""
    root = tmp_path_factory.mktemp("bundling")
    workdir = tiny_bundles.write_workdir(root / "workdir", tiny_bundles.make_network(architecture))
    return tiny_bundles.make_bundle(root / "bundle", workdir, "ptq")


@pytest.fixture(scope="module")
def plain(bundle):
    """The same, taking images as they are."""
    return tiny_bundles.make_bundle(bundle.path.parent / "plain", bundle.path.parent / "workdir", "ptq", laid_out=False)


@pytest.fixture
def models(bundle):
    entries = bundle.manifest.models
    return {name: Model(bundle.model(name), entry) for name, entry in entries.items()}


def test_the_top_gives_bit_for_bit_what_the_coarse_model_gives_of_the_same_vectors(models, architecture):
    coarse, top = models["coarse"], models["top"]
    zero = coarse.output("coarse_features").zero_point
    pixels = tiny_bundles.make_images(architecture, 12, seed=5).astype(np.int16) - 128
    seen = set()
    for image in tiny_bundles.as_taken(architecture, "coarse", pixels.astype(np.int8), zero=-128):
        outputs = coarse.invoke(image[None])
        windows = top_windows(architecture, outputs["coarse_features"].astype(np.int16) - zero) + zero
        activations = top.invoke(windows.astype(np.int8))["activations"]
        expected = outputs["activation_map"]
        np.testing.assert_array_equal(activations.reshape(expected.shape), expected)
        seen |= set(expected.ravel().tolist())
    assert len(seen) > 50, "a constant would agree with anything"


def test_vectors_and_activations_go_from_model_to_model_as_they_are(models):
    coarse, fine, top = (models[name] for name in ("coarse", "fine", "top"))
    assert coarse.output("coarse_features").encoding == fine.output("fine_features").encoding == top.input.encoding
    assert coarse.output("activation_map").encoding == top.output("activations").encoding
    assert coarse.input.encoding == fine.input.encoding == models["whole_fine"].input.encoding
    assert coarse.input.encoding == ("int8", pytest.approx(1 / 255), -128)


def test_the_manifest_says_how_pixels_are_laid_out(bundle, architecture):
    found = {name: model.layout for name, model in bundle.manifest.models.items()}
    assert found == layouts(architecture) | {"top": None}


def test_laid_out_pixels_change_no_answer(bundle, plain, architecture):
    assert {model.layout for model in plain.manifest.models.values()} == {None}
    for make in (TwoStageRunner, WholeFineRunner):
        saving, other = make(bundle), make(plain)
        for image in tiny_bundles.make_images(architecture, 12, seed=6):
            wanted, found = saving.run(image), other.run(image)
            np.testing.assert_array_equal(found.log_probabilities, wanted.log_probabilities)
            np.testing.assert_array_equal(found.cells, wanted.cells)


@pytest.mark.parametrize("name", ["fine", "top"])
def test_any_number_of_patches_or_windows_may_be_given(models, name):
    model = models[name]
    values = np.random.default_rng(0).integers(-128, 128, (7, *model.input.shape[1:])).astype(np.int8)
    (together,) = model.invoke(values).values()
    alone = np.concatenate([next(iter(model.invoke(value[None]).values())) for value in values])
    np.testing.assert_array_equal(together, alone)
