import os
import shutil
import subprocess

import pytest

from edge.errors import UserError, WorkError
from tools.pi import machine
from tools.pi.classes import CLASSES


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Returns a function that puts a shell script in the place of emulated_pi.sh."""

    def write(text):
        path = tmp_path / "emulated.sh"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        monkeypatch.setattr(machine, "SCRIPT", path)

    return write


def emulated(*arguments, **options):
    environment = os.environ | {"PI_ROOT": "/nonexistent"}
    return subprocess.run([machine.SCRIPT, *arguments], env=environment, capture_output=True, text=True, **options)


def test_the_output_of_a_command_in_the_machine(script, tmp_path):
    script('echo "$PI_HOME: $*"')
    assert machine.run("a72", tmp_path, "ls", "a b") == f"{tmp_path}: run a72 ls a b\n"


@pytest.mark.parametrize(("status", "error"), [(2, UserError), (1, WorkError), (127, WorkError)])
def test_what_goes_wrong_in_it_is_its_last_line(script, tmp_path, status, error):
    script(f"echo warning >&2; echo error: no such bundle >&2; exit {status}")
    with pytest.raises(error, match="^no such bundle$"):
        machine.run("a72", tmp_path, "x")
    script(f"echo error: no such bundle >&2; echo instructions: 12 >&2; exit {status}")
    with pytest.raises(error, match="^no such bundle$"):
        machine.count("a72", tmp_path, "x")


def test_instructions_are_read(script, tmp_path):
    script('echo "$*"; echo a warning >&2; echo instructions: 1234567890123 >&2')
    assert machine.count("a76", tmp_path, "-m", "x") == 1234567890123


def test_the_script_says_how_it_is_used():
    done = emulated()
    assert done.returncode == 2
    assert [line.split()[:2] for line in done.stderr.splitlines()[:3]] == [
        ["emulated_pi.sh", name] for name in ("setup", "run", "count")
    ]


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_a_machine_that_is_not_there_is_told():
    done = emulated("run", "a72", "ls")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "there is no emulated machine in /nonexistent/bookworm/root; run " in done.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to give it up")
def test_without_root_it_is_one_line():
    nobody = {"user": 65534, "group": 65534, "cwd": "/"}  # who may not be able to read the script where it lies
    command = ["bash", "-s", "setup"]
    done = subprocess.run(command, input=machine.SCRIPT.read_text(), capture_output=True, text=True, **nobody)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "needs root" in done.stderr


def test_classes_of_instructions_are_read(script, tmp_path):
    lines = " ".join(f"'instructions of {name}: {number}'" for number, name in enumerate(CLASSES))
    script(f"printf '%s\\n' warning {lines} 'instructions: 21' >&2")
    assert machine.count_classes("a72", tmp_path, "x") == {name: number for number, name in enumerate(CLASSES)}
    assert machine.count("a72", tmp_path, "x") == 21


WORDS = {  # A64 instructions, as an assembler encodes them
    "vector_load": (0x3DC00000, 0xAD400400, 0x4C407000, 0x1C000000),  # ldr q0,[x0]; ldp q0,q1,[x0]; ld1; ldr s0,literal
    "vector_store": (0x3D800000, 0xAD000400, 0x4C007000),  # str q0,[x0]; stp q0,q1,[x0]; st1
    "vector": (0x4E21CC00, 0x0E218000, 0x1E212800),  # fmla v0.4s; smlal v0.8h; fadd s0
    "load": (0xF9400000, 0xA9400400, 0x39800000, 0x58000000),  # ldr x0; ldp x0,x1; ldrsb x0; ldr x0,literal
    "store": (0xF9000000, 0xA9000400, 0x39000000),  # str x0; stp x0,x1; strb w0
    "branch": (0x14000000, 0x54000000, 0xD65F03C0),  # b; b.eq; ret
    "scalar": (0x91000400, 0x8B010000, 0x9B017C00),  # add x0,x0,#1; add x0,x0,x1; mul
}


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
def test_classes_are_those_of_the_encoding(tmp_path):
    source = machine.SCRIPT.with_name("instructions.c")
    names = ", ".join(f"0x{word:08X}u" for words in WORDS.values() for word in words)
    program = f'#include "{source}"\nint main(void) {{ const uint32_t words[] = {{{names}}};\n'
    program += "for (size_t i = 0; i < sizeof words / 4; i++) puts(NAMES[class_of(words[i])]); return 0; }\n"
    (tmp_path / "main.c").write_text(program)
    options = ["-ffunction-sections", "-Wl,--gc-sections", "-o", tmp_path / "main"]
    subprocess.run(["gcc", tmp_path / "main.c", *options], check=True)
    found = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True).stdout.split()
    assert found == [name for name, words in WORDS.items() for _ in words]
