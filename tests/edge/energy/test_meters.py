import pytest

from edge.energy import meters
from edge.errors import UserError


class Meter:
    def __init__(self, *args, timer=None):
        self.args = args


def fails(*args, timer=None):
    raise UserError("not here")


@pytest.fixture
def simulated(monkeypatch):
    """Makes named meters work, and all others fail."""

    def work(*names):
        for name in ("rapl", "pmic"):
            monkeypatch.setattr(meters, f"{name.title()}Meter", Meter if name in names else fails)
        monkeypatch.setattr(meters, "SENSORS", {n: Meter if n in names else fails for n in meters.SENSORS})

    return work


@pytest.mark.parametrize("name", ["rapl", "pmic", "ina219", "ina228", "ina260"])
def test_meters_by_name(simulated, name):
    simulated(name)
    assert isinstance(meters.make_meter(name), Meter)
    simulated()
    with pytest.raises(UserError, match="^not here$"):
        meters.make_meter(name)


def test_addresses(simulated):
    simulated("ina219", "ina260")
    assert meters.make_meter("ina219").args == (0x40,)
    assert meters.make_meter("ina260:0x45").args == (0x45,)
    assert meters.make_meter("ina260:69").args == (0x45,)
    for wrong in ("ina219:x", "ina219:0x00", "ina219:200", "ina219:-1"):
        with pytest.raises(UserError, match=f"received '{wrong}'"):
            meters.make_meter(wrong)


def test_a_file_may_have_a_colon(tmp_path):
    (tmp_path / "a:b.csv").write_text("time,watts\n")
    assert meters.make_meter(f"csv:{tmp_path}/a:b.csv").source == "csv (a:b.csv)"


@pytest.mark.parametrize("wanted", ["", "csv", "csv:", "rapl:1", "pmic:", "INA219", "meter", "auto:1"])
def test_others_are_told(wanted):
    with pytest.raises(UserError, match=f"^the meter must be one of rapl, .*; received '{wanted}'$"):
        meters.make_meter(wanted)


def test_the_first_that_works(simulated):
    simulated("ina219")  # which is never looked for
    assert meters.make_meter("auto") is None
    assert meters.find_meter() == (None, ["not here"] * 4)
    simulated("pmic", "ina260")
    assert meters.make_meter("auto").args == (0x40,)
    simulated("pmic")
    meter, reasons = meters.find_meter()
    assert meter.args == ()
    assert len(reasons) == 3
