"""The run's own words on the screen, apart from what libraries log."""

import logging
import sys

log = logging.getLogger("train")


def start_logging():
    """Sends `log` to stderr, each line with the time of day."""
    if not log.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S"))
        log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
