import json

import pytest

from train.cluster import Cluster, cluster_of
from train.errors import UserError

TWO = {"worker": ["127.0.0.1:2222", "127.0.0.1:2223"]}


def described(cluster, kind="worker", index=0):
    return json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (described(TWO), Cluster(0, 2)),
        (described(TWO, index=1), Cluster(1, 2)),
        (described(TWO | {"chief": ["127.0.0.1:2221"]}, "chief"), Cluster(0, 3)),
        (described(TWO | {"chief": ["127.0.0.1:2221"]}, index=1), Cluster(2, 3)),
    ],
)
def test_the_chief_comes_first(monkeypatch, text, wanted):
    monkeypatch.setenv("TF_CONFIG", text)
    assert cluster_of("multiworker") == wanted
    assert cluster_of("mirrored") == cluster_of("none") == Cluster(0, 1)


@pytest.mark.parametrize(
    "text",
    [
        "two machines",
        "[]",
        described([]),
        described({}),
        described(TWO, index=2),
        described(TWO, index=-1),
        described(TWO, index="0"),
        described(TWO, "chief"),
        described(TWO, "ps"),
        described(TWO | {"ps": ["127.0.0.1:2221"]}),
        described(TWO | {"chief": ["127.0.0.1:1", "127.0.0.1:2"]}),
        described({"worker": ["127.0.0.1"]}),
        described({"worker": [2222]}),
        json.dumps({"cluster": TWO}),
    ],
)
def test_a_wrong_cluster_is_told(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError, match=r"TF_CONFIG must name every worker as host:port.*Received: "):
        cluster_of("multiworker")


def test_a_missing_cluster_is_told(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(UserError, match=r'needs TF_CONFIG in the environment, such as \{"cluster": \{"worker"'):
        cluster_of("multiworker")
