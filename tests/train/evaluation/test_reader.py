import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from dcn_tf import stages
from dcn_tf.patches import ROUND
from train.evaluation import reader
from train.evaluation.reader import Reader


def everything(reader, split, selectors=()):
    return reader(split, selectors) | reader.fine(split)


def test_batches_do_not_change_what_is_read(network, split_of, monkeypatch):
    model = network("tiny_sequence")
    split = split_of([(16, 24), (20, 30), (16, 24), (16, 24), (20, 30)], model.architecture.top.heads)
    together = everything(Reader(model, (2,)), split)
    monkeypatch.setattr(reader, "PIXELS", 1)
    for name, probabilities in everything(Reader(model, (2,)), split).items():
        np.testing.assert_allclose(together[name], probabilities, atol=1e-6)
        np.testing.assert_allclose(probabilities[:, :3].sum(axis=1), 1, atol=1e-5)


def test_batches_that_are_read_side_by_side_keep_their_places(network, split_of, monkeypatch):
    model = network("tiny_classifier")
    split = split_of([(100, 100)] * 5 + [(60, 80)] * 2, (10,))
    monkeypatch.setattr(reader, "PIXELS", 1)
    one, three = (everything(Reader(model, (2,), replicas=n), split, ("random",)) for n in (1, 3))
    for name, probabilities in three.items():
        np.testing.assert_allclose(one[name], probabilities, atol=1e-6)


@pytest.mark.parametrize("preset", ["tiny_classifier", "tiny_sequence"])
def test_the_whole_models_and_the_selection_share_one_glance(network, split_of, monkeypatch, preset):
    model = network(preset)
    calls = []
    coarse = type(model.coarse).call
    monkeypatch.setattr(type(model.coarse), "call", lambda *args, **named: calls.append(1) or coarse(*args, **named))
    split = split_of([model.architecture.image_size] * 2, model.architecture.top.heads)
    rows = everything(Reader(model, (1, 2)), split, ("random", "centre"))
    assert len(calls) == 1  # traced once, for every batch
    images = np.stack(split.images) / np.float32(255)
    for stack in ("coarse", "fine"):
        logits = model.whole_model(stack)(images)["logits"]
        expected = [tf.nn.softmax(part) for part in tf.split(logits, model.architecture.top.heads, axis=-1)]
        np.testing.assert_allclose(rows[stack], np.concatenate(expected, axis=-1), atol=1e-5)


def test_a_scale_reads_a_smaller_image(network, split_of):
    model = network("tiny_sequence")
    split = split_of([(32, 48)] * 3, model.architecture.top.heads)
    small = [np.asarray(tf.image.resize(image / np.float32(255), (16, 24), antialias=True)) for image in split.images]
    logits = np.concatenate([model(image[None], num_patches=2)["logits"] for image in small])
    np.testing.assert_allclose(Reader(model, (2,), scale=0.5)(split)["dcn/2"], np.exp(logits), atol=1e-5)


@pytest.mark.parametrize("apart", [0.0, 0.4])
def test_a_pyramid_is_read_as_the_model_reads_it(network, split_of, apart):
    model = network("tiny_pyramid")
    model.architecture = dataclasses.replace(model.architecture, patches_apart=apart)
    heads = model.architecture.top.heads
    split, counts = split_of([(5, 7), (16, 24), (33, 40)], heads), (1, 2, 5)
    rows = everything(Reader(model, counts), split, ("random", "centre", "oracle"))
    selected = {f"{name}/{k}" for name in ("dcn", "random", "centre", "oracle") for k in counts}
    assert set(rows) == {"coarse", "fine", *(f"box/{k}" for k in counts)} | selected
    for i, image in enumerate(split.images):
        for k in counts:
            k = min(k, model.num_cells(image.shape[:2]))
            outputs = model(image[None] / np.float32(255), num_patches=k)
            np.testing.assert_allclose(rows[f"dcn/{k}"][i], np.exp(outputs["logits"][0]), atol=1e-5)
            np.testing.assert_allclose(rows[f"box/{k}"][i], outputs["box"][0], rtol=1e-4, atol=1e-3)
        for stack in ("coarse", "fine"):
            logits = model.whole_model(stack)(image[None] / np.float32(255))["logits"]
            np.testing.assert_allclose(rows[stack][i], np.exp(logits[0]), atol=1e-5)


def test_photographs_of_any_size_are_read_by_one_graph(network, split_of):
    model = network("tiny_pyramid")
    reader = Reader(model, (1, 2))
    heads = model.architecture.top.heads
    for sizes in ([(16, 24), (33, 40), (5, 7)], [(20, 31)]):
        everything(reader, split_of(sizes, heads))
    traces = sum(function.experimental_get_tracing_count() for function in reader._compiled.values())
    assert traces == 2  # what is selected, and the whole fine model


@pytest.mark.parametrize("preset", ["tiny_classifier", "tiny_pyramid"])
def test_a_cell_that_several_selectors_choose_is_looked_at_once(network, split_of, monkeypatch, preset):
    model = network(preset)
    selectors = ("random", "centre")
    split = split_of([model.architecture.image_size] * 2, model.architecture.top.heads)
    shown, plain = [], stages.once

    def counted(stack, patches, cells):
        def noted(some):
            tf.py_function(lambda count: shown.append(int(count)), [tf.shape(some)[0]], [])
            return stack(some)

        return plain(noted, patches, cells)

    monkeypatch.setattr(stages, "once", counted)
    rows = Reader(model, (1, 8))(split, selectors)
    monkeypatch.setattr(stages, "once", lambda stack, patches, cells: stack(patches))
    for name, each in Reader(model, (1, 8))(split, selectors).items():
        np.testing.assert_allclose(rows[name], each, atol=1e-6)
    assert shown[0] % ROUND == 0
    assert shown[0] <= {"tiny_classifier": 48, "tiny_pyramid": 24}[preset]  # of 48, there of ten cells in an image


def test_what_was_read_of_a_split_is_kept_with_its_selectors(network, split_of, monkeypatch):
    model = network("tiny_sequence")
    split = split_of([(16, 24)] * 2, model.architecture.top.heads)
    read = []
    monkeypatch.setattr(Reader, "_read", lambda self, *args: read.append(args[1]) or {"coarse": len(read)})
    reader = Reader(model, (1,))
    rows = reader(split, ("random",))
    assert reader(split) is rows
    assert reader(split, ("centre",)) is not rows
    assert read == [("random",), ("centre",)]
