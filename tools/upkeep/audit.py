"""Looks the packages of locks up among the known vulnerabilities of PyPI's advisory base, by pip-audit.

python -m tools.upkeep.audit requirements.lock [...]

Status 0 means that all of them were looked up and none is known. Where the base is out of reach, or knows nothing of a
package, that is said, and the status is 1, as it is for a vulnerability.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from edge.errors import UserError, WorkError, one_line
from tools import command
from tools.table import table

PIP_AUDIT = (
    *("pip_audit", "--disable-pip", "--require-hashes"),
    *("--format=json", "--progress-spinner=off", "--timeout=15"),
)
PIN = re.compile(r"(?P<pin>(?P<name>[A-Za-z0-9._-]+)(\[[^]]*\])?==[^\s;\\]+)")
NAMED = 5  # packages that a message names


def pins(lock: Path) -> list[tuple[str, str]]:
    """Returns (name, text) of every pin of a lock, its checksums with it, without what says where it is for.

    pip-audit leaves out what is for another Python or system than its own.
    """
    lines = lock.read_text(encoding="utf-8").splitlines()
    found = []
    for line in lines:
        pin = PIN.match(line)
        if pin:
            found.append((pin["name"].lower(), [pin["pin"] + (" \\" if line.endswith("\\") else "")]))
        elif found and line.startswith(" "):
            found[-1][1].append(line)
    return [(name, "\n".join(text)) for name, text in found]


def look_up(lock: Path) -> list[dict]:
    """Returns what the base says of each pin of a lock; WorkError where it is out of reach, or not asked about one."""
    if not lock.is_file():
        raise UserError(f"no such lock: {lock}; name a requirements file with checksums, as make lock writes it")
    parts: list[dict[str, str]] = []  # pip-audit takes one version of a package at a time
    every = pins(lock)
    for name, text in every:
        part = next((part for part in parts if name not in part), None)
        if part is None:
            parts.append(part := {})
        part[name] = text
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for number, part in enumerate(parts):
            path = Path(folder, f"{number}.txt")
            path.write_text("\n".join(part.values()) + "\n", encoding="utf-8")
            found += _asked(lock, path)
    if len(found) < len(every):
        raise WorkError(f"{lock} was not audited: {len(found)} of its {len(every)} pins were looked up; report this")
    return found


def _asked(lock: Path, part: Path) -> list[dict]:
    """Returns what pip-audit says of a part of a lock."""
    done = subprocess.run([sys.executable, "-m", *PIP_AUDIT, "-r", str(part)], capture_output=True, text=True)
    try:
        return json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        reason = one_line(Exception((done.stderr.strip().splitlines() or ["no answer"])[-1]), 200)
        raise WorkError(
            f"{lock} was not audited: the advisory base is out of reach ({reason}); try again with a network"
        ) from None


def vulnerabilities(found: list[dict]) -> list[tuple]:
    """Returns (package, version, identifier, versions that mend it) of each known vulnerability."""
    return [
        (package["name"], package["version"], known["id"], ", ".join(known["fix_versions"]) or "none yet")
        for package in found
        for known in package.get("vulns", ())
    ]


def report(lock: Path, found: list[dict]) -> None:
    """Prints what was found; WorkError where there is a vulnerability, or a package was not looked up."""
    known, skipped = vulnerabilities(found), [package["name"] for package in found if "vulns" not in package]
    if known:
        print(table(("package", "version", "vulnerability", "mended in"), known))
        raise WorkError(f"{lock}: {len(known)} known vulnerabilities; raise the versions, and make lock")
    if skipped or not found:
        names = ", ".join(skipped[:NAMED]) + (f" and {len(skipped) - NAMED} more" if len(skipped) > NAMED else "")
        raise WorkError(
            f"{lock} was not audited: the advisory base is out of reach, or knows nothing of {len(skipped)} of "
            f"{len(found)} packages ({names}); try again with a network that reaches pypi.org"
        )
    print(f"{lock}: {len(found)} packages, no known vulnerability")


def main(arguments) -> None:
    """Runs the command."""
    parser = command.make_parser("tools.upkeep.audit", __doc__)
    parser.add_argument("locks", nargs="+", type=Path, metavar="LOCK", help="requirements files with checksums")
    for lock in parser.parse_args(arguments).locks:
        report(lock, look_up(lock))


if __name__ == "__main__":
    command.run(main)
