import json
import shutil
import sys
from pathlib import Path

import pytest

from edge.errors import UserError, WorkError, run_main
from tools.pi import check, machine

MODELS = Path(__file__).parents[3] / "models"


@pytest.fixture
def environment(tmp_path):
    """The environment of these tests, by another name."""
    folder = tmp_path / "environment"
    (folder / "bin").mkdir(parents=True)
    program = folder / "bin" / "python"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    program.chmod(0o755)
    return folder


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for name in "12":
        shutil.copy(MODELS / "samples" / f"{name}.png", folder)
    return folder


@pytest.fixture
def emulated(monkeypatch):
    """What was run in the machine, which answers what this one answers, changed by `change`."""

    class Emulated:
        def __init__(self):
            self.commands, self.change = (), {}

        def run(self, core, home, *command):
            self.commands += ((core, *command),)
            if command[0] == "bash":
                return ""
            assert (home / "bundle" / "manifest.json").exists()
            output = check._run_here(
                sys.executable, *command[1:3], f"--bundle={home / 'bundle'}", home / "images", *command[5:]
            )
            lines = [json.loads(line) for line in output.splitlines()]
            return "\n".join(json.dumps(line | self.change) for line in lines)

    emulated = Emulated()
    monkeypatch.setattr(machine, "run", emulated.run)
    monkeypatch.setattr(check, "follow_guide", lambda home: None)
    return emulated


@pytest.mark.parametrize(("change", "status"), [({}, 0), ({"probability": 0.5}, 1)])
def test_what_is_read_in_the_machine_is_compared(environment, images, emulated, tmp_path, capsys, change, status):
    emulated.change = change
    arguments = [f"--environment=edge={environment}", f"--images={images}", f"--work={tmp_path / 'work'}"]
    assert check.main(arguments) == status
    *_, a72, a76 = (line.split() for line in capsys.readouterr().out.splitlines())
    assert (a72[:5], a76[:5]) == (["edge", "a72", "2", "2", "2"], ["edge", "a76", "2", "2", "2"])
    assert (a76[5] == "0.000000") is (status == 0)
    assert [command[:4] for command in emulated.commands] == [
        (core, "dcn/bin/python", "-m", "edge.run") for core in ("a72", "a76")
    ]
    assert len((tmp_path / "work" / "edge_a76.jsonl").read_text().splitlines()) == 2


def test_another_extra_gets_an_environment_of_its_own(environment, images, emulated, tmp_path):
    check.check(images, {"edge-tflite": environment}, tmp_path / "work", MODELS / "cluttered_mnist")
    installing, first, second = emulated.commands
    assert "dcn-edge-tflite/bin/pip install -r requirements-edge-tflite.lock\n" in installing[-1]
    assert (first[1], second[1]) == ("dcn-edge-tflite/bin/python",) * 2
    assert (tmp_path / "work" / "home" / "requirements-edge-tflite.lock").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--images=x"], "--environment"),
        (["--images=x", "--environment=edge"], "--environment must be EXTRA=FOLDER"),
        (["--images=x", "--environment=edge=nowhere"], "received 'edge=nowhere'"),
    ],
)
def test_wrong_arguments_are_one_line_and_status_2(arguments, message, capsys):
    with pytest.raises(SystemExit) as exit_info:
        run_main(check.main, arguments)
    error = capsys.readouterr().err
    assert (exit_info.value.code, error.count("\n")) == (2, 1)
    assert message in error


def test_the_guide_is_followed_to_the_letter(tmp_path, monkeypatch, capsys):
    guide = tmp_path / "source" / check.GUIDE
    guide.parent.mkdir(parents=True)
    guide.write_text(
        "## On a Raspberry Pi\n\nOn the workstation, here:\n\n"
        "```\nmkdir a\necho text > a/f\nscp -r a docs pi@x:\n```\n\n"
        "On the Raspberry Pi, there:\n\n```\ncat a/f\n```\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setattr(check, "ROOT", tmp_path / "source")
    monkeypatch.setattr(machine, "run", lambda core, home, *command: machine.output_of(command, cwd=home))
    check.follow_guide(home)
    assert capsys.readouterr().out.splitlines()[-1] == "text"
    assert (home / check.GUIDE).exists()
    monkeypatch.setattr(check, "commands", lambda *_: "false\n")
    with pytest.raises(WorkError, match="ended with status 1"):
        check.follow_guide(home)


def test_images_that_are_not_there_are_told_before_the_work_begins(environment, tmp_path):
    with pytest.raises(UserError, match="--images must be a folder of images, received .*none"):
        check.main([f"--environment=edge={environment}", f"--images={tmp_path / 'none'}"])
