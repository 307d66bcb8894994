"""The flags of a program of the project, read from its source and from what it imports, without running anything."""

import ast
import functools
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("dcn_tf", "edge", "tools", "train")


def path_of(module: str) -> Path | None:
    """Returns the file that `python -m module` runs, or None where there is none."""
    path = ROOT.joinpath(*module.split("."))
    candidates = (path / "__main__.py", path.with_suffix(".py"))
    return next((candidate for candidate in candidates if candidate.exists()), None)


@functools.cache
def flags_of(module: str) -> set[str]:
    """Returns the names of the flags that a module and those of the project that it imports define."""
    found, seen, left = set(), set(), [path_of(module)]
    while left:
        path = left.pop()
        if path is None or path in seen:
            continue
        seen.add(path)
        names, imports = _read(path)
        found |= names
        left += [_file(name) for name in imports]
    return found


def _file(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((candidate for candidate in candidates if candidate.exists()), None)


@functools.cache
def _read(path: Path) -> tuple[set[str], set[str]]:
    """Returns the flags that a file defines, and the names of the project that it imports."""
    flags, imports = set(), set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            flags |= _of_call(node)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) and _names_flags(node):
            flags |= {key.value for key in node.value.keys if isinstance(key, ast.Constant)}
        elif isinstance(node, ast.ClassDef) and node.name.endswith("Config"):
            flags |= {field.target.id for field in node.body if isinstance(field, ast.AnnAssign)}
        elif isinstance(node, ast.ImportFrom):
            imports |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            imports |= {alias.name for alias in node.names}
    return flags, {name for name in imports if name.partition(".")[0] in PACKAGES}


def _of_call(node: ast.Call) -> set[str]:
    name = node.args[0].value
    if not isinstance(name, str):
        return set()
    function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if function.startswith("DEFINE"):
        return {name}
    return {name[2:]} if name.startswith("--") else set()


def _names_flags(node: ast.Assign) -> bool:
    return any(isinstance(target, ast.Name) and target.id.endswith("FLAGS") for target in node.targets)
