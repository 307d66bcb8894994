import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from train.errors import UserError
from train.flag_checks import check_flagfiles
from train.main import prepare_tensorflow

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from absl import flags
from train import command, main
main.define_flags()
flags.DEFINE_boolean("print_config", False, "")
flags.DEFINE_boolean("restart", False, "")
sys.modules["tensorflow"] = None  # an import of it fails
for argument in {arguments!r}:
    try:
        sys.argv = ["x", "--dataset=cluttered_digits", "--workdir={workdir}", *argument.split()]
        flags.FLAGS.unparse_flags()
        for name in list(flags.FLAGS):
            flags.FLAGS[name].unparse()
        command.run("train.main", main.main)
    except SystemExit as error:
        print(error.code)
"""
NUMBERS = ("train_steps", "batch_size", "seed", "learning_rate", "distortion", "looseness", "hint_weight", "skip_bad")
VALUES = ("inf", "-inf", "nan", "18446744073709551616", "1" + "0" * 21, "1e21", "", "9" * 5000)


def test_wrong_numbers_are_one_line_before_tensorflow_is_imported(tmp_path):
    arguments = [f"--{name}={value}" for name in NUMBERS for value in VALUES]
    arguments += ["--eval_num_patches=", "--eval_scales=inf", "--num_patches=9999", "--batch_size=99999"]
    program = PROGRAM.format(arguments=arguments, workdir=tmp_path / "run")
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["2"] * len(arguments), done.stdout + done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == len(arguments)
    for argument, line in zip(arguments, lines):
        assert argument.partition("=")[0].strip("-") in line
        assert len(line) < 620
    assert time.monotonic() - begun < 30
    assert not (tmp_path / "run").exists()


FOLDER = "--dataset=folder --preset=svhn --coarse_weight=1 --data_dir=/nowhere/at/all"
WRONG = {
    "--dataset=mnits": "--dataset must be one of cluttered_digits, ",
    "--fallback_dataset=nope": "--fallback_dataset must be one of ",
    "--dataset=cluttered_digits,cluttered_digits": "must name a data set once",
    "--dataset=cluttered_digits,svhn --batch_size=1": "--batch_size must be at least 2",
    "--preset=svhn --coarse_weight=1": "--dataset=cluttered_digits holds 100 x 100 images",
    "--dataset=svhn": "--dataset=svhn holds grey photographs of numbers",
    "--dataset=street_numbers": "--dataset=street_numbers holds grey images",
    "--dataset=street_numbers --preset=numbers --training=modular --negatives=/nowhere.npz": "--negatives must be",
    FOLDER: "--data_dir does not exist. Received: /nowhere/at/all",
    "--eval_data_dir=/nowhere": "--eval_data_dir is for numbers",
    "--init_from=/nowhere": "--init_from must be a workdir or a .keras file. Received: /nowhere, which is neither",
    "--teacher=/nowhere": "--teacher must be a workdir or a .keras file. Received: /nowhere, which is neither",
    "--teacher={folder}": "--teacher found no model.keras. Received: ",
    "--temperature=0": "--temperature must be at least 0.1. Received: 0.0",
    "--init_from={folder}": "--init_from found neither model.keras nor a checkpoint",
    "--eval=half": "--eval must be one of quick, full. Received: 'half'",
}


def test_what_the_data_can_not_be_is_one_line_before_tensorflow_is_imported(tmp_path):
    workdir = tmp_path / "run"
    arguments = [argument.format(folder=tmp_path) for argument in WRONG]
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "config.json").write_text(json.dumps({"seed": 5}))
    arguments.append(f"--workdir={tmp_path / 'begun'}")
    program = PROGRAM.format(arguments=arguments, workdir=workdir)
    environment = {name: value for name, value in os.environ.items() if name != "DCN_DATA_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, env=environment
    )
    assert done.stdout.split() == ["2"] * len(arguments), done.stdout + done.stderr
    for message, line in zip([*WRONG.values(), "was begun with other flags: "], done.stderr.splitlines(), strict=True):
        assert message in line
    assert not workdir.exists()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "latin-1"])
def test_flagfiles_are_plain_text(tmp_path, encoding):
    path = tmp_path / "a.flags"
    path.write_bytes("--workdir=türe\n".encode(encoding))
    outer = tmp_path / "outer.flags"
    outer.write_text(f"# a comment\n--flagfile={path}\n", encoding="utf-8")
    for arguments in ([f"--flagfile={path}"], ["--flagfile", str(path)], [f"-flagfile={outer}"]):
        with pytest.raises(UserError, match=r"--flagfile must be text in UTF-8.* Received: .*a\.flags"):
            check_flagfiles(arguments)
    path.write_bytes("--workdir=türe\n".encode())
    check_flagfiles([f"--flagfile={outer}", "--seed=1"])


def test_flagfiles_are_files_of_bounded_size(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    large, circle = tmp_path / "large", tmp_path / "circle"
    large.write_bytes(b"#" * (2**20 + 1))
    circle.write_text(f"--flagfile={circle}\n")
    for path, message in (
        (tmp_path / "fifo", "it is a FIFO"),
        ("/dev/zero", "it is a device"),
        (large, "more than 1 MB"),
        (circle, "more than 100 others"),
        (tmp_path / "missing", "can't be read"),
    ):
        with pytest.raises(UserError, match=message):
            check_flagfiles([f"--flagfile={path}"])


@pytest.mark.parametrize("name", ["TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"])
@pytest.mark.parametrize("value", ["100000", "-1", "many", "1" + "0" * 21])
def test_so_many_threads_are_refused_before_tensorflow_makes_them(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=f"{name} must be from 0 to 1024. Received: {value}; unset it"):
        prepare_tensorflow()
