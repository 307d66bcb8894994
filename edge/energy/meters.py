"""The meters by name, and the first of them that works."""

from edge.energy.csv_file import CsvMeter
from edge.energy.ina import ADDRESS, Ina219Meter, Ina228Meter, Ina260Meter
from edge.energy.pmic import PmicMeter
from edge.energy.rapl import RaplMeter
from edge.errors import UserError

SENSORS = {"ina219": Ina219Meter, "ina228": Ina228Meter, "ina260": Ina260Meter}
# A sensor on the feed sees the whole board, the Pi's own chip only a part. An INA219 has no identity that can be asked
# for, and what else may answer at its address must not be written to: it is used only when named.
AUTOMATIC = ("rapl", "ina228", "ina260", "pmic")
METER_HELP = (
    f"rapl, pmic (Raspberry Pi 5), {', '.join(SENSORS)} (on I2C; ina219:0x41 for another address), csv:FILE (samples "
    f"that another meter writes), or auto: the first of {', '.join(AUTOMATIC)} that works"
)


def make_meter(wanted: str, timer=None):
    """Returns a meter: `source`, `start()`, and `stop()`, which returns a `Reading`.

    Returns:
        None where 'auto' finds none.

    Raises:
        UserError: `wanted` is something else, or the meter that it names does not work here.
    """
    if wanted == "auto":
        return find_meter(timer)[0]
    kind, _, argument = wanted.partition(":")
    if kind == "csv" and argument:
        return CsvMeter(argument, timer)
    if kind in SENSORS:
        return SENSORS[kind](_address(argument, wanted), timer=timer)
    if wanted == "rapl":
        return RaplMeter(timer=timer)
    if wanted == "pmic":
        return PmicMeter(timer=timer)
    raise UserError(f"the meter must be one of {METER_HELP}; received {wanted!r}")


def find_meter(timer=None) -> tuple:
    """Returns the first meter that works, or None, and why those before it do not: a list of lines."""
    reasons = []
    for kind in AUTOMATIC:
        try:
            return make_meter(kind, timer), reasons
        except UserError as error:
            reasons.append(str(error))
    return None, reasons


def _address(text: str, wanted: str) -> int:
    if not text:
        return ADDRESS
    try:
        address = int(text, 0)
    except ValueError:
        address = -1
    if not 0x08 <= address <= 0x77:
        raise UserError(f"an I2C address lies between 0x08 and 0x77, received {wanted!r}; look with: i2cdetect -y 1")
    return address
