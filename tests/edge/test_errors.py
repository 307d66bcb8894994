import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge.errors import UserError, WorkError, one_line, run_main

ROOT = Path(__file__).parents[2]


def status_of(main):
    with pytest.raises(SystemExit) as exit_info:
        run_main(main)
    return exit_info.value.code


def test_a_user_error_is_one_line_and_status_2(capsys):
    def main():
        raise UserError("k is\nwrong")

    assert status_of(main) == 2
    assert capsys.readouterr().err == "error: k is wrong\n"


def test_the_status_is_what_main_returns():
    assert status_of(lambda: None) == 0
    assert status_of(lambda: 1) == 1


@pytest.mark.parametrize("error", [WorkError("the camera is gone"), OSError("disk full\n")])
def test_work_that_failed_is_one_line_and_status_1(error, capsys):
    def main():
        raise error

    assert status_of(main) == 1
    assert capsys.readouterr().err == f"error: {str(error).strip()}\n"


def test_a_signal_ends_quietly(capsys):
    before = signal.getsignal(signal.SIGTERM)
    for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        assert status_of(lambda number=number: os.kill(os.getpid(), number)) == status
    assert capsys.readouterr() == ("", "")
    assert signal.getsignal(signal.SIGTERM) == before


def test_what_is_no_text_is_printed_all_the_same(capsys):
    assert status_of(lambda: print("a\udcff\ud800")) == 0
    assert capsys.readouterr().out == "a\\udcff\\ud800\n"


FULL = "the disk is full; make room where the output goes. What was there is as it was\n"


def test_a_full_disk_is_told_with_its_file_where_that_is_known(capsys):
    def main():
        raise OSError(28, "No space left on device", "a.png")

    assert status_of(main) == 1
    assert capsys.readouterr().err == f"error: a.png: {FULL}"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_one_line_and_status_1():
    program = "from edge.errors import run_main; run_main(print, 'x')"
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"error: {FULL}")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams_are_no_error(closed):
    program = "from edge.errors import run_main; run_main(print, 'x')"
    done = subprocess.run(f'{sys.executable} -c "{program}" {closed}', shell=True, cwd=ROOT, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


def test_other_errors_are_not_hidden():
    with pytest.raises(ZeroDivisionError):
        run_main(lambda: 1 / 0)


def test_one_line():
    assert one_line(ValueError("a\n  b")) == "a b"
    assert one_line(ValueError()) == "ValueError"
    assert len(one_line(ValueError("x" * 999))) == 300
