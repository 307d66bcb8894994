"""Whatever a flagfile holds, absl reads it or one line says why not."""

from absl import flags
from hypothesis import given
from hypothesis import strategies as st
from mutations import damaged

from train.errors import UserError
from train.flag_checks import check_flagfiles, check_numbers

WHOLE = b"# a card\n--steps=3\n--rate=0.5\n--names=a,b\n--noquick\n\n--flagfile=other.flags\n"
TEXTS = [WHOLE, WHOLE.decode().encode("utf-16"), WHOLE.decode().encode("utf-8-sig"), "--names=ü\n".encode("latin-1")]


def values():
    found = flags.FlagValues()
    flags.DEFINE_integer("steps", 1, "", flag_values=found)
    flags.DEFINE_float("rate", 1.0, "", flag_values=found)
    flags.DEFINE_list("names", [], "", flag_values=found)
    flags.DEFINE_boolean("quick", True, "", flag_values=found)
    return found


def read(arguments):
    """Returns the flags as a command does; None where one line says what is wrong."""
    found = values()
    try:
        check_flagfiles(arguments)
        found(["program", *arguments])
        check_numbers(found)
    except (UserError, flags.Error):
        return None
    return found


@given(content=st.one_of(st.sampled_from(TEXTS).flatmap(damaged), st.binary(max_size=40)))
def test_flagfiles(place, content):
    path = place / "a.flags"
    path.write_bytes(content.replace(b"other.flags", str(path).encode()) if b"circle" in content else content)
    found = read([f"--flagfile={path}"])
    if found:
        assert abs(found.steps) <= 2**53
        assert abs(found.rate) <= 2**53


@given(text=st.one_of(st.text(max_size=20), st.floats().map(str), st.integers().map(str)))
def test_values_of_flags(text):
    found = read([f"--steps={text}", f"--rate={text}"])
    if found:
        assert (float(found.steps), found.rate) == (float(text), float(text))
