"""Lists the licences of all packages that are installed, as their own metadata tell them.

python -m tools.upkeep.licences

A package that tells none is listed with '?', and named again below the list.
"""

import importlib.metadata

from tools import command
from tools.table import table

CLASSIFIER = "License :: "
LONGEST = 60  # characters of a licence's name; some packages put its whole text there


def licence(metadata) -> str:
    """Returns the licence that a package's metadata tell: an expression, classifiers or a name; '?' for none."""
    expression = metadata.get("License-Expression")
    if expression:
        return expression
    classifiers = [text for text in metadata.get_all("Classifier") or () if text.startswith(CLASSIFIER)]
    names = [text.rpartition(" :: ")[2] for text in classifiers if text != "License :: OSI Approved"]
    if names:
        return "; ".join(names)
    lines = [line.strip() for line in (metadata.get("License") or "").splitlines() if line.strip()]
    return lines[0][:LONGEST] if lines and lines[0].upper() != "UNKNOWN" else "?"


def licences(distributions) -> list[tuple[str, str, str]]:
    """Returns (package, version, licence) of each, by name."""
    found = {(d.metadata["Name"], d.version, licence(d.metadata)) for d in distributions if d.metadata["Name"]}
    return sorted(found, key=lambda row: row[0].lower())


def main(arguments) -> None:
    """Prints the list."""
    command.make_parser("tools.upkeep.licences", __doc__).parse_args(arguments)
    rows = licences(importlib.metadata.distributions())
    print(table(("package", "version", "licence"), rows))
    unknown = [name for name, _, found in rows if found == "?"]
    print(f"{len(rows)} packages" + f"; no licence is told by {', '.join(unknown)}" * bool(unknown))


if __name__ == "__main__":
    command.run(main)
