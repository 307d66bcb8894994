import pytest

from edge.serving.meter import Meter


def published(meter, readings):
    """Returns (reading, state) each time that something is published."""
    return [(meter.reading, meter.state) for reading in readings if meter.note(reading, 0.9)]


def test_a_reading_is_published_once_when_it_stays():
    meter = Meter(stable=2)
    assert published(meter, ["12", "12", "12", "13", "12", "13"]) == [("12", "reading"), ("13", "reading")]
    assert meter.probability == 0.9


def test_nothing_to_read_keeps_the_reading():
    assert published(Meter(stable=1), ["", "12", "", "", "12"]) == [
        ("12", "reading"),
        ("12", "nothing to read"),
        ("12", "reading"),
    ]


@pytest.mark.parametrize(
    ("arguments", "second", "state"),
    [
        ({"monotonic": True}, "0099", "refused: 0099 is less than 0100"),
        ({"max_step": 5}, "0106", "refused: 0106 is 6 from 0100, more than 5"),
        ({"max_step": 5}, "0094", "refused: 0094 is 6 from 0100, more than 5"),
        ({"monotonic": True}, "A1", "refused: A1 is not a number"),
        ({"monotonic": True, "max_step": 5}, "0105", "reading"),
        ({"max_step": 5}, "0095", "reading"),
        ({}, "7", "reading"),
    ],
)
def test_a_meter_does_not_fall_or_leap(arguments, second, state):
    meter = Meter(1, **arguments)
    assert published(meter, ["0100", second])[1] == (second if state == "reading" else "0100", state)


def test_what_was_forgotten_is_not_compared_with():
    meter = Meter(1, monotonic=True)
    published(meter, ["900"])
    meter.forget()
    assert published(meter, ["100"]) == [("100", "reading")]
