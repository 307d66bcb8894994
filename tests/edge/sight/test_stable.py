from edge.sight.stable import StableReadings


def told(count, readings):
    """Returns the numbers of the frames whose reading is told."""
    stable = StableReadings(count)
    return [number for number, reading in enumerate(readings) if stable.is_new(reading)]


def test_a_reading_is_told_once_when_enough_frames_have_it():
    assert told(3, ["", "12", "12", "", "12", "12", "12"]) == [4]


def test_frames_that_are_long_gone_do_not_count():
    assert told(2, ["7", "", "", "7", "", "7"]) == [5]


def test_another_reading_and_nothing_are_told_in_their_turn():
    assert told(2, ["7", "7", "8", "8", "", "", "8", "8"]) == [1, 3, 5, 7]


def test_one_frame_is_enough_where_that_is_asked_for():
    assert told(1, ["", "7", "7", "", "7"]) == [1, 3, 4]
