"""The numbers of a running service, as Prometheus reads them."""

import os
from collections import Counter

from edge.serving.service import Service

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(service: Service, requests: Counter, connections: int) -> str:
    """Returns the text that Prometheus scrapes; `requests` counts them by (path, status)."""
    totals, seen = service.totals(), service.recent.last
    stages = {f'{{stage="{name}"}}': us / 1e6 for name, us in sorted(totals.stages_us.items())}
    answered = {f'{{path="{path}",status="{status}"}}': count for (path, status), count in sorted(requests.items())}
    families = [
        ("dcn_frames_total", "counter", "frames of the camera that were read", {"": totals.frames}),
        ("dcn_uploads_total", "counter", "images of requests that were read", {"": totals.uploads}),
        ("dcn_early_exits_total", "counter", "images whose coarse answer stood", {"": totals.early_exits}),
        ("dcn_patches_total", "counter", "patches that were looked at", {"": totals.patches}),
        ("dcn_stage_seconds_total", "counter", "time of each stage", stages),
        ("dcn_requests_total", "counter", "requests that were answered", answered),
        ("dcn_connections", "gauge", "open connections", {"": connections}),
        ("dcn_waiting", "gauge", "images that wait to be read", {"": service.reader.waiting}),
        ("process_resident_memory_bytes", "gauge", "memory of the process", {"": memory()}),
    ]
    if service.camera:
        families.append(("dcn_camera_up", "gauge", "whether frames come", {"": int(service.camera.is_up)}))
    if service.publisher:
        families.append(("dcn_mqtt_up", "gauge", "whether the broker is there", {"": int(service.publisher.is_up)}))
    if seen:
        families.append(("dcn_probability", "gauge", "of the last frame's reading", {"": seen.result.probability}))
        families.append(("dcn_frame_time_seconds", "gauge", "when the last frame was read", {"": round(seen.time, 3)}))
        if seen.result.prediction.isascii() and seen.result.prediction.isdecimal():
            families.append(("dcn_reading", "gauge", "the last frame's reading", {"": int(seen.result.prediction)}))
    return "".join(_family(*family) for family in families)


def memory() -> int:
    """Returns how many bytes of memory this process has, on Linux."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _family(name: str, kind: str, text: str, samples: dict) -> str:
    lines = [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
    lines += [f"{name}{labels} {value}" for labels, value in samples.items()]
    return "\n".join(lines) + "\n"
