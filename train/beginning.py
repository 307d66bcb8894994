"""Checks of a run before TensorFlow is imported, which takes seconds: all that is wrong with its flags."""

from pathlib import Path

from dcn_tf.architecture import Architecture
from train import checkpoint_files
from train.config import Config
from train.data.registry import check_dataset
from train.errors import UserError
from train.flag_values import check_same_run
from train.trainable import check_trainable

MODEL_FILE = "model.keras"  # of a finished run


def check_beginning(config: Config, architecture: Architecture, restart: bool = False):
    """Raises UserError for flags of which no run can come. Nothing is written, and of the data no image is read.

    Args:
        config: of the run.
        architecture: of its network, as far as the data need not be known.
        restart: whether it begins again, whatever lies in the workdir.
    """
    check_trainable(config, architecture)
    workdir = Path(config.workdir)
    if (workdir / "config.json").exists() and not restart:
        check_same_run(config)
    check_initial_weights(config.init_from, workdir, restart)
    if config.teacher:
        files_of(config.teacher, "--teacher")
    check_dataset(config, architecture)


def check_initial_weights(init_from: str | None, workdir: Path, restart: bool = False):
    """Raises UserError where a run would begin from --init_from, and no weights lie there."""
    begun = checkpoint_files.find(workdir / checkpoint_files.FOLDER) and not restart
    if init_from and not begun:
        sources_of(init_from)


def sources_of(init_from: str) -> list[Path]:
    """Returns the workdirs and files that --init_from names, separated by commas.

    Raises:
        UserError: no weights lie at one of them; what is in their files is told when they are read.
    """
    sources = _paths(init_from, "--init_from")
    for path in sources:
        if (
            path.is_dir()
            and not (path / MODEL_FILE).exists()
            and not checkpoint_files.find(path / checkpoint_files.FOLDER)
        ):
            raise UserError(
                f"--init_from found neither {MODEL_FILE} nor a checkpoint. Received: {path}; give the workdir of a run "
                "that has made its first checkpoint"
            )
    return sources


def files_of(sources: str, flag: str) -> list[Path]:
    """Returns the .keras files of the networks that a flag names, workdirs or files, separated by commas.

    Raises:
        UserError: one is not there; what is in the files is told when they are read.
    """
    files = [path / MODEL_FILE if path.is_dir() else path for path in _paths(sources, flag)]
    for path in files:
        if not path.exists():
            raise UserError(
                f"{flag} found no {MODEL_FILE}. Received: {path.parent}; give the workdir of a finished run"
            )
    return files


def _paths(sources: str, flag: str) -> list[Path]:
    """Returns the folders and files that a flag names, separated by commas; UserError where there is none."""
    whole = Path(sources)  # its name may hold a comma
    paths = [whole] if whole.exists() else [Path(part.strip()) for part in sources.split(",")]
    for path in paths:
        if not path.is_dir() and not path.is_file():
            raise UserError(f"{flag} must be a workdir or a .keras file. Received: {path}, which is neither")
    return paths
