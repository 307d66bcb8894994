import os

from train.quiet import quiet


def test_nothing_is_written_within_and_everything_after(capfd):
    with quiet():
        os.write(2, b"from native code\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_an_error_within_is_told_after(capfd):
    try:
        with quiet():
            raise ValueError
    except ValueError:
        os.write(2, b"told\n")
    assert capfd.readouterr().err == "told\n"
