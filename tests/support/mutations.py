"""Damage, as hypothesis strategies: to the bytes of a file, and to the values of what JSON holds."""

import copy

from hypothesis import strategies as st

WORDS = [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\1\0\0\0"]
ODD_NUMBERS = st.sampled_from([0, -1, 1.5, 2**31, 2**63, 2**64, 10**21, -(10**21), 1e308, float("nan"), float("inf")])
ODD_TEXT = st.sampled_from(["", "\0", "\ud800", "../x", "/etc/passwd", "a" * 5000, "²", "\n", "test"])
ODD = st.one_of(ODD_NUMBERS, ODD_TEXT, st.none(), st.booleans(), st.just([]), st.just({}), st.just([[[]]]), st.text())


@st.composite
def damaged(draw, whole: bytes) -> bytes:
    """Bytes with some of them changed, cut off, left out, repeated or added."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(["flip", "set", "cut", "drop", "repeat", "add"]))
        if kind == "flip" and at < len(data):
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "set":
            data[at : at + 4] = draw(st.sampled_from(WORDS))
        elif kind == "cut" and draw(st.booleans()):
            del data[at:]
        elif kind == "drop":
            del data[at : at + draw(st.integers(1, 16))]
        elif kind == "repeat":
            data[at:at] = data[at : at + draw(st.integers(1, 64))]
        elif kind == "add":
            data[at:at] = draw(st.binary(max_size=8))
    return bytes(data)


@st.composite
def changed(draw, content):
    """A copy of a JSON value in which some values are odd, gone, or there twice."""
    content = copy.deepcopy(content)
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(content))
        if not places:
            break
        parent, key = draw(st.sampled_from(places))
        kind = draw(st.sampled_from(["set", "set", "set", "drop", "wrap"]))
        if kind == "set":
            parent[key] = copy.deepcopy(draw(ODD))
        elif kind == "drop":
            del parent[key]
        else:
            parent[key] = [parent[key]]
    return content


def _places(value):
    """Yields (parent, key) of every value within another."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items):
        yield value, key
        yield from _places(inner)


def in_one_line(call, *errors):
    """Returns what a call gives; None where it ends in one of the errors, whose message must be one line."""
    try:
        return call()
    except errors as error:
        message = str(error)
    assert len(message.splitlines()) == 1
    return None
