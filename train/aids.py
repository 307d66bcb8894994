"""What training asks beside the network that it trains."""

from dataclasses import dataclass

from dcn_tf.architecture import Architecture
from train.config import Config
from train.places import PlaceReader, place_reader_of
from train.teacher import Teacher, teacher_of


@dataclass(frozen=True)
class Aids:
    """What reads beside the network.

    Attributes:
        places: whose loss is added; None where there is none.
        teacher: whose answers are taught; None where there is none.
    """

    places: PlaceReader | None = None
    teacher: Teacher | None = None


NO_AIDS = Aids()


def aids_of(config: Config, architecture: Architecture) -> Aids:
    """Returns what the configuration asks for; UserError where that does not fit the network or can't be read."""
    return Aids(place_reader_of(config, architecture), teacher_of(config, architecture))
