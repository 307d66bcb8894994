"""What the device is given: a folder with models, the saliency's weights, and a manifest with their checksums.

python -m edge.bundle check DIR
"""

import hashlib
import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from edge.arguments import OneLineParser
from edge.errors import UserError, one_line, run_main
from edge.manifest import MODELS, REQUIRED_MODELS, check_manifest

MANIFEST_FILE = "manifest.json"
SALIENCY_FILE = "saliency.npz"


@dataclass(frozen=True)
class Bundle:
    """A bundle that was read and found whole.

    Attributes:
        directory: its folder.
        manifest: see `edge.manifest.MANIFEST`.
    """

    directory: Path
    manifest: dict

    def model_file(self, name: str) -> Path:
        """Returns the path of the named model."""
        return self.directory / model_file_name(name)

    @property
    def saliency_file(self) -> Path:
        """Path of the weights that the closed form of the saliency needs."""
        return self.directory / SALIENCY_FILE


def model_file_name(name: str) -> str:
    """Returns the file name of the named model in a bundle."""
    return f"{name}.tflite"


def load_bundle(directory) -> Bundle:
    """Reads a bundle and checks its manifest and the checksum of every file.

    Raises:
        UserError: it is not a bundle, not whole, or of another format version.
    """
    directory = Path(directory)
    manifest = _read_manifest(directory)
    check_manifest(manifest)
    needed = [model_file_name(name) for name in MODELS if name in REQUIRED_MODELS or name in manifest["models"]]
    for name in [*needed, SALIENCY_FILE]:
        if name not in manifest["files"]:
            raise UserError(f"manifest.files lacks {name}; export the bundle again with tools.quantize")
    for name, entry in manifest["files"].items():
        _check_file(directory, name, entry)
    return Bundle(directory, manifest)


def _read_manifest(directory: Path):
    if not directory.is_dir():
        raise UserError(f"no such bundle folder: {directory}; make one with tools.quantize --bundle={directory}")
    try:
        text = (directory / MANIFEST_FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{directory} is not a bundle: it has no {MANIFEST_FILE}; name a bundle's folder") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"{directory / MANIFEST_FILE} cannot be read: {one_line(error)}; copy the bundle again"
        ) from None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"{directory / MANIFEST_FILE} is not JSON: {one_line(error)}; copy or export the bundle again"
        raise UserError(message) from None


def _check_file(directory: Path, name: str, entry: dict):
    if Path(name).name != name:
        raise UserError(f"manifest.files names {name!r}, which is not a plain file name; export the bundle again")
    try:
        content = (directory / name).read_bytes()
    except FileNotFoundError:
        raise UserError(f"{name} is missing in the bundle {directory}; copy the bundle again") from None
    except OSError as error:
        raise UserError(f"{directory / name} cannot be read: {one_line(error)}; copy the bundle again") from None
    if file_entry(content) != {"sha256": entry["sha256"], "bytes": entry["bytes"]}:
        raise UserError(
            f"{directory / name} is not the file that was exported (sha256 differs, {len(content)} bytes where the "
            f"manifest says {entry['bytes']}); copy the bundle again"
        )


def file_entry(content: bytes) -> dict:
    """Returns what the manifest says of a file: its sha256 and its number of bytes."""
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def check_destination(directory) -> None:
    """Raises UserError unless a bundle may be written there: a new or empty folder, or an older bundle."""
    directory = Path(directory)
    if directory.is_dir():
        other = {path.name for path in directory.iterdir()}
        if other and MANIFEST_FILE not in other:
            raise UserError(f"{directory} is not a bundle and not empty; name another folder, or empty this one")
    elif os.path.lexists(directory):
        raise UserError(f"{directory} is not a folder; name another one")


def write_bundle(directory, files: dict, manifest: dict) -> Bundle:
    """Writes a bundle beside its place and then renames it there, so that no half of a bundle is ever seen.

    Args:
        directory: where to; an older bundle there is replaced.
        files: file name -> content, bytes.
        manifest: without `files`, which is filled in here.

    Raises:
        UserError: there is something else at `directory`, or it cannot be written.
    """
    directory = Path(directory).resolve()
    check_destination(directory)
    manifest = manifest | {"files": {name: file_entry(content) for name, content in sorted(files.items())}}
    check_manifest(manifest)
    text = json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(directory, {**files, MANIFEST_FILE: text.encode()})
    except OSError as error:
        raise UserError(f"{directory} cannot be written: {one_line(error)}; name another folder") from None
    return Bundle(directory, manifest)


def _write_whole(directory: Path, files: dict):
    fresh = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        for name, content in files.items():
            _write_synced(fresh / name, content)
        fresh.chmod(0o755)
        _replace_directory(fresh, directory)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)  # what is left of it after a failure; gone after success


def _write_synced(path: Path, content: bytes):
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _replace_directory(fresh: Path, directory: Path):
    """Renames `fresh` to `directory`. Folders cannot be exchanged in one step; an older one is put back on failure."""
    if not directory.exists():
        fresh.rename(directory)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{directory.name}.old.", dir=directory.parent))
    directory.rename(old)
    try:
        fresh.rename(directory)
    except OSError:
        old.rename(directory)
        raise
    shutil.rmtree(old, ignore_errors=True)


def card(bundle: Bundle) -> str:
    """Returns what a bundle is, in a few lines."""
    manifest = bundle.manifest
    image, cells, patch = manifest["input"], manifest["cells"], manifest["patch"]
    labels = " ".join(manifest["labels"])
    lines = [
        ("name", manifest["name"]),
        ("task", manifest["task"] + (f" of 1 to {manifest['max_length']}" if manifest["max_length"] else "")),
        ("labels", labels if len(labels) <= 80 else labels[:77] + "..."),
        ("input", f"{image['size'][0]} x {image['size'][1]} {image['colour']}, resize: {image['resize']}"),
        (
            "cells",
            f"{cells['map'][0]} x {cells['map'][1]}, field {tuple(cells['field'])}, stride {tuple(cells['stride'])}",
        ),
        ("patches", f"{manifest['num_patches']} of {patch['size'][0]} x {patch['size'][1]}"),
        ("exit_entropy", "none" if manifest["exit_entropy"] is None else f"{manifest['exit_entropy']:g} nats"),
        ("numbers", manifest["method"]),
        *((f"{name}", f"{entry['bytes']:,} bytes") for name, entry in manifest["files"].items()),
    ]
    measured = manifest["measured"]
    if measured:
        errors = ", ".join(f"{name} {value:.2f} %" for name, value in measured["error"].items())
        lines.append(("error", f"{errors} ({measured['dataset']} {measured['split']}, {measured['images']:,} images)"))
    return "\n".join(f"{name:<18} {value}" for name, value in lines)


def main(arguments=None) -> None:
    """The command `python -m edge.bundle`."""
    parser = OneLineParser(prog="python -m edge.bundle", description="Checks a bundle and prints its card.")
    parser.add_argument("action", choices=["check"])
    parser.add_argument("directory", metavar="DIR", help="the bundle's folder")
    print(card(load_bundle(parser.parse_args(arguments).directory)))


if __name__ == "__main__":
    run_main(main, sys.argv[1:])
