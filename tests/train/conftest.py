import dataclasses
import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image
from tiny_training import tiny_classifier

from dcn_tf.architecture import Architecture, Conv, MaxPool, SequenceTopSpec
from dcn_tf.presets import PRESETS
from train.config import Config
from train.data.svhn_format1 import sources


def tiny_sequence():
    """Returns a network for 16 x 24 images with 3 x 3 cells."""
    return Architecture(
        name="tiny_sequence",
        image_size=(16, 24),
        train_size=(12, 16),
        channels=1,
        coarse=(Conv(4, (12, 16), strides=(2, 4)),),
        fine=(Conv(4, 3, padding="same"), MaxPool(2), Conv(6, (6, 8), dropout=0.1)),
        top=SequenceTopSpec(max_length=3, symbols=10),
        patch_size=(12, 16),
        num_patches=2,
    )


def tiny_pyramid():
    """Returns a network for 16 x 24 images that may hold nothing: 3 x 3 cells, and of half the image one."""
    top = SequenceTopSpec(3, 10, "presence", "votes", min_length=0, box=True)
    return dataclasses.replace(tiny_sequence(), name="tiny_pyramid", top=top, levels=(1.0, 0.5))


@pytest.fixture(autouse=True)
def tiny_presets(monkeypatch):
    monkeypatch.setitem(PRESETS, "tiny_pyramid", tiny_pyramid)
    monkeypatch.setitem(PRESETS, "tiny_classifier", tiny_classifier)
    monkeypatch.setitem(PRESETS, "tiny_sequence", tiny_sequence)


@pytest.fixture(autouse=True)
def no_network_and_no_cache(monkeypatch, tmp_path):
    """SVHN is fetched from a port that is closed, and kept in a folder of the test."""
    monkeypatch.setattr(sources, "URL", "http://127.0.0.1:9/")
    monkeypatch.setattr(sources, "CACHE", tmp_path / "svhn_cache")


@pytest.fixture(scope="session")
def run_config():
    """Returns a function: workdir -> configuration of a run of seconds."""
    return lambda workdir: Config(
        workdir=str(workdir),
        dataset="cluttered_digits",
        preset="tiny_classifier",
        train_steps=6,
        batch_size=8,
        hint_weight=0.05,
        train_images=20,
        validation_images=20,
        test_images=30,
        eval_num_patches=(1, 3),
        log_every=2,
        checkpoint_every=3,
    )


@pytest.fixture
def config(run_config, tmp_path):
    """Returns a configuration of a run of seconds; `config(train_steps=3)` replaces values."""
    return lambda **values: dataclasses.replace(run_config(tmp_path / "run"), **values)


@pytest.fixture
def numbers_zip(tmp_path):
    """Returns the path of a zip of 30 pictures with labels of one to three digits, one of four."""
    rng = np.random.default_rng(0)
    entries, path = [], tmp_path / "numbers.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(31):
            label = rng.integers(10, size=4 if i == 30 else 1 + i % 3).tolist()
            buffer = io.BytesIO()
            Image.fromarray(rng.integers(256, size=(9 + i, 20, 3), dtype=np.uint8)).save(buffer, "PNG")
            archive.writestr(f"{i}.png", buffer.getvalue())
            split = "validation" if i % 10 == 0 else "test" if i % 10 == 1 else "train"
            entries.append({"file": f"{i}.png", "label": label, "split": split})
        archive.writestr("annotations.json", json.dumps(entries))
    return path
