"""A bundle: models, the saliency's weights, and a manifest with their checksums, in a folder or a zip.

The checksums find damage. They do not make a stranger's bundle safe: a crafted model can crash the runtime or worse, so
take bundles from those whom you would take programs from.
"""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

from edge.bundle import checksum
from edge.bundle.content import FORMAT_VERSION, check_content, format_content, parse_content
from edge.bundle.manifest import FileEntry, Manifest
from edge.bundle.storage import MANIFEST_FILE, MOST_BYTES, check_destination, is_plain, opened, write
from edge.errors import UserError

SALIENCY_FILE = "saliency.npz"
MOST_MANIFEST_BYTES = 2**20


@dataclass(frozen=True)
class Bundle:
    """A bundle that was read and found whole; `files` maps names to contents, as they were when they were checked."""

    path: Path
    manifest: Manifest
    files: dict

    @property
    def has_checksum(self) -> bool:
        """Whether damage in the manifest itself would have been found."""
        return self.path.is_file() or checksum.is_right(self.files[MANIFEST_FILE])

    @property
    def doubt(self) -> str | None:
        """Why the manifest may not be what was exported, in one line; None where it is."""
        if self.has_checksum:
            return None
        version = self.manifest.content["format_version"]
        return (
            f"the manifest of {self.path} has no checksum (format version {version}), so that damage in it would not "
            f"be seen; give it one: {checksum.STAMP} {self.path}"
        )

    def model(self, name: str) -> bytes:
        """Returns the named model's file."""
        return self.files[model_file_name(name)]


def model_file_name(name: str) -> str:
    """Returns the file name of the named model in a bundle."""
    return f"{name}.tflite"


def load_bundle(path, vouched: bool = False) -> Bundle:
    """Reads a bundle and checks its manifest and the checksum of every file.

    Args:
        path: a folder, or a zip file, told apart by what is there.
        vouched: see `edge.bundle.content.parse_content`.

    Raises:
        UserError: it is not a bundle, not whole, or of another format version.
    """
    path = Path(path)
    with opened(path) as read:
        try:
            content = read(MANIFEST_FILE, MOST_MANIFEST_BYTES)
        except FileNotFoundError:
            raise UserError(f"{path} is not a bundle: it has no {MANIFEST_FILE}; name a bundle") from None
        manifest = Manifest.from_content(parse_content(content, vouched))
        files = {MANIFEST_FILE: content}
        _check_total(manifest.files, path)
        for name, entry in manifest.files.items():
            files[name] = _read_checked(read, path, name, entry)
    return Bundle(path, manifest, files)


def _check_total(entries: dict[str, FileEntry], path: Path):
    total = sum(entry.bytes for entry in entries.values())
    if total > MOST_BYTES:
        raise UserError(f"{path} has {total:,} bytes, more than the {MOST_BYTES:,} of any bundle; name a bundle")


def _read_checked(read, path: Path, name: str, entry: FileEntry) -> bytes:
    if not is_plain(name):
        raise UserError(f"manifest.files names {name!r}, which is not a plain file name; export the bundle again")
    try:
        content = read(name, entry.bytes)
    except FileNotFoundError:
        raise UserError(f"{name} is missing in the bundle {path}; copy the bundle again") from None
    if file_entry(content) != entry:
        raise UserError(
            f"{name} in {path} is not the file that was exported (sha256 differs, {len(content)} bytes where the "
            f"manifest says {entry.bytes}); copy the bundle again"
        )
    return content


def file_entry(content: bytes) -> FileEntry:
    """Returns what the manifest says of a file."""
    return FileEntry(hashlib.sha256(content).hexdigest(), len(content))


def write_bundle(path, files: dict, content: dict) -> Bundle:
    """Writes a bundle beside its place and then renames it there, so that no half of a bundle is ever seen.

    Args:
        path: where to: a zip file where it ends in .zip, else a folder. An older bundle there is replaced.
        files: file name -> content, bytes.
        content: of the manifest; its `files` are filled in here.

    Raises:
        UserError: there is something else at `path`, or it cannot be written.
    """
    path = Path(path).resolve()
    check_destination(path)
    entries = {name: asdict(file_entry(file)) for name, file in sorted(files.items())}
    content = content | {"format_version": FORMAT_VERSION, "files": entries}
    check_content(content)
    files = {**files, MANIFEST_FILE: format_content(content)}
    write(path, files)
    return Bundle(path, Manifest.from_content(content), files)


def card(bundle: Bundle) -> str:
    """Returns what a bundle is, in a few lines."""
    manifest = bundle.manifest
    image, cells, patch = manifest.input, manifest.cells, manifest.patch
    labels = " ".join(manifest.task.labels)
    size = f"{image.size[0]} x {image.size[1]}"
    resize = f"resize: {image.resize}"
    if manifest.levels:
        size, resize = "any size,", f"levels of {', '.join(f'{level:g}' for level in manifest.levels)}, at least {size}"
    pooling = manifest.content["pooling"]
    lines = [
        ("name", manifest.name),
        ("task", str(manifest.task)),
        ("labels", labels if len(labels) <= 80 else labels[:77] + "..."),
        ("input", f"{size} {image.colour}, {resize}"),
        ("cells", f"{cells.map[0]} x {cells.map[1]}, field {cells.field}, stride {cells.stride}"),
        ("patches", f"{manifest.num_patches} of {patch.size[0]} x {patch.size[1]}"),
        *([("pooling", f"{pooling['coarse']}, then {pooling['refined']}")] if pooling else []),
        ("exit_entropy", "none" if manifest.exit_entropy is None else f"{manifest.exit_entropy:g} nats"),
        (manifest.adaptive, _or_none(getattr(manifest, manifest.adaptive))),
        *([("reading_threshold", _or_none(manifest.reading_threshold))] if manifest.levels else []),
        ("method", manifest.method),
        *((name, f"{entry.bytes:,} bytes") for name, entry in manifest.files.items()),
    ]
    measured = manifest.measured
    if measured:
        errors = ", ".join(f"{name} {value:.2f} %" for name, value in measured["error"].items())
        lines.append(("error", f"{errors} ({measured['dataset']} {measured['split']}, {measured['images']:,} images)"))
    return "\n".join(f"{name:<18} {value}" for name, value in lines)


def _or_none(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"
