"""The project's documents, taken apart: fenced blocks, commands, sentences, links."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[([^\]]*)\]\(([^)\s]+)\)")
IMAGE_SOURCE = re.compile(r'<img [^>]*src="([^"]+)"')
PAGE = re.compile(r"^\| \[[\w/]+\.md\]\(([\w/]+\.md)\)", re.MULTILINE)  # a row of the table of pages
SHELL = ("", "bash", "sh")


def documents() -> list[Path]:
    """Returns README.md, then the pages that its table of pages lists, in that order."""
    readme = ROOT / "README.md"
    return [readme, *(ROOT / page for page in PAGE.findall(readme.read_text(encoding="utf-8")))]


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        language: behind the fence; empty for commands.
        text: between the fences.
        line: the number of its first line in the document.
    """

    language: str
    text: str
    line: int


def blocks(markdown: str) -> list[Block]:
    """Returns the fenced blocks of a document."""
    return [
        Block(found.group(1), found.group(2), markdown[: found.start()].count("\n") + 2)
        for found in FENCE.finditer(markdown)
    ]


def commands(block: Block) -> list[tuple[int, str]]:
    """Returns (line number, command) for each command of a block of shell lines; continued lines are joined."""
    found, begun = [], ""
    for number, line in enumerate(block.text.splitlines(), block.line):
        begun += re.sub(r"(^|\s)#.*$", "", line).strip()
        if begun.endswith("\\"):
            begun = begun[:-1]
            continue
        if begun:
            found.append((number, begun))
        begun = ""
    return found


def inline_commands(markdown: str) -> list[str]:
    """Returns the commands within the text: code that begins with a program's name and has arguments."""
    return re.findall(r"`((?:python3?|make|pip|\.venv/bin/python) [^`]+)`", FENCE.sub("", markdown))


def module_and_flags(command: str) -> tuple[str, list[str]] | None:
    """Returns the module that `python -m` names in a command, and the names of the flags behind it, or None."""
    found = re.search(r"python3? -m ([\w.]+)(.*)", command)
    if not found:
        return None
    words = shlex.split(re.split(r"[|;]|&&", found.group(2))[0])
    return found.group(1), [re.match(r"--(\w+)", word).group(1) for word in words if re.match(r"--\w", word)]


def prose(markdown: str) -> list[str]:
    """Returns the paragraphs, items of lists and cells of tables: text alone, code as one word."""
    text = re.sub(r"<[^>]+>", "", FENCE.sub("\n\n", markdown))
    text = LINK.sub(lambda link: link.group(1), re.sub(r"`[^`]+`", "CODE", text))
    text = re.sub(r"^#+ .*$", "", text, flags=re.MULTILINE)
    parts = []
    for paragraph in re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )|\n(?=\|)", text):
        parts += paragraph.split("|") if paragraph.lstrip().startswith("|") else [paragraph]
    return [" ".join(re.sub(r"^\s*(?:[-*]|\d+\.) ", "", part).split()) for part in parts if part.strip(" -:\n")]


def sentences(markdown: str) -> list[str]:
    """Returns the sentences of a document, those in tables too."""
    return [sentence for part in prose(markdown) for sentence in re.split(r"(?<=[.!?])\s+(?=\S)", part) if sentence]


def words(sentence: str) -> int:
    """Returns how many words a sentence has; signs alone are none."""
    return sum(1 for word in sentence.split() if re.search(r"\w", word))


def links(markdown: str) -> list[str]:
    """Returns where the links and pictures of a document lead."""
    text = FENCE.sub("", markdown)
    return [target for _, target in LINK.findall(text)] + IMAGE_SOURCE.findall(text)


def anchors(markdown: str) -> set[str]:
    """Returns the names by which a link reaches the headings of a document, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", markdown), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
