import io
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from edge.bundle.manifest import Manifest
from edge.errors import UserError, WorkError
from edge.network.interpreter import Model
from edge.network.kernels import FASTEST, NUMPY
from edge.network.runner import MOST_SHAPES, NEVER, TwoStageRunner
from edge.network.softmaxes import log_softmax
from edge.network.whole_runner import WholeFineRunner


def run_all(runner, images, **options):
    return [runner.run(image, **options) for image in images]


@pytest.mark.parametrize("num_patches", [3, 1, 8])
def test_a_float_bundle_says_what_the_network_says(case, num_patches):
    expected = case.at(num_patches)
    results = run_all(TwoStageRunner(case.float32), case.images, num_patches=num_patches)
    np.testing.assert_array_equal([result.cells for result in results], expected["cells"])
    found = np.stack([result.log_probabilities for result in results])
    np.testing.assert_allclose(found, log_softmax(expected["logits"], case.heads), atol=1e-4)
    np.testing.assert_allclose([result.entropy for result in results], expected["entropy"], atol=1e-5)
    np.testing.assert_allclose([result.saliency for result in results], expected["saliency"], rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal([result.categories for result in results], expected["categories"])


def test_an_int8_bundle_is_close(case):
    runner = TwoStageRunner(case.ptq)
    assert [m.input.dtype for m in (runner.coarse, runner.fine, runner.top)] == ["int8"] * 3
    results = run_all(runner, case.images)
    cells = np.stack([result.cells for result in results])
    same = (cells[:, :, None] == case.expected["cells"][:, None]).all(-1).any(1)
    assert same.mean() > 0.8
    predicted = np.array([result.categories for result in results])
    assert (predicted == case.expected["categories"]).mean() > 0.8
    found = np.stack([result.log_probabilities for result in results])
    assert np.abs(found - log_softmax(case.expected["logits"], case.heads)).mean() < 0.15


def test_an_int8_image_is_not_rounded(classifier_case):
    tensor = TwoStageRunner(classifier_case.ptq).coarse.input
    np.testing.assert_array_equal(tensor.quantize(np.arange(256) / 255), np.arange(256) - 128)


def test_the_coarse_answer_stands_where_it_is_certain_enough(case):
    runner = TwoStageRunner(case.float32)
    expected = log_softmax(case.expected["coarse_logits"], case.heads)
    for image, entropy, coarse in list(zip(case.images, case.expected["entropy"], expected))[:5]:
        left = runner.run(image, exit_entropy=float(entropy) + 1e-3)
        assert (left.num_patches, left.cells, left.saliency) == (0, None, None)
        np.testing.assert_allclose(left.log_probabilities, coarse, atol=1e-4)
        assert runner.run(image, exit_entropy=float(entropy) - 1e-3).num_patches == 3


@pytest.mark.parametrize("method", ["float32", "ptq"])
def test_one_look_gives_the_answers_of_every_number_of_patches(case, method, monkeypatch):
    runner, image = TwoStageRunner(getattr(case, method), kernels=NUMPY), case.images[0]
    wanted = [runner.run(image, num_patches=k + 1, exit_entropy=NEVER) for k in range(8)]
    invoked = []
    for name in ("coarse", "fine"):
        model = getattr(runner, name)
        monkeypatch.setattr(
            model, "invoke", lambda raw, model=model: invoked.append(len(raw)) or Model.invoke(model, raw)
        )
    glance = runner.glance(image)
    look = runner.look_closely(glance, 8)
    for k in (7, 0, 3, 7):  # in any order: an answer leaves nothing behind
        answer = runner.answer(glance, look.first(k + 1))
        np.testing.assert_array_equal(answer.log_probabilities, wanted[k].log_probabilities)
        np.testing.assert_array_equal(look.cells[: k + 1], wanted[k].cells)
        assert runner.manifest.task.read(answer.log_probabilities) == (
            wanted[k].prediction,
            wanted[k].probability,
            wanted[k].categories,
        )
        assert answer.top_inputs == wanted[k].top_inputs
    assert (glance.entropy, invoked) == (wanted[0].entropy, [1, 8])


def test_a_level_that_no_cell_reaches_leaves_the_coarse_answer(case):
    runner, image = TwoStageRunner(case.ptq), case.images[0]
    glance = runner.glance(image)
    highest = float(runner.look_closely(glance, 1).saliency.max())
    assert runner.look_closely(glance, 3, saliency_level=highest).cells.shape == (1, 2)
    nothing = runner.look_closely(glance, 3, saliency_level=highest * 1.01)
    assert (len(nothing.cells), len(nothing.fine_features)) == (0, 0)
    result = runner.run(image, exit_entropy=NEVER, saliency_level=highest * 1.01)
    assert (result.num_patches, result.cells.shape, result.top_inputs) == (0, (0, 2), 0)
    assert float(result.saliency.max()) == highest  # which was computed, and counts
    np.testing.assert_array_equal(result.log_probabilities, glance.log_probabilities)


@pytest.mark.parametrize("method", ["float32", "ptq"])
def test_the_kernels_in_numpy_say_the_same(case, method):
    bundle = getattr(case, method)
    fastest, plain = TwoStageRunner(bundle), TwoStageRunner(bundle, kernels=NUMPY)
    for image in case.images[:5]:
        wanted, found = fastest.run(image), plain.run(image)
        np.testing.assert_array_equal(found.cells, wanted.cells)
        np.testing.assert_allclose(found.log_probabilities, wanted.log_probabilities, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("num_patches", [0, -1, 10**6])
def test_k_out_of_range_is_told(case, num_patches):
    with pytest.raises(UserError, match=rf"from 1 to the number of cells, \d+, received {num_patches};"):
        TwoStageRunner(case.float32).run(case.images[0], num_patches=num_patches)


def test_a_wrong_image_is_told(classifier_case):
    runner = TwoStageRunner(classifier_case.float32)
    image = classifier_case.images[0]
    assert runner.run(image[..., 0]).prediction == runner.run(image).prediction
    for wrong in (image[:-1], image.astype(np.float32), image.repeat(3, axis=2)):
        with pytest.raises(UserError, match=r"must be uint8 of shape \(28, 28, 1\), received"):
            runner.run(wrong)


def test_the_whole_fine_model_is_the_networks(case):
    results = run_all(WholeFineRunner(case.float32), case.images)
    found = np.stack([result.log_probabilities for result in results])
    np.testing.assert_allclose(found, log_softmax(case.references["fine_logits"], case.heads), atol=1e-4)


def test_every_stage_is_timed(case):
    result = TwoStageRunner(case.float32).run(case.images[0])
    assert list(result.stages_us) == ["input", "coarse", "saliency", "patches", "fine", "assemble", "top", "decode"]
    assert result.milliseconds == pytest.approx(sum(result.stages_us.values()) / 1e3)
    assert min(result.stages_us.values()) > 0


@pytest.mark.parametrize(
    ("field", "change"), [("cells", {"map": [4, 4]}), ("patch", {"size": [9, 10]}), ("input", {"size": [29, 28]})]
)
def test_a_manifest_that_does_not_fit_its_models_is_told(classifier_case, field, change):
    content = classifier_case.float32.manifest.content
    changed = Manifest.from_content(content | {field: content[field] | change})
    with pytest.raises(UserError, match=f"the manifest's {field}.* does not fit its models"):
        TwoStageRunner(replace(classifier_case.float32, manifest=changed))


def test_labels_that_do_not_fit_the_models_are_told(case):
    manifest = case.float32.manifest
    changed = replace(manifest, task=replace(manifest.task, labels=(*manifest.task.labels, "more")))
    with pytest.raises(UserError, match="does not fit its models"):
        TwoStageRunner(replace(case.float32, manifest=changed))


def saliency_with(bundle, **changes):
    weights = dict(np.load(io.BytesIO(bundle.files["saliency.npz"]))) | changes
    buffer = io.BytesIO()
    np.savez(buffer, **{name: value for name, value in weights.items() if value is not None})
    return replace(bundle, files=bundle.files | {"saliency.npz": buffer.getvalue()})


def test_weights_of_the_saliency_that_do_not_fit_are_told(case):
    with pytest.raises(UserError, match="saliency does not fit its models"):
        TwoStageRunner(saliency_with(case.float32, dense=np.zeros((16, 4), np.float32)))
    for wrong in (None, np.zeros(3, np.float32), np.array([{}])):  # missing, of another rank, a pickle
        with pytest.raises(UserError, match="saliency"):
            TwoStageRunner(saliency_with(case.float32, dense=wrong))
    with pytest.raises(UserError, match="saliency.npz is not usable"):
        TwoStageRunner(replace(case.float32, files=case.float32.files | {"saliency.npz": b"PK"}))


@pytest.mark.parametrize("name", ["bias", "scale", "shift", "kernel", "dense"])
@pytest.mark.parametrize("method", ["float32", "ptq"])
def test_every_array_of_a_classifiers_saliency_must_fit(classifier_case, name, method):
    bundle = getattr(classifier_case, method)
    weights = np.load(io.BytesIO(bundle.files["saliency.npz"]))[name]
    for wrong in (weights[..., :-1], weights[None], np.zeros(0, np.float32), np.append(weights[..., :1], weights)):
        with pytest.raises(UserError, match="saliency('s [a-z]+)? does not fit its models"):
            TwoStageRunner(saliency_with(bundle, **{name: wrong}))
    for kernels in (NUMPY, FASTEST):
        with pytest.raises(UserError, match=f"{name} holds what is no finite number"):
            TwoStageRunner(saliency_with(bundle, **{name: np.full_like(weights, np.nan)}), kernels=kernels)


def test_an_answer_that_is_no_number_is_told(case, monkeypatch):
    runner = TwoStageRunner(case.float32)
    invoke = runner.top.invoke
    monkeypatch.setattr(runner.top, "invoke", lambda raw: {n: np.full_like(v, np.nan) for n, v in invoke(raw).items()})
    with pytest.raises(WorkError, match=r"answers with what is no number \(NaN\); export the bundle again"):
        runner.run(case.images[0])


def test_a_runner_that_another_thread_is_in_is_refused_and_the_first_goes_on(case, monkeypatch):
    runner, inside, go_on = TwoStageRunner(case.float32), threading.Event(), threading.Event()
    wanted = runner.run(case.images[0])
    invoke = runner.fine.invoke

    def slowly(raw):
        inside.set()
        assert go_on.wait(10)
        return invoke(raw)

    monkeypatch.setattr(runner.fine, "invoke", slowly)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(runner.run, case.images[0])
        assert inside.wait(10)
        for second in (runner.run, runner.glance):
            with pytest.raises(RuntimeError, match="another thread is using this one; make one runner for each thread"):
                second(case.images[1])
        go_on.set()
        np.testing.assert_array_equal(first.result().log_probabilities, wanted.log_probabilities)
    assert runner.run(case.images[0]).prediction == wanted.prediction  # the other thread is through with it


def test_runners_of_their_own_work_side_by_side(case):
    wanted = [result.prediction for result in run_all(TwoStageRunner(case.ptq), case.images)]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: run_all(TwoStageRunner(case.ptq), case.images), range(2)))
    assert [[result.prediction for result in results] for results in found] == [wanted] * 2


def test_few_interpreters_are_kept_however_many_numbers_of_patches_there_are(classifier_case):
    runner = TwoStageRunner(classifier_case.float32)
    image = classifier_case.images[0]
    first = runner.run(image, num_patches=2).log_probabilities
    for num_patches in range(1, runner.manifest.cells.count + 1):
        runner.run(image, num_patches)
    for model in (runner.coarse, runner.fine, runner.top):
        assert len(model._interpreters) <= MOST_SHAPES
    np.testing.assert_array_equal(runner.run(image, num_patches=2).log_probabilities, first)


@pytest.mark.parametrize("threads", [0, -1, 257, 10**14])
def test_too_many_threads_are_refused(case, threads):
    with pytest.raises(UserError, match=f"threads must be from 1 to 256, received {threads}; choose one"):
        TwoStageRunner(case.float32, threads)


def test_a_convolution_that_does_not_fit_is_told(classifier_case):
    manifest = classifier_case.float32.manifest
    changed = replace(manifest, task=replace(manifest.task, strides=(1, 1)))
    with pytest.raises(UserError, match="convolution does not fit"):
        TwoStageRunner(replace(classifier_case.float32, manifest=changed))
    with pytest.raises(UserError, match="saliency's kernel does not fit"):
        TwoStageRunner(saliency_with(classifier_case.float32, kernel=np.zeros((3, 3, 7, 16), np.float32)))


def test_an_output_that_is_missing_is_told(classifier_case):
    with pytest.raises(UserError, match="has no output 'cell_logits'"):
        TwoStageRunner(classifier_case.float32).top.output("cell_logits")
