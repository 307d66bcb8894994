"""A check that images which are to be held in memory fit into the machine's."""

import math
import os

from train.errors import UserError


def check_room(count: int, shape, remedy: str):
    """Raises UserError where `count` images (height, width, channels) of bytes are more than this machine's memory."""
    needed = count * math.prod(shape)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > memory:
        raise UserError(
            f"{count:,} images of {shape[0]} x {shape[1]} pixels need {needed / 1e9:,.0f} GB. "
            f"Received: a machine of {memory / 1e9:,.0f} GB; {remedy}"
        )
