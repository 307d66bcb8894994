"""The command line, as a user meets it: each call is a process of its own."""

import json
import re
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from odd_images import odd_exif
from PIL import Image

from train.processor import fastest_dtype

ROOT = Path(__file__).parents[2]


def run(*arguments, cwd=ROOT):
    command = [sys.executable, "-m", "train.main", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--flagfile=nowhere.flags"], "nowhere.flags"),
        (["--bogus=1"], "Unknown command line flag 'bogus'"),
        (["--train_steps=many"], "--train_steps=many"),
        (["--flagfile=quickstart.flags", "--optimizer=lion"], "--optimizer must be one of adamw, adam, muon, sgd"),
        (["--flagfile=quickstart.flags", "--eval_num_patches=a"], "--eval_num_patches must be integers"),
        (["--flagfile=quickstart.flags", "file.png"], "Received: 'file.png'"),
        ([], "--workdir is missing"),
    ],
)
def test_a_wrong_call_is_one_line_and_status_2(arguments, message):
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("train.main: ")
    assert done.stderr.count("\n") == 1
    assert message in done.stderr


@pytest.fixture
def odd_data(tmp_path):
    """Returns the folder of a data set of twelve images, one of them with an odd EXIF tag."""
    folder, rng, entries = tmp_path / "data", np.random.default_rng(0), []
    folder.mkdir()
    for i in range(12):
        image, name = Image.fromarray(rng.integers(256, size=(24, 16), dtype=np.uint8)), f"{i}.png"
        image.save(folder / name)
        if i == 3:
            (folder / name).write_bytes(odd_exif(image))
        entries.append({"file": name, "label": ("red", "blue")[i % 2], "split": ("train", "validation", "test")[i % 3]})
    (folder / "annotations.json").write_text(json.dumps(entries))
    return folder


def test_a_run_from_its_flagfile_and_again_from_the_flags_it_wrote(odd_data, tmp_path):
    workdir = tmp_path / "run"
    small = [
        "--dataset=folder",
        f"--data_dir={odd_data}",
        "--model=coarse",
        "--train_steps=2",
        "--batch_size=4",
        "--replicas=2",
        "--eval_num_patches=1",
    ]
    done = run("--flagfile=quickstart.flags", f"--workdir={workdir}", *small)
    assert done.returncode == 0, done.stderr
    assert "(4 images;" in done.stdout
    assert "step 2/2  00:00:00 to go  " in done.stderr
    of_others = [line for line in done.stderr.splitlines() if not re.match(r"\d\d:\d\d:\d\d  \w", line)]
    assert of_others == []
    written = (workdir / "flags.txt").read_text()
    state = workdir / "checkpoints" / "checkpoint"
    state.write_bytes(state.read_bytes()[:20])  # cut off
    again = run(f"--flagfile={workdir / 'flags.txt'}")
    assert again.returncode == 0, again.stderr
    assert again.stdout == done.stdout
    assert "resuming at step 2 of 2" in again.stderr
    assert (workdir / "flags.txt").read_text() == written
    other = run(f"--flagfile={workdir / 'flags.txt'}", "--seed=5")
    assert other.returncode == 2
    assert "was begun with other flags: --seed=0. Received: --seed=5" in other.stderr.splitlines()[-1]


def test_the_configuration_is_printed_without_a_run(tmp_path):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = run("--flagfile=quickstart.flags", f"--workdir={tmp_path / 'run'}", "--hint_weight=1e-1", "--print_config")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1  # TensorFlow alone takes seconds
    config = json.loads(done.stdout)
    assert (config["hint_weight"], config["batch_size"], config["num_patches"]) == (0.1, 64, None)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("options", "goes_on"), [([], True), (["--restart"], False)])
def test_an_automatic_precision_is_the_processors_or_that_of_the_run_that_goes_on(tmp_path, options, goes_on):
    def dtype(*arguments):
        flags = [f"--workdir={tmp_path}", "--print_config", "--compute_dtype=auto", *arguments]
        return json.loads(run("--flagfile=quickstart.flags", *flags).stdout)["compute_dtype"]

    assert dtype() == fastest_dtype()
    other = "float32" if fastest_dtype() == "bfloat16" else "bfloat16"
    (tmp_path / "config.json").write_text(json.dumps({"compute_dtype": other}))
    assert dtype(*options) == (other if goes_on else fastest_dtype())
    assert dtype(*options, "--compute_dtype=float32") == "float32"


FLAGFILES = (
    *("svhn.flags", "svhn_scales.flags", "street_numbers.flags", "svhn_paper.flags"),
    *("cluttered_mnist.flags", "quickstart.flags"),
)


@pytest.mark.parametrize("name", FLAGFILES)
def test_every_flagfile_opens_with_its_card_and_is_understood(name, tmp_path):
    text = (ROOT / name).read_text()
    assert all(word in text for word in ("# Data ", "# Time ", "# Result ", "# Command "))
    done = run(f"--flagfile={name}", "--train_steps=0")  # the last flag to be checked after all were read
    assert "--train_steps must be at least 1. Received: 0" in done.stderr
