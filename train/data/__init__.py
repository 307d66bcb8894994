"""Data sets: one module each, one registry (`registry.py`), one pipeline (`pipeline.py`)."""
