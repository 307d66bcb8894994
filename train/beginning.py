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
    begun = checkpoint_files.find(workdir / checkpoint_files.FOLDER) and not restart
    if config.init_from and not begun:
        sources_of(config.init_from)
    check_dataset(config, architecture)


def sources_of(init_from: str) -> list[Path]:
    """Returns the workdirs and files that --init_from names, separated by commas.

    Raises:
        UserError: no weights lie at one of them; what is in their files is told when they are read.
    """
    whole = Path(init_from)  # its name may hold a comma
    sources = [whole] if whole.exists() else [Path(part.strip()) for part in init_from.split(",")]
    for path in sources:
        _check_source(path)
    return sources


def _check_source(path: Path):
    if path.is_dir():
        if not (path / MODEL_FILE).exists() and not checkpoint_files.find(path / checkpoint_files.FOLDER):
            raise UserError(
                f"--init_from found neither {MODEL_FILE} nor a checkpoint. Received: {path}; give the workdir of a run "
                "that has made its first checkpoint"
            )
    elif not path.is_file():
        raise UserError(f"--init_from must be a workdir or a .keras file. Received: {path}, which is neither")
