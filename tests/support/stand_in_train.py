"""A stand-in for `train.main` that a sweep can run in milliseconds: it understands the flags that sweeps give."""

SOURCE = """
import json, os, pathlib, sys, time

given = dict(argument[2:].partition("=")[::2] for argument in sys.argv[1:])
if given.get("wrong"):
    sys.exit("train.main: --wrong must be right. Received: " + given["wrong"])
config = {
    "workdir": given["workdir"],
    "data_dir": given.get("data_dir"),
    "eval_data_dir": None,
    "seed": int(given["seed"]),
    "train_steps": int(given.get("train_steps", 4)),
    "batch_size": 10,
    "hint_weight": float(given.get("hint_weight", 0)),
}
if "print_config" in given:
    print(json.dumps(config))
    sys.exit()
workdir = pathlib.Path(given["workdir"])
print("reading", given.get("data_dir"), "in", pathlib.Path.cwd() / "x", file=sys.stderr)
print(os.environ["TF_NUM_INTRAOP_THREADS"], "threads", file=sys.stderr)
checkpoint = workdir / "checkpoint"
first = int(checkpoint.read_text()) if checkpoint.exists() else 0
for step in range(first, config["train_steps"]):
    line = f"12:00:00  step {step + 1}/{config['train_steps']}  00:00:01 to go  100 images/s  loss 1.0"
    print(line, file=sys.stderr, flush=True)
    checkpoint.write_text(str(step + 1))
    time.sleep(float(given.get("step_seconds", 0)))
if given.get("fail"):
    sys.exit("train.main: the loss is not finite")
(workdir / "curves.csv").write_text("step,name,value")
(workdir / "flags.txt").write_text("".join(f"--{n}={v}\\n" for n, v in config.items() if v is not None))
result = {"steps": config["train_steps"], "first": first, "config": config}
(workdir / "result.json").write_text(json.dumps(result))
"""


def install(folder):
    """Writes it as the package `train` of `folder`, where a process that is begun there finds it first."""
    (folder / "train").mkdir()
    (folder / "train" / "__init__.py").touch()
    (folder / "train" / "main.py").write_text(SOURCE)
