import importlib.util
import subprocess
import sys
from pathlib import Path

EDGE = Path(__file__).parents[2] / "edge"
PROGRAM = """
import importlib, sys
importlib.import_module(sys.argv[1])
loaded = {name.partition(".")[0] for name in sys.modules}
print(sorted(loaded & {"tensorflow", "keras", "tf_keras", "dcn_tf", "train", "tools"}))
"""


HAS_SERVE = all(importlib.util.find_spec(name) for name in ("aiohttp", "paho"))


def test_no_module_imports_tensorflow_or_another_package_of_the_project():
    paths = (path.relative_to(EDGE.parent) for path in EDGE.rglob("*.py") if path.stem != "__init__")
    modules = sorted(".".join(path.with_suffix("").parts) for path in paths)
    assert {"edge.network.runner", "edge.energy.meters"} <= set(modules)
    for module in modules:
        if module.startswith("edge.serving.") and not HAS_SERVE:  # the extra serve is not in every environment
            continue
        command = [sys.executable, "-c", PROGRAM, module]
        run = subprocess.run(command, cwd=EDGE.parent, capture_output=True, text=True, check=True)
        assert run.stdout.strip() == "[]", module
