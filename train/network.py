"""The network of a run: what the flags and the data say together, and that a run goes on with the same."""

import dataclasses
import json
from pathlib import Path

from dcn_tf.architecture import CLASSIFICATION, Architecture
from dcn_tf.model import DynamicCapacityNetwork
from dcn_tf.stack_lists import lists
from train import files
from train.config import Config
from train.data.dataset import Dataset
from train.errors import UserError
from train.plain_files import reason
from train.progress import log

FILE = "architecture.json"


def network_for(config: Config, dataset: Dataset) -> Architecture:
    """Returns the architecture, with the data's channels and classes where open; UserError where it can't be."""
    architecture = config.network(dataset.channels, len(dataset.label_names))
    _check_fits(architecture, dataset)
    _check_same(Path(config.workdir, FILE), architecture)
    followed = [f"{architecture.channels} channels"] if "channels" in config.blueprint.open else []
    if "classes" in config.blueprint.open:
        followed.append(f"{architecture.top.classes} classes")
    log.info("network: %s%s", architecture.name, f", {' and '.join(followed)} as in the data" if followed else "")
    return architecture


def built(architecture: Architecture) -> DynamicCapacityNetwork:
    """Returns the network with new weights; UserError where Keras can't build it, as with an unknown activation."""
    try:
        model = DynamicCapacityNetwork(architecture)
        model.build()
    except ValueError as error:
        raise UserError(f"{architecture.name} can't be built: {reason(error)}; change its description") from error
    return model


def write_network(workdir: Path, architecture: Architecture):
    """Writes `architecture.json`, which --architecture reads."""
    files.write_text(workdir / FILE, json.dumps(architecture.to_dict(), indent=1) + "\n")


def _check_fits(architecture: Architecture, dataset: Dataset):
    """Raises UserError where the data has other channels, or more classes, than somebody said."""
    if architecture.channels != dataset.channels:
        raise UserError(
            f"the network takes images of {architecture.channels} channels, and {dataset.name} has "
            f"{dataset.channels}; leave 'channels' out, or give --set=channels={dataset.channels}"
        )
    classes = len(dataset.label_names)
    if architecture.task == CLASSIFICATION and architecture.top.classes < classes:
        raise UserError(
            f"the network has {architecture.top.classes} classes, and {dataset.name} has {classes}; "
            f"leave 'classes' out, or give --set=top.classes={classes}"
        )


def _check_same(path: Path, architecture: Architecture):
    try:
        begun = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        return
    except ValueError as error:
        raise UserError(f"{path} is damaged ({error}); mend it or choose another --workdir") from error
    begun = _of_before() | begun if isinstance(begun, dict) else begun
    path_of, before, now = next(_differences(begun, lists(architecture.to_dict())), (None, None, None))
    if path_of:
        raise UserError(
            f"the workdir {path.parent} was begun with another network: {path_of}={before}. Received: {now}; "
            "go back to it, or choose another --workdir"
        )


def _of_before() -> dict:
    """Returns what fields of a network were before there were these fields."""
    later = [field for field in dataclasses.fields(Architecture) if field.default is not dataclasses.MISSING]
    return {field.name: lists(field.default) for field in later}


def _differences(begun, now, path=""):
    """Yields (path, value before, value now) of every difference between two descriptions."""
    if isinstance(begun, dict) and isinstance(now, dict):
        pairs = [(name, begun.get(name), now.get(name)) for name in {**begun, **now} if name != "name"]
    elif isinstance(begun, list) and isinstance(now, list) and len(begun) == len(now):
        pairs = list(zip(range(len(now)), begun, now))
    else:
        if begun != now:
            yield path, begun, now
        return
    for name, before, after in pairs:
        yield from _differences(before, after, f"{path}.{name}" if path else str(name))
