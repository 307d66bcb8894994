"""Files, each written beside its place and then renamed: never half a file under its name."""

import os
from pathlib import Path


def write_bytes(path: Path, data: bytes):
    """Writes `data` under `path`, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        with open(partial, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str):
    """Writes `text` under `path`, whole or not at all."""
    write_bytes(path, text.encode())


def write_model(path: Path, model):
    """Writes a Keras model under `path`, whole or not at all."""
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        model.save(partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
