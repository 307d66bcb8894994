import pytest

from edge.arguments import OneLineParser, listed, number, number_of_threads
from edge.errors import UserError


@pytest.fixture
def parser():
    parser = OneLineParser(prog="python -m program")
    parser.add_argument("--count", type=number(1))
    parser.add_argument("--share", type=number(0, 1, float))
    parser.add_argument("--names", type=listed)
    parser.add_argument("--threads", type=number_of_threads, default=1)
    parser.add_argument("--out")
    parser.add_argument("paths", nargs="*")
    return parser


def test_arguments_have_their_types(parser):
    parsed = parser.parse_args(["--count=3", "--share=0.25", "--names=a,b,"])
    assert (parsed.count, parsed.share, parsed.names) == (3, 0.25, ["a", "b"])


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        (
            "--count=0",
            "argument --count: must be a whole number of at least 1, received 0; see python -m program --help",
        ),
        ("--count=1.5", "--count: must be a whole number of at least 1, received 1.5"),
        ("--share=1.5", "--share: must be a number from 0 to 1, received 1.5"),
        ("--share=nan", "--share: must be a number from 0 to 1, received nan"),
        ("--count=18446744073709551616", "--count: must be at most 1,000,000,000, received 1844674"),
        (f"--count=1{'0' * 21}", "--count: must be at most 1,000,000,000, received 1000"),
        ("--count=", "--count: must be a whole number of at least 1, received ;"),
        ("--count=inf", "--count: must be a whole number of at least 1, received inf"),
        (f"--count={'9' * 5000}", "--count: must be a whole number"),
        ("--share=inf", "--share: must be a number from 0 to 1, received inf"),
        ("--threads=0", "--threads: must be a whole number of at least 1, received 0"),
        ("--threads=100000", "--threads: must be at most 256, received 100000"),
        ("--out=", "out was given nothing; see python -m program --help"),
        ("", "paths was given nothing"),
        ("--names=", "--names: must be words joined by commas, received ''"),
        ("--names=,", "--names: must be words joined by commas, received ','"),
        ("--size=1", "unrecognized arguments: --size=1"),
    ],
)
def test_wrong_arguments_are_one_line(parser, argument, message):
    with pytest.raises(UserError, match=message):
        parser.parse_args([argument])
