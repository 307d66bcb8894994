import pytest

from edge.errors import UserError, WorkError
from tools.command import telling_full_disks


class OpError(Exception):
    """As TensorFlow raises it: the text alone says that the disk is full."""


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (
            OpError("x_temp/part: No space left on device\n[Op:SaveV2]"),
            WorkError,
            "the disk is full: x_temp/part: .*; make room",
        ),
        (OSError(28, "No space left on device", "a.json"), WorkError, "the disk is full: .*a.json"),
        (UserError("No space left on device"), UserError, "^No space left on device$"),
        (OSError(13, "Permission denied"), OSError, "Permission denied"),
        (ValueError("wrong"), ValueError, "wrong"),
    ],
)
def test_a_full_disk_is_one_line_whatever_library_says_it(error, kind, message):
    def main(arguments):
        raise error

    with pytest.raises(kind, match=message) as caught:
        telling_full_disks(main)([])
    if kind is WorkError:
        assert "\n" not in str(caught.value)


def test_the_status_is_passed_on():
    assert telling_full_disks(lambda arguments: arguments)([1]) == [1]
