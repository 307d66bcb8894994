"""In which precision this machine trains fastest."""

import re
from pathlib import Path

AUTO = "auto"
MULTIPLY_BFLOAT16 = {"amx_bf16", "avx512_bf16"}  # x86's units that do, as Linux calls them


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
