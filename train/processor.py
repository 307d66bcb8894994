"""In which precision this machine trains fastest."""

import re
from pathlib import Path

from train.flag_values import begun_with

AUTO = "auto"
MULTIPLY_BFLOAT16 = {"amx_bf16", "avx512_bf16"}  # x86's units that do, as Linux calls them


def dtype_of_run(asked: str, workdir: Path, restart: bool = False, distribute: str = "none") -> str:
    """Returns what a run computes in: what was asked for, or of 'auto' what it was begun in, or is fastest.

    Args:
        asked: the value of --compute_dtype.
        workdir: of the run.
        restart: whether it is none that goes on what the workdir holds.
        distribute: see `fastest_dtype`.

    Raises:
        UserError: the file that says what the run was begun in is damaged.
    """
    if asked != AUTO:
        return asked
    begun = None if restart else begun_with(workdir)
    return fastest_dtype(distribute) if begun is None else begun.get("compute_dtype", "float32")


def fastest_dtype(distribute: str = "none", root: Path = Path("/")) -> str:
    """Returns 'bfloat16' where the processor multiplies it faster than float32, and 'float32' elsewhere.

    With a GPU it is 'float32': there the processor does not compute, and bfloat16 was not measured. On several machines
    it is, too: their processors may differ.

    Args:
        distribute: to what training is shared out, as in `Config`.
        root: of the file system that says what the machine is.
    """
    if distribute != "none" or (root / "dev/nvidia0").exists():
        return "float32"
    try:
        said = (root / "proc/cpuinfo").read_text(errors="replace")
    except OSError:  # no Linux
        return "float32"
    found = re.search(r"^flags\s*:(.*)$", said, re.MULTILINE)
    return "bfloat16" if found and MULTIPLY_BFLOAT16 & set(found[1].split()) else "float32"
