"""The kinds of numbers in training scenes, and how often each is drawn."""

from train.data.rendering.displays import display
from train.data.rendering.drums import counter
from train.data.rendering.signs import sign_number
from train.data.rendering.speed_signs import speed_limit
from train.data.rendering.subjects import house_number

# Each is a function: (rng, split, number of digits, their height in pixels) -> `Subject`.
MAKERS = {"house": house_number, "sign": sign_number, "speed_limit": speed_limit, "display": display, "drum": counter}
# Shares of the kinds by the number of digits: long numbers are seldom on houses, and speed limits have two or three.
_SHORT = {"house": 0.68, "sign": 0.22, "speed_limit": 0.0, "display": 0.06, "drum": 0.04}
_USUAL = {"house": 0.5, "sign": 0.25, "speed_limit": 0.07, "display": 0.13, "drum": 0.05}
_FOUR = {"house": 0.38, "sign": 0.25, "speed_limit": 0.0, "display": 0.27, "drum": 0.1}
_LONG = {"house": 0.14, "sign": 0.26, "speed_limit": 0.0, "display": 0.42, "drum": 0.18}
SHARES = {1: _SHORT, 2: _USUAL, 3: _USUAL, 4: _FOUR, 5: _LONG, 6: _LONG, 7: _LONG, 8: _LONG}


def weighted(lengths, weights: dict[str, float]) -> tuple[tuple[float, ...], dict[int, dict[str, float]]]:
    """Returns the shares of lengths, and of kinds by length, where some kinds are drawn more often than others.

    Args:
        lengths: the shares of numbers with 1, 2, ... digits, if all kinds are drawn as `SHARES` says.
        weights: {kind: how often it is drawn against that}; kinds that are not named are not drawn.
    """
    together = {
        length: {style: weights.get(style, 0) * share for style, share in SHARES[length].items()}
        for length in range(1, len(lengths) + 1)
    }
    masses = [share * sum(together[length].values()) for length, share in enumerate(lengths, start=1)]
    shares = {
        length: {style: value / sum(kinds.values()) for style, value in kinds.items() if value}
        for length, kinds in together.items()
        if any(kinds.values())
    }
    return tuple(mass / sum(masses) for mass in masses), shares


def draw_maker(rng, length: int, shares=None):
    """Returns the function that makes a random kind of number of so many digits.

    Args:
        shares: {length: the share of each kind, {name: share}, which sum to one}; `SHARES` unless said otherwise.
    """
    drawn = rng.random()
    for style, share in (shares or SHARES)[length].items():
        drawn -= share
        if drawn < 0:
            return MAKERS[style]
    return MAKERS[style]
