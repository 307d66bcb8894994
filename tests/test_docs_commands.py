"""The commands that `make docs-test` makes of a document; none is run here."""

import json
import sys
import time

import docs_commands
import docs_data
import pytest
from docs_commands import Command, found_in, reason_to_skip
from PIL import Image

from train.data.semi_real import has_place

PAGE = """# Page

```
python3 -m train.main --data_dir=MNIST   # long
.venv/bin/python -m edge.run --bundle=BUNDLE --json
```

```python
import json
json.dumps(1)
```

```json
{}
```

Say `make sdist`.
"""


def test_commands_are_short_and_their_placeholders_data(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    train, read, snippet, make = found_in(page, {"MNIST": "/data", "BUNDLE": "models/one"})
    assert (train.where, train.written) == ("page.md:4", "python3 -m train.main --data_dir=MNIST")
    assert train.run[-1] == f"python -m train.main --data_dir=/data {docs_commands.TRAINING}"
    assert read.run == ["bash", "-e", "-o", "pipefail", "-c", "python -m edge.run --bundle=models/one --json"]
    assert snippet.run == [sys.executable, "-c", "import json\njson.dumps(1)\n"]
    assert make.run[-1].startswith(f"make VENV={sys.prefix} -o {sys.prefix}/installed ARGS='--train_steps=2 ")
    assert make.run[-1].endswith(" sdist")


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("sudo apt install gcc", "it is for a Raspberry Pi; make pi-test"),
        ("~/dcn/bin/python -m edge.run --camera=opencv", "it is for a Raspberry Pi; make pi-test"),
        ("sudo chmod a+r /sys/x", "it needs root"),
        ("python -m edge.run --camera=auto", "it needs a camera"),
        ("pip install '.[edge]'", "it makes or changes an environment"),
        ("make test TESTS=tests/edge", "it is the tests themselves"),
        ("make fuzz CASES=10", "it takes hours"),
        ("make audit", "it needs the advisory base"),
        ("make sdist", None),
        ("python -m edge.run --bundle=models/one images", None),
    ],
)
def test_what_cannot_run_here_is_skipped_with_a_reason(written, reason):
    assert reason_to_skip(Command("page.md:1", written, [])) == reason


def test_a_command_that_fails_is_told(tmp_path, capsys):
    assert docs_commands._run(Command("a:1", "x", ["bash", "-c", "echo fine"]), tmp_path, {"PATH": "/usr/bin:/bin"})
    assert not docs_commands._run(Command("a:2", "y", ["bash", "-c", "echo bad; exit 3"]), tmp_path, {"PATH": "/bin"})
    fine, failed, status, command, output = capsys.readouterr().out.splitlines()[:5]
    assert (fine[:6], fine[-6:]) == ("ok    ", "a:1: x")
    assert (failed[:6], failed[-6:]) == ("FAILED", "a:2: y")
    assert (status, command, output) == ("status 3", "echo bad; exit 3", "bad")


def test_a_command_that_takes_too_long_is_ended_with_what_it_began(tmp_path, monkeypatch):
    monkeypatch.setattr(docs_commands, "LONGEST", 0.3)
    begun = time.monotonic()
    assert not docs_commands._run(Command("a:1", "x", ["bash", "-c", "sleep 60 & wait"]), tmp_path, {"PATH": "/bin"})
    assert time.monotonic() - begun < 30  # what holds the pipe has ended too


def test_sweeps_are_left_with_one_short_run(tmp_path):
    sweep = {"results": "results/s", "variants": {"a": {"seeds": [4, 5], "flags": ["--x=1"]}, "b": {}}}
    (tmp_path / "s.json").write_text(json.dumps(sweep))
    docs_data.shorten_sweeps(tmp_path, ["--train_steps=2"])
    assert json.loads((tmp_path / "s.json").read_text()) == {
        "results": "results/short_s",
        "variants": {"a": {"seeds": [4], "flags": ["--x=1", "--train_steps=2"]}},
    }


def test_a_folder_of_ones_own_has_every_split(tmp_path):
    folder = docs_data.numbers(tmp_path / "numbers")
    entries = json.loads((folder / "annotations.json").read_text())
    assert {entry["split"] for entry in entries} == {"train", "validation", "test"}
    assert (entries[3]["file"], entries[3]["label"], entries[3]["split"]) == ("3.png", [2, 2], "validation")
    assert all(has_place(entry) for entry in entries)
    with Image.open(folder / "3.png") as image:
        assert image.size == (68, 48)
        assert image.convert("L").getextrema() == (0, 255)


def test_a_folder_of_classes_has_images_in_colour(tmp_path):
    folder = docs_data.classes(tmp_path / "classes", count=3)
    assert sorted(path.name for path in folder.iterdir()) == ["disc", "square"]
    with Image.open(folder / "square" / "2.png") as image:
        assert image.size == (96, 64)
        assert max(image.getcolors(64 * 96)) == (32 * 32, (255, 16, 0))
