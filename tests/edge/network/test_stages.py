"""The stages in C, in the models' own tensors, against those in NumPy: the same to the last bit where the sums are."""

import importlib
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.bundle import load_bundle
from edge.errors import UserError
from edge.network import compiled, stages
from edge.network.kernels import COMPILED, NUMPY
from edge.network.pyramid_runner import make_runner
from edge.network.runner import NEVER, TwoStageRunner
from edge.network.stages_in_place import StagesInPlace
from edge.sight.images import expand, load_image

MODELS = Path(__file__).parents[3] / "models"
APART = replace(COMPILED, make_stages=stages.Stages)  # the same computations, and an array after each
needs_compiled = pytest.mark.skipif(not compiled.IS_COMPILED, reason="edge was installed without a C compiler")
pytestmark = needs_compiled


@pytest.fixture(scope="module", params=["cluttered_mnist", "cluttered_mnist_accurate"])
def bundle(request):
    return load_bundle(MODELS / request.param)


@pytest.fixture(scope="module")
def images(bundle):
    noise = np.random.default_rng(0).integers(0, 256, (4, 100, 100, 1), np.uint8)
    black, white = np.zeros((100, 100, 1), np.uint8), np.full((100, 100, 1), 255, np.uint8)
    return [load_image(path, bundle.manifest.input) for path in expand([str(MODELS / "samples")])] + [
        *noise,
        black,  # every window alike
        white,
    ]


def assert_same(found, wanted):
    for name in ("prediction", "probability", "entropy", "num_patches", "top_inputs"):
        assert getattr(found, name) == getattr(wanted, name)
    for name in ("log_probabilities", "saliency", "cells"):
        if getattr(wanted, name) is None:
            assert getattr(found, name) is None
        else:
            np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), strict=True)


@pytest.mark.parametrize(
    "settings",
    [
        {"exit_entropy": NEVER},
        {},
        {"num_patches": 1},
        {"num_patches": 529},
        {"saliency_level": 0.2, "exit_entropy": NEVER},
    ],
    ids=str,
)
def test_every_image_is_read_as_before(bundle, images, settings):
    in_place, apart = TwoStageRunner(bundle, kernels=COMPILED), TwoStageRunner(bundle, kernels=APART)
    assert isinstance(in_place._stages, StagesInPlace)
    assert not isinstance(apart._stages, StagesInPlace)
    for image in images:
        assert_same(in_place.run(image, **settings), apart.run(image, **settings))


def test_numpy_says_the_same(bundle, images):
    in_place, plain = TwoStageRunner(bundle, kernels=COMPILED), TwoStageRunner(bundle, kernels=NUMPY)
    for image in images[:8]:
        found, wanted = (runner.run(image, exit_entropy=NEVER) for runner in (in_place, plain))
        np.testing.assert_array_equal(found.cells, wanted.cells)
        np.testing.assert_allclose(found.log_probabilities, wanted.log_probabilities, rtol=1e-9, atol=1e-12)


def test_a_result_is_not_changed_by_the_next_image(bundle, images):
    runner = TwoStageRunner(bundle)
    first = runner.run(images[0], exit_entropy=NEVER)
    kept = {name: getattr(first, name).copy() for name in ("log_probabilities", "saliency", "cells")}
    runner.run(images[1], exit_entropy=NEVER)
    for name, wanted in kept.items():
        np.testing.assert_array_equal(getattr(first, name), wanted)


def test_rows_may_lie_apart_and_a_channel_may_be_there(bundle, images):
    runner, image = TwoStageRunner(bundle), images[0]
    wanted = runner.run(image).log_probabilities
    for other in (np.repeat(image, 2, axis=1)[:, ::2], image[..., 0], np.asfortranarray(image)):
        np.testing.assert_array_equal(runner.run(other).log_probabilities, wanted)
    for wrong in (image[:-1], image.astype(np.int8), image[None], image.repeat(3, axis=2), image.tolist()):
        with pytest.raises(UserError, match="must be uint8 of shape"):
            runner.run(wrong)


def test_the_looks_of_one_glance(bundle, images):
    """In any order: neither a look nor an answer leaves anything behind."""
    runner, image = TwoStageRunner(bundle), images[0]
    wanted = [runner.run(image, num_patches=k, exit_entropy=NEVER) for k in (1, 4, 8)]
    glance = runner.glance(image)
    look = runner.look_closely(glance, 8)
    for k, one in [(8, wanted[2]), (1, wanted[0]), (4, wanted[1]), (8, wanted[2])]:
        answer = runner.answer(glance, look.first(k))
        np.testing.assert_array_equal(answer.log_probabilities, one.log_probabilities)
        assert answer.top_inputs == one.top_inputs
    np.testing.assert_array_equal(runner.look_closely(glance, 4).saliency, wanted[1].saliency)


def test_more_numbers_of_patches_than_interpreters_are_kept(bundle, images):
    runner = TwoStageRunner(bundle)
    wanted = runner.run(images[0], num_patches=8, exit_entropy=NEVER)
    for k in range(1, 40):
        runner.run(images[1], num_patches=k, exit_entropy=NEVER)
    assert len(runner.fine._in_place) == runner.fine._most_shapes
    assert_same(runner.run(images[0], num_patches=8, exit_entropy=NEVER), wanted)


def test_other_tasks_and_numbers_have_the_stages_of_all():
    assert not hasattr(make_runner(load_bundle(MODELS / "street_numbers")), "_stages")
    assert not isinstance(TwoStageRunner(load_bundle(MODELS / "cluttered_mnist"), kernels=NUMPY)._stages, StagesInPlace)


@pytest.mark.parametrize("version", [None, compiled.VERSION - 1, compiled.VERSION + 1])
def test_what_is_compiled_of_another_version_is_left_alone(version, monkeypatch):
    """As after an update without an installation."""
    monkeypatch.setattr(compiled._compiled, "VERSION", version) if version else monkeypatch.delattr(
        compiled._compiled, "VERSION"
    )
    try:
        with pytest.warns(UserWarning, match="of another version, and NumPy does the same; install edge again"):
            assert not importlib.reload(compiled).IS_COMPILED
    finally:
        monkeypatch.undo()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert importlib.reload(compiled).IS_COMPILED


def test_the_steps_refuse_what_does_not_fit(bundle):
    steps = TwoStageRunner(bundle)._stages._steps
    heads, saliency = np.log(np.full(10, 0.1)), np.empty((23, 23), np.float32)
    cells, patches, window = (
        np.zeros((2, 2), np.intp),
        np.empty((2, 12, 6, 12), np.int8),
        np.empty((1, 4, 4, 24), np.int8),
    )
    assert steps.look(heads, 2.3, saliency, cells, patches, -1.0) == 2
    cells[:] = 0
    assert steps.changed(np.zeros((1, 2), np.intp)) == 1
    steps.swap(np.zeros((1, 24), np.int8), np.zeros((1, 2), np.intp), window)
    wrong = [
        lambda: steps.glance(np.empty(9)),
        lambda: steps.glance(np.empty(10, np.float32)),
        lambda: steps.look(heads[:9], 2.3, saliency, cells, patches, 0.0),
        lambda: steps.look(heads, 2.3, saliency[:22], cells, patches, 0.0),
        lambda: steps.look(heads, 2.3, saliency, cells[:1], patches, 0.0),
        lambda: steps.look(heads, 2.3, saliency, cells, np.empty((2, 12, 6, 11), np.int8), 0.0),
        lambda: steps.look(heads, 2.3, saliency, np.empty((530, 2), np.intp), np.empty((530, 12, 6, 12), np.int8), 0.0),
        lambda: steps.cut(cells - 1, patches),
        lambda: steps.cut(cells + 23, patches),
        lambda: steps.cut(cells, patches[:1]),
        lambda: steps.changed(cells - 1),
        lambda: steps.changed(cells + 23),
        lambda: steps.changed(cells[:0]),
        lambda: steps.swap(np.zeros((1, 23), np.int8), cells[:1], window),
        lambda: steps.swap(np.zeros((2, 24), np.int8), cells[:1], window),
        lambda: steps.swap(np.zeros((1, 24), np.int8), cells[:1] + 23, window),
        lambda: steps.swap(np.zeros((1, 24), np.int8), cells[:1], window[:0]),
        lambda: steps.answer(np.zeros((2, 1, 1, 96), np.int8), np.empty(10)),
        lambda: steps.answer(np.zeros((1, 1, 1, 95), np.int8), np.empty(10)),
        lambda: steps.answer(np.zeros((1, 1, 1, 96), np.int8), np.empty(11)),
    ]
    for call in wrong:
        with pytest.raises(ValueError, match="fit each other|must be of type"):
            call()


@pytest.mark.parametrize("number", range(15))
def test_the_steps_are_made_of_arrays_that_fit(bundle, number, monkeypatch):
    made = []
    monkeypatch.setattr(compiled._compiled, "Stages", lambda *arguments: made.append(arguments))
    TwoStageRunner(bundle)
    monkeypatch.undo()
    (arrays, *others) = made[0]
    assert compiled._compiled.Stages(arrays, *others)
    for wrong in (arrays[:-1], (*arrays[:number], np.asarray(arrays[number])[:0], *arrays[number + 1 :])):
        with pytest.raises(ValueError, match="fit each other"):
            compiled._compiled.Stages(wrong, *others)
