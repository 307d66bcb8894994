import os
import re
import stat

import pytest
from simulated_time import SimulatedTime

from edge.energy.pmic import PmicMeter, rail_watts, vcgencmd
from edge.errors import UserError

# The form and the channels of a Raspberry Pi 5's answer, with round numbers.
AMPERES = """\
 3V7_WL_SW_A current(0)=0.10000000A
   3V3_SYS_A current(1)=0.20000000A
   1V8_SYS_A current(2)=0.10000000A
  DDR_VDD2_A current(3)=0.05000000A
  DDR_VDDQ_A current(4)=0.00000000A
   1V1_SYS_A current(5)=0.20000000A
    0V8_SW_A current(6)=0.25000000A
  VDD_CORE_A current(7)=2.00000000A
   3V3_DAC_A current(17)=0.00000000A
   3V3_ADC_A current(18)=0.00000000A
   0V8_AON_A current(16)=0.00000000A
      HDMI_A current(22)=0.02000000A
"""
VOLTS = """\
 3V7_WL_SW_V volt(8)=3.70000000V
   3V3_SYS_V volt(9)=3.30000000V
   1V8_SYS_V volt(10)=1.80000000V
  DDR_VDD2_V volt(11)=1.10000000V
  DDR_VDDQ_V volt(12)=0.60000000V
   1V1_SYS_V volt(13)=1.10000000V
    0V8_SW_V volt(14)=0.80000000V
  VDD_CORE_V volt(15)=0.75000000V
   3V3_DAC_V volt(20)=3.30000000V
   3V3_ADC_V volt(21)=3.30000000V
   0V8_AON_V volt(19)=0.80000000V
      HDMI_V volt(23)=5.00000000V
     EXT5V_V volt(24)=5.10000000V
      BATT_V volt(25)=0.00000000V
"""
ANSWER = AMPERES + VOLTS
WATTS = 0.1 * 3.7 + 0.2 * 3.3 + 0.1 * 1.8 + 0.05 * 1.1 + 0.2 * 1.1 + 0.25 * 0.8 + 2 * 0.75 + 0.02 * 5


class Board:
    """What vcgencmd answers: text, or an error to raise."""

    def __init__(self, pmic=ANSWER, throttled="throttled=0x0\n"):
        self.calls = 0
        self.answers = {"pmic_read_adc": pmic, "get_throttled": throttled}

    def __call__(self, command):
        answer = self.answers[command]
        if isinstance(answer, Exception):
            raise answer
        self.calls += 1
        return answer.replace("=2.00000000A", f"=2.0000000{self.calls % 2}A")  # noise


@pytest.fixture
def time():
    return SimulatedTime()


def test_rails_are_paired_by_name():
    watts = rail_watts(ANSWER)
    assert len(watts) == 12
    assert "EXT5V" not in watts
    assert "BATT" not in watts
    assert watts["VDD_CORE"] == 1.5
    assert sum(watts.values()) == pytest.approx(WATTS)


@pytest.mark.parametrize(
    "text",
    ["", "error=1 error_msg=\"Command not registered\"", VOLTS, "X_A current(1)=0.5V\nX_V volt(2)=1.0V",
     "X_A current(1)=nanA\nX_V volt(2)=1.0V", "X_A current(1)=0.1.2A\nX_V volt(2)=1.0V"],
)  # fmt: skip
def test_what_is_no_pair_is_no_rail(text):
    assert rail_watts(text) == {}


def test_power_is_integrated(time):
    meter = PmicMeter(Board(), time)
    assert meter.source == "pmic (12 rails)"
    meter.start()
    time.sleep(10)
    reading = meter.stop()
    assert reading.joules == pytest.approx(10 * WATTS)
    assert 50 <= reading.samples <= 102  # 5 to 10 each second
    assert reading.valid


def test_incomplete_answers_are_ignored(time):
    board = Board()
    meter = PmicMeter(board, time)
    meter.start()
    time.sleep(2)
    board.answers["pmic_read_adc"] = ANSWER[: len(ANSWER) // 2]
    time.sleep(0.25)
    board.answers["pmic_read_adc"] = OSError("busy")
    time.sleep(0.25)
    board.answers["pmic_read_adc"] = ANSWER
    time.sleep(2)
    reading = meter.stop()
    assert (reading.ignored, reading.valid) == (4, True)
    assert reading.joules == pytest.approx(4.5 * WATTS)


def test_a_long_silence_is_a_gap(time):
    board = Board()
    meter = PmicMeter(board, time)
    meter.start()
    board.answers["pmic_read_adc"] = ""
    time.sleep(1.5)
    board.answers["pmic_read_adc"] = ANSWER
    time.sleep(2)
    assert meter.stop().why_not.startswith("no sample of power for 1.62 s")


@pytest.mark.parametrize(
    ("answer", "why_not"),
    [
        ("throttled=0x50000\n", r"^the processor was throttled .* since its start \(throttled=0x50000\)"),
        ("", r"^the processor was throttled"),
        (OSError("gone"), "^whether it was throttled is not known: gone$"),
    ],
)
def test_throttling_spoils_a_run(time, answer, why_not):
    meter = PmicMeter(Board(throttled=answer), time)
    meter.start()
    time.sleep(2)
    reading = meter.stop()
    assert reading.joules == pytest.approx(2 * WATTS)
    assert re.search(why_not, reading.why_not)


@pytest.mark.parametrize("answer", [FileNotFoundError(2, "No such file"), "", VOLTS])
def test_boards_without_it(answer):
    with pytest.raises(UserError, match="^vcgencmd pmic_read_adc gives no power: .*; use a Raspberry Pi 5, or another"):
        PmicMeter(Board(answer))


def test_the_program_is_called(tmp_path, monkeypatch):
    program = tmp_path / "vcgencmd"
    program.write_text(
        '#!/bin/sh\n[ "$1" = get_throttled ] && echo throttled=0x0 && exit\necho no such command; exit 255\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert vcgencmd("get_throttled") == "throttled=0x0\n"
    with pytest.raises(OSError, match="status 255: no such command"):
        vcgencmd("pmic_read_adc")


@pytest.mark.parametrize(
    ("amperes", "why_not"), [("=-9.0A", "negative power, down to "), ("=2000.0A", "impossible power, up to 150")]
)
def test_what_no_board_draws_spoils_a_run(time, amperes, why_not):
    meter = PmicMeter(Board(ANSWER.replace("=2.00000000A", amperes)), time)
    meter.start()
    time.sleep(2)
    assert meter.stop().why_not.startswith(why_not)
