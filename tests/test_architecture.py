"""The packages, their rooms and the arrows between them, read from the source without importing anything."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("dcn_tf", "train", "tools", "edge")
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
}
MAY_IMPORT = {
    "dcn_tf": {"dcn_tf"},
    "train": {"train", "dcn_tf"},
    "tools": {"tools", "edge", "dcn_tf"},
    "edge": {"edge"},
}
NOT_ON_THE_DEVICE = {"tensorflow", "keras", "tf_keras"}


def source(module):
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def names_imported(tree):
    """Yields every name that is imported, at the top of the module or inside a function, as written."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name their module in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported(module):
    """Returns what a module imports: modules of the project, and the names of others' packages."""
    found = set()
    for name in names_imported(ast.parse(source(module).read_text(encoding="utf-8"))):
        owner = name if name in MODULES else name.rpartition(".")[0]
        found.add(owner if owner in MODULES else name.partition(".")[0])
    return found


IMPORTS = {module: imported(module) for module in sorted(MODULES)}


def room(module):
    """Returns the folder of a package that a module is in; a module of the first floor, and a command, is alone."""
    parts = module.split(".")
    is_in_folder = (ROOT / parts[0] / parts[1]).is_dir() if len(parts) > 1 else False
    return module if parts[-1] == "__main__" or not is_in_folder else ".".join(parts[:2])


def between(place):
    """Returns place -> places it imports from, for the modules of the project."""
    graph = {place(module): set() for module in MODULES}
    for module, targets in IMPORTS.items():
        graph[place(module)] |= {place(target) for target in targets & MODULES} - {place(module)}
    return graph


def named(module):
    """Returns what docs/architecture.md calls the folder that a module is in; the first floor is doors there."""
    package = module.partition(".")[0]
    place = room(module)
    if place != module:
        return f"`{place}`"
    return f"`{package}`" if package == "dcn_tf" else f"doors of `{package}`"


def circle(graph):
    """Returns places that import one another in turn, or None."""
    done = set()

    def walk(node, path):
        if node in path:
            return [*path[path.index(node) :], node]
        if node not in done:
            for target in sorted(graph[node]):
                if found := walk(target, [*path, node]):
                    return found
            done.add(node)
        return None

    return next((found for node in sorted(graph) if (found := walk(node, []))), None)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_those_it_may(package):
    for module in sorted(MODULES):
        if module.partition(".")[0] == package:
            of_project = {target.partition(".")[0] for target in IMPORTS[module] & MODULES}
            reads_as_training = module.startswith("tools.baselines.") or module == "tools.check_data"
            may = MAY_IMPORT[package] | ({"train"} if reads_as_training else set())
            assert of_project <= may, f"{module} imports {sorted(of_project - may)}"


def test_the_device_needs_no_tensorflow():
    for module in MODULES:
        if module.partition(".")[0] == "edge":
            assert not IMPORTS[module] & NOT_ON_THE_DEVICE, module


def test_no_modules_import_one_another():
    assert circle(between(lambda module: module)) is None


def test_no_rooms_import_one_another():
    assert circle(between(room)) is None


def test_what_is_read_from_the_source():
    assert {"edge.bundle.manifest", "edge.errors", "numpy"} <= IMPORTS["edge.network.runner"] | IMPORTS["edge.bundle"]
    assert "tensorflow" in IMPORTS["dcn_tf.layers"]
    assert room("edge.run") == "edge.run"
    assert room("edge.network.runner") == "edge.network"
    assert room("edge.bundle.__main__") == "edge.bundle.__main__"
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]


def test_rooms_import_what_the_documents_table_allows():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ((?:doors of )?`[\w.]+`) \| (none|.*`) \|$", text, re.MULTILINE)
    allowed = {place: set(targets.split(", ")) for place, targets in rows}
    for place, targets in between(named).items():
        assert targets <= allowed.get(place, set()), (
            f"docs/architecture.md: {place} imports {', '.join(sorted(targets))}"
        )
