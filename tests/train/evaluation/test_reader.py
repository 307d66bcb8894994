import numpy as np
import pytest
import tensorflow as tf

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


def test_a_pyramid_is_read_as_the_model_reads_it(network, split_of):
    model = network("tiny_pyramid")
    heads = model.architecture.top.heads
    split = split_of([(5, 7), (16, 24), (33, 40)], heads)
    rows = everything(Reader(model, (1, 2)), split, ("random", "centre", "oracle"))
    selected = {f"{name}/{k}" for name in ("dcn", "random", "centre", "oracle") for k in (1, 2)}
    assert set(rows) == {"coarse", "fine", "box/1", "box/2"} | selected
    for i, image in enumerate(split.images):
        for k in (1, 2):
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
    for sizes in ([(16, 24), (33, 40), (5, 7)], [(20, 31)], [(17, 90), (64, 18)]):
        everything(reader, split_of(sizes, heads), ("random",))
    assert reader.traces() == 2  # what is selected, and the whole fine model
    reader(split_of([(16, 24)], heads))
    assert reader.traces() == 3  # without a selector beside the network's own


@pytest.mark.parametrize("preset", ["tiny_classifier", "tiny_sequence", "tiny_pyramid"])
def test_a_cell_that_several_selectors_choose_is_looked_at_once(network, split_of, monkeypatch, preset):
    model = network(preset)
    selectors = ("random", "centre", "confidence")
    split = split_of([model.architecture.image_size] * 2, model.architecture.top.heads)
    alone = {name: Reader(model, (1, 4))(split, (name,)) for name in selectors}
    shown = []
    fine = type(model.fine).call

    def counted(stack, patches, **named):
        tf.py_function(lambda shape: shown.append(shape.numpy().tolist()), [tf.shape(patches)], [])
        return fine(stack, patches, **named)

    monkeypatch.setattr(type(model.fine), "call", counted)
    together = Reader(model, (1, 4))(split, selectors)
    assert shown[0][0] <= 2 * 4 * (1 + len(selectors))
    assert (shown[0][0] % ROUND, shown[0][1]) == (0, 1)
    if preset != "tiny_classifier":  # nine or ten cells in an image, of which the four choose four each
        assert shown[0][0] <= 24
    for name in selectors:
        for k in (1, 4):
            np.testing.assert_allclose(together[f"{name}/{k}"], alone[name][f"{name}/{k}"], atol=1e-6)
    np.testing.assert_allclose(together["dcn/4"], alone["random"]["dcn/4"], atol=1e-6)


def test_what_was_read_of_a_split_is_kept_with_its_selectors(network, split_of, monkeypatch):
    model = network("tiny_sequence")
    split = split_of([(16, 24)] * 2, model.architecture.top.heads)
    read, original = [], Reader._read
    monkeypatch.setattr(Reader, "_read", lambda self, *args: read.append(args[1]) or original(self, *args))
    reader = Reader(model, (1,))
    rows = reader(split, ("random",))
    assert reader(split) is rows
    assert reader(split, ("centre",)) is not rows
    assert read == [("random",), ("centre",)]
