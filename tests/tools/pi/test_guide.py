import importlib.util
import re
import shlex
from pathlib import Path

import pytest

import dcn_tf
from edge.errors import UserError
from tools.pi.check import DEVICE, GUIDE, SECTION, WORKSTATION
from tools.pi.guide import Block, blocks, commands

ROOT = Path(__file__).parents[3]
MARKDOWN = """# Title

## One

First, like
this:

```
# no heading
a
b
```

### Inner

Text.

Then:

```python
c
```

## Two

```
d
```
"""


def test_the_blocks_of_a_section_and_what_stands_before_them():
    assert blocks(MARKDOWN, "One") == [Block("First, like this:", "# no heading\na\nb\n"), Block("Then:", "c\n")]
    assert blocks(MARKDOWN, "Inner") == [Block("Then:", "c\n")]
    assert blocks(MARKDOWN, "Two") == [Block("", "d\n")]
    assert commands(MARKDOWN, "One", "First") == "# no heading\na\nb\n"


@pytest.mark.parametrize(
    ("section", "introduction", "message"),
    [("Three", "x", "there is no section 'Three'"), ("One", "x", "it has 0"), ("One", "", "it has 2")],
)
def test_what_is_missing_is_told(section, introduction, message):
    with pytest.raises(UserError, match=message):
        commands(MARKDOWN, section, introduction)


def test_the_guides_commands_for_a_raspberry_pi():
    markdown = (ROOT / GUIDE).read_text()
    here, there = (commands(markdown, SECTION, introduction) for introduction in (WORKSTATION, DEVICE))
    *_, copy = here.splitlines()
    program, option, *files, destination = shlex.split(copy)
    assert (program, option, destination) == ("scp", "-r", "pi@raspberrypi.local:")
    assert all((ROOT / file).exists() for file in files if not file.startswith("dist/"))
    copied = {Path(file).name for file in files}
    used = {word.removeprefix("--bundle=") for line in there.splitlines() for word in shlex.split(line)[2:]}
    assert copied <= used
    for module in re.findall(r"-m ([a-z_.]+)", there):
        assert importlib.util.find_spec(module)


def test_the_version_in_the_documents_is_this_one():
    for name in (GUIDE, "BUILD.md"):
        assert set(re.findall(r"dcn_tf-([\d.]+\d)\.tar", (ROOT / name).read_text())) == {dcn_tf.__version__}
