"""README.md, BUILD.md and docs/ name what is there, and say it in short sentences."""

import re

import pytest
from documents import (
    ROOT,
    SHELL,
    Block,
    anchors,
    blocks,
    commands,
    documents,
    inline_commands,
    links,
    module_and_flags,
    sentences,
    words,
)
from flags_of import PACKAGES, flags_of, path_of

MOST_LINES, MOST_WORDS, MOST_PICTURE_BYTES, MOST_STATIONS, MOST_GLOSSARY = 160, 30, 100_000, 12, 25
EVERYWHERE = {"help", "helpfull", "flagfile"}
READ_ONLY = [ROOT / "results" / "README.md", ROOT / "models" / "README.md"]  # their commands are long trainings


def each_of(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: str(path.relative_to(ROOT)))


each_document, each_text = each_of(documents()), each_of([*documents(), *READ_ONLY])


def commands_of(markdown):
    shell = [command for block in blocks(markdown) if block.language in SHELL for _, command in commands(block)]
    return shell + inline_commands(markdown)


def figures(markdown):
    """Returns the numbers of a text: 4.0, 1/31, 50,000."""
    return re.findall(r"\d+(?:[.,/]\d+)*", markdown)


@each_text
def test_modules_and_flags_that_commands_name_are_there(path):
    for command in commands_of(path.read_text()):
        module, flags = module_and_flags(command) or (None, [])
        if module and module.partition(".")[0] in PACKAGES:
            assert path_of(module), f"{command}: there is no module {module}"
            known = flags_of(module) | EVERYWHERE
            missing = [flag for flag in flags if not {flag, flag.removeprefix("no")} & known]
            assert not missing, f"{command}: {module} has no {missing}"


@each_document
def test_make_has_the_targets_that_commands_name(path):
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for command in commands_of(path.read_text()):
        found = re.search(r"\bmake ([\w-]+)", command)
        assert not found or found.group(1) in targets, command


@each_text
def test_no_sentence_is_long(path):
    long = [f"{words(s)} words: {s}" for s in sentences(path.read_text()) if words(s) > MOST_WORDS]
    assert not long, "\n".join(long)


@each_text
def test_links_lead_somewhere(path):
    for target in links(path.read_text()):
        if re.match(r"\w+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = path.parent / file if file else path
        assert there.exists(), f"{path.name}: {target}"
        if anchor:
            assert anchor in anchors(there.read_text()), f"{path.name}: {target}"


@each_document
def test_paths_in_the_text_are_there(path):
    folders = "|".join((*PACKAGES, "tests", "models", "sweeps"))
    for code in re.findall(rf"`((?:{folders})/[\w./]*)`", path.read_text()):
        assert (ROOT / code.replace("NAME", "folder")).exists(), f"{path.name}: {code}"


def test_the_readme_is_one_page_and_its_pictures_are_small():
    markdown = (ROOT / "README.md").read_text()
    assert len(markdown.splitlines()) <= MOST_LINES
    pictures = [ROOT / target for target in links(markdown) if target.endswith((".png", ".jpg", ".svg"))]
    assert pictures
    assert sum(picture.stat().st_size for picture in pictures) < MOST_PICTURE_BYTES


def test_figures_of_the_readme_stand_in_the_linked_pages():
    rows = re.findall(
        r"^\| \[[^]]*\]\((docs/\w+\.md)[^)]*\)(.*\*\*.*)$", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    assert len(rows) >= 4
    for page, row in rows:
        there = figures((ROOT / page).read_text())
        missing = [figure for figure in figures(row) if figure not in there]
        assert not missing, f"{page} has no {missing}"


def test_every_page_is_linked_from_the_readme():
    linked = set(links((ROOT / "README.md").read_text()))
    assert {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} <= linked


def test_the_readme_lists_the_rooms():
    markdown = (ROOT / "README.md").read_text()
    rooms = {f"{path.parent.name}/{path.name}" for package in ("edge", "tools") for path in (ROOT / package).iterdir()
             if (path / "__init__.py").exists()}  # fmt: skip
    assert rooms == set(re.findall(r"^\| `((?:edge|tools)/\w+)/` ", markdown, re.MULTILINE))


def test_walks_and_glossary_are_short():
    markdown = (ROOT / "docs" / "architecture.md").read_text()
    walks = re.findall(r"^## A walk: .*?(?=^## )", markdown, re.MULTILINE | re.DOTALL)
    assert len(walks) == 2
    for walk in walks:
        stations = re.findall(r"^\d+\. (.*)$", walk, re.MULTILINE)
        assert 1 <= len(stations) <= MOST_STATIONS
        for name in re.findall(r"`((?:dcn_tf|edge|train)/[\w/]+\.py)`", walk):
            assert (ROOT / name).exists(), name
    glossary = markdown[markdown.index("## The words") :]
    assert len(re.findall(r"^\| ", glossary, re.MULTILINE)) - 1 <= MOST_GLOSSARY


def test_what_is_read_from_a_document():
    block = "make a  # b\npython -m x.y --u=1 \\\n    --v w && z\n"
    markdown = f"# One two\n\nA `b c` [d](e.md#f). G!\n\n```\n{block}```\n\n| h | i j |\n"
    assert blocks(markdown) == [Block("", block, 6)]
    assert commands(blocks(markdown)[0]) == [(6, "make a"), (8, "python -m x.y --u=1 --v w && z")]
    assert module_and_flags("python -m x.y --u=1 --v w && z --q") == ("x.y", ["u", "v"])
    assert sentences(markdown) == ["A CODE d.", "G!", "h", "i j"]
    assert [words(s) for s in ("A CODE, d - e.", "")] == [4, 0]
    assert links(markdown) == ["e.md#f"]
    assert anchors("# One, two\n## `a` b\n") == {"one-two", "a-b"}


def test_flags_are_read_from_the_source():
    assert {"workdir", "train_steps", "replicas", "selectors", "print_config"} <= flags_of("train.main")
    assert {"bundle", "camera", "adaptive"} <= flags_of("edge.run")
    assert "nothing" not in flags_of("train.main")
