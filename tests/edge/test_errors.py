import pytest

from edge.errors import UserError, one_line, run_main


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


def test_other_errors_are_not_hidden():
    with pytest.raises(ZeroDivisionError):
        run_main(lambda: 1 / 0)


def test_one_line():
    assert one_line(ValueError("a\n  b")) == "a b"
    assert one_line(ValueError()) == "ValueError"
    assert len(one_line(ValueError("x" * 999))) == 300
