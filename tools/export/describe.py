"""A manifest's entries on a network, on its task and input, and on how its bundle was made."""

import platform

import keras
import numpy as np
import tensorflow as tf

import dcn_tf
from dcn_tf.geometry import output_size
from edge.bundle.content import COLOURS, FORMAT_VERSION
from edge.errors import UserError
from tools.export.tops import top_of

ANY_SIZE = "keep"  # they are not: a bundle with levels
WORKSTATION_FLAGS = ("workdir", "data_dir")  # paths that mean nothing elsewhere


def describe(network, label_names, num_patches: int, resize: str) -> dict:
    """Returns the part of a manifest that follows from the network: no models, no files.

    Args:
        resize: how images of other sizes are brought to the input's: 'stretch', 'fit' or 'pad'; or `ANY_SIZE`.

    Raises:
        UserError: the network's images are neither grey nor RGB.
    """
    architecture = network.architecture
    geometry, grid = network.coarse.geometry, network.patch_grid
    map_size = output_size(architecture.coarse, architecture.image_size)
    return {
        "format_version": FORMAT_VERSION,
        "name": architecture.name,
        **task_entry(network, label_names),
        "input": input_entry(architecture, resize),
        "cells": {"map": list(map_size)} | {n: list(getattr(geometry, n)) for n in ("stride", "offset", "field")},
        "patch": {"size": list(grid.size), "origin": list(grid.origin)},
        "levels": list(architecture.levels) if resize == ANY_SIZE else None,
        "num_patches": num_patches,
        "exit_entropy": None,
        "saliency_level": None,
        "reading_threshold": None,
        "vote_lead": None,
        "patches_apart": architecture.patches_apart if resize == ANY_SIZE else None,
    }


def task_entry(network, label_names) -> dict:
    """Returns what a manifest says of a network's task, and of the top that does it."""
    top = network.architecture.top
    return {
        "task": top.task,
        "labels": list(label_names),
        "heads": list(top.heads),
        "saliency_heads": list(top.saliency_heads),
        **top_of(network.architecture).manifest_entry(network),
    }


def input_entry(architecture, resize: str) -> dict:
    """Returns what a manifest says of the input; `resize` and errors as of `describe`."""
    return {
        "size": list(architecture.image_size),
        "channels": architecture.channels,
        "colour": _colour(architecture.channels),
        "scale": 1 / 255,
        "resize": resize,
    }


def _colour(channels):
    for colour, count in COLOURS.items():
        if count == channels:
            return colour
    raise UserError(
        f"a bundle takes images of {sorted(COLOURS.values())} channels, received {channels}; train such a network"
    )


def training(result: dict) -> dict:
    """Returns what a manifest keeps of a training's `result.json`."""
    config = {name: value for name, value in result.get("config", {}).items() if name not in WORKSTATION_FLAGS}
    kept = {name: result.get(name) for name in ("dataset", "dataset_detail", "seed", "steps", "error")}
    return kept | {"config": config}


def reading_threshold(result: dict) -> float | None:
    """Returns the reading threshold that a training chose on validation photographs; None where it chose none."""
    chosen = result.get("threshold", {})
    return chosen.get("probability") if "validation" in chosen else None


def versions() -> dict[str, str]:
    """Returns the versions that made a bundle."""
    modules = {"dcn_tf": dcn_tf, "tensorflow": tf, "keras": keras, "numpy": np}
    return {"python": platform.python_version()} | {name: module.__version__ for name, module in modules.items()}
