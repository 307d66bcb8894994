import datetime

import pytest
from simulated_time import SimulatedTime

from edge.energy.csv_file import CsvMeter, read_samples, seconds
from edge.errors import UserError

BEGIN = 1_700_000_000  # 2023-11-14T22:13:20 UTC; where simulated time begins


@pytest.fixture
def time():
    return SimulatedTime(since_1970=BEGIN)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "power.csv"


def write(file, rows, header="time,watts", end="\n"):
    file.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + end)


def read(file, time, length=10.0):
    """Returns the reading over `length` seconds from the beginning of simulated time."""
    write_later = file.read_text()
    meter = CsvMeter(file, time)
    meter.start()
    time.sleep(length)
    file.write_text(write_later)
    return meter.stop()


@pytest.mark.parametrize(
    "text",
    ["2023-11-14T22:13:20.25Z", "2023-11-14 22:13:20.250+00:00", "2023-11-14T23:13:20,25+0100", "1700000000.25",
     "2023-11-14T17:13:20.2500000-05", " 1.70000000025e9 "],
)  # fmt: skip
def test_ways_to_write_a_time(text):
    assert seconds(text) == BEGIN + 0.25


def test_a_time_without_an_offset_is_local():
    local = datetime.datetime.fromtimestamp(BEGIN)
    assert seconds(local.isoformat() + ".5") == BEGIN + 0.5


@pytest.mark.parametrize("text", ["", "0.5", "12:00:00", "2023-13-40T00:00:00Z", "nan", "inf", "1700000000250", "x"])
def test_what_is_no_time_since_1970(text):
    with pytest.raises(ValueError):  # noqa: PT011  of float, datetime or its own
        seconds(text)


def test_watts_are_integrated(file, time):
    write(file, [(BEGIN - 2 + i / 4, 3 + i % 2) for i in range(100)])
    meter_reading = read(file, time)
    assert meter_reading.joules == pytest.approx(3.5 * 10)
    assert (meter_reading.samples, meter_reading.ignored, meter_reading.valid) == (41, 0, True)


def test_volts_amperes_milliseconds_and_other_columns(file, time):
    rows = [((BEGIN + i) * 1000, "x", 5.0, 0.5) for i in range(-1, 13)]
    write(file, rows, header="Time_ms, note ,volts,amperes")
    assert read(file, time).joules == pytest.approx(25)


def test_bad_lines_are_counted_and_skipped(file, time):
    rows = [(BEGIN + i / 4, 2.0 + i % 2 * 1e-6) for i in range(-8, 60)]
    for at, bad in [(50, ("", "")), (40, ("abc", 1)), (30, (BEGIN, "nan")), (25, ('"', 1)), (20, (BEGIN + 1,)),
                    (15, rows[10]), (14, (BEGIN - 1, 900))]:  # fmt: skip
        rows.insert(at, bad)
    reading = read(file, time) if write(file, rows) is None else None
    assert reading.joules == pytest.approx(20, rel=1e-5)
    assert (reading.ignored, reading.valid) == (7, True)


def test_a_gap_is_not_integrated(file, time):
    write(file, [(BEGIN + i / 4, 2.0 + i % 2 * 1e-6) for i in range(-8, 60) if not 8 < i < 20])
    reading = read(file, time)
    assert (reading.joules, reading.why_not) == (None, "no sample of power for 3.00 s, where 1 s are allowed")


def test_a_leap_forward_does_not_pass_for_samples(file, time):
    rows = [(BEGIN + i / 4, 2.0 + i % 2 * 1e-6) for i in range(-8, 60)]
    rows.insert(20, (BEGIN + 3600, 2.0))
    write(file, rows)
    reading = read(file, time)
    assert reading.joules is None
    assert reading.ignored == 48


def test_another_clock(file, time):
    write(file, [(BEGIN + 3600 + i / 4, 2.0) for i in range(100)])
    assert read(file, time).why_not == "no sample of power lies in the run"


def test_it_waits_for_a_file_that_lags(file, time):
    rows = [(BEGIN + i / 4, 2.0 + i % 2 * 1e-6) for i in range(-8, 33)]
    write(file, rows)
    meter = CsvMeter(file, time)
    meter.start()
    time.sleep(10)
    late = time.every(
        1.0,
        lambda: write(file, [(BEGIN + i / 4, 2.0 + i % 2 * 1e-6) for i in range(-8, int(4 * (time.now - 1000)) - 7)]),
    )
    reading = meter.stop()
    late()
    assert reading.joules == pytest.approx(20, rel=1e-5)
    assert (reading.seconds, reading.valid) == (10, True)
    assert time.now == 1012


def test_a_line_that_is_being_written_is_left_for_later(file):
    write(file, [(BEGIN, 2.0), (BEGIN + 1, 2.5)], end="")
    assert read_samples(file) == ([BEGIN], [2.0], 0)
    write(file, [(BEGIN, 2.0), (BEGIN + 1, 2.5)])
    assert read_samples(file) == ([BEGIN, BEGIN + 1], [2.0, 2.5], 0)


def test_a_file_that_stays_behind(file, time):
    write(file, [(BEGIN + i / 4, 2.0 + i % 2 * 1e-6) for i in range(-8, 33)])
    reading = read(file, time)
    assert (reading.joules, reading.why_not) == (None, "no sample of power for 2.00 s, where 1 s are allowed")
    assert time.now == 1020


def test_a_clock_that_is_set_in_the_run(file, time):
    write(file, [(BEGIN + i / 4, 2.0 + i % 2 * 1e-6) for i in range(-8, 80)])
    meter = CsvMeter(file, time)
    meter.start()
    time.sleep(10)
    time.clock_error = 1.5
    assert meter.stop().why_not == "this machine's clock was set by +1.50 s in the run"


def test_a_file_that_goes_away(file, time):
    write(file, [(BEGIN, 2.0)])
    meter = CsvMeter(file, time)
    meter.start()
    time.sleep(1)
    file.unlink()
    assert "cannot be read" in meter.stop().why_not


@pytest.mark.parametrize(
    "content", [b"", b"time,power\n", b"seconds,watts\n1,2\n", b"time,volts\n", b"\xff\xfe\0t\0", b"time,watts"]
)
def test_a_first_line_without_the_columns(file, content):
    file.write_bytes(content)
    with pytest.raises(UserError, match="must name time or time_ms, and watts or volts,amperes, received"):
        CsvMeter(file)


def test_no_good_line_at_all(file):
    write(file, [(i, 2.0) for i in range(5)])  # seconds since the meter was switched on
    with pytest.raises(UserError, match="^no line of .* received 5 others; write times since 1970"):
        CsvMeter(file)
    with pytest.raises(UserError, match="cannot be read"):
        CsvMeter(file.parent)
    write(file, [])
    assert CsvMeter(file).source == "csv (power.csv)"  # it has only just begun


@pytest.mark.parametrize(
    ("watts", "why_not"),
    [
        (lambda i: -2.0 - i % 2, "negative power, down to -3 W: the meter's leads are swapped; swap the meter's leads"),
        (lambda i: 3100.0 + i % 2, "impossible power, up to 3101 W, where 1000 W are the most: of another unit"),
        (lambda i: 2.0, "frozen at 2 W for 41 samples"),
    ],
)
def test_what_no_board_draws_spoils_a_run(file, time, watts, why_not):
    write(file, [(BEGIN + i / 4, watts(i)) for i in range(-8, 60)])
    assert read(file, time).why_not.startswith(why_not)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_read(file, encoding):
    file.write_bytes(f"time,watts\n{BEGIN:.0f},2.5\n".encode(encoding))
    assert read_samples(file) == ([BEGIN], [2.5], 0)


def test_a_huge_file_and_what_is_no_file_are_told(file):
    with file.open("wb") as stream:
        stream.truncate(2**26)
    with pytest.raises(UserError, match="it is longer than the 33,554,432 bytes that it may have; name the file"):
        CsvMeter(file)
    with pytest.raises(UserError, match="it is a device, and no file"):
        CsvMeter("/dev/zero")
