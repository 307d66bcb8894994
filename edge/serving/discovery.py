"""The topics of one reader of a camera, and what Home Assistant's MQTT discovery is told of them."""

import json
import re
from dataclasses import dataclass

from edge.errors import UserError

PREFIX = "homeassistant"
ONLINE, OFFLINE = "online", "offline"


@dataclass(frozen=True)
class Topics:
    """Where everything is published: below `dcn/NAME`, a name that is unique at its broker."""

    name: str

    def __post_init__(self):
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", self.name):
            raise UserError(f"--name must be 1 to 64 of letters, digits, _ and -, received {self.name[:80]!r}")

    def of(self, part: str) -> str:
        """Returns the topic of 'reading', 'probability', 'state' or 'availability'."""
        return f"dcn/{self.name}/{part}"

    def discovery(self, part: str) -> str:
        """Returns the topic under which Home Assistant looks for a part's description."""
        return f"{PREFIX}/sensor/{self.name}/{part}/config"


def descriptions(topics: Topics, model: str, monotonic: bool, unit: str | None) -> dict[str, str]:
    """Returns topic -> JSON of what Home Assistant is told, for the three parts; without a unit a reading is text."""
    device = {"identifiers": [f"dcn_{topics.name}"], "name": topics.name, "model": model, "manufacturer": "dcn-tf"}
    reading = {"name": "Reading", "icon": "mdi:counter"}
    if unit:
        reading |= {"unit_of_measurement": unit, "state_class": "total_increasing" if monotonic else "measurement"}
    probability = {"name": "Probability", "unit_of_measurement": "%", "state_class": "measurement"}
    state = {"name": "State", "entity_category": "diagnostic"}
    probability |= {"entity_category": "diagnostic", "value_template": "{{ (value | float * 100) | round(1) }}"}
    parts = {"reading": reading, "probability": probability, "state": state}
    return {
        topics.discovery(part): json.dumps(
            entry
            | {
                "unique_id": f"dcn_{topics.name}_{part}",
                "state_topic": topics.of(part),
                "availability_topic": topics.of("availability"),
                "device": device,
            }
        )
        for part, entry in parts.items()
    }
