"""The commands of a section of a guide in Markdown, to be run as they stand there."""

import re
from dataclasses import dataclass

from edge.errors import UserError

FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: the paragraph before it, and the commands in it."""

    introduction: str
    commands: str


def blocks(markdown: str, section: str) -> list[Block]:
    """Returns the fenced blocks of a section and its subsections; UserError where there is no such section."""
    found = re.search(rf"^(#+) {re.escape(section)}$", markdown, re.MULTILINE)
    if not found:
        raise UserError(f"there is no section {section!r}; name one that is there")
    rest = markdown[found.end() :]
    outside = FENCED.sub(lambda block: " " * len(block.group()), rest)  # a comment in a block is no heading
    end = re.search(rf"^#{{1,{len(found.group(1))}}} ", outside, re.MULTILINE)
    rest = rest[: end.start()] if end else rest
    result, position = [], 0
    for block in FENCED.finditer(rest):
        paragraphs = rest[position : block.start()].strip().split("\n\n")
        result.append(Block(" ".join(paragraphs[-1].split()), block.group(2)))
        position = block.end()
    return result


def commands(markdown: str, section: str, introduction: str) -> str:
    """Returns the commands of the block that is so introduced; UserError where the section has none, or several."""
    found = [block.commands for block in blocks(markdown, section) if block.introduction.startswith(introduction)]
    if len(found) != 1:
        raise UserError(
            f"section {section!r} must have one block that is introduced by {introduction!r}, it has {len(found)}; "
            "write one"
        )
    return found[0]
