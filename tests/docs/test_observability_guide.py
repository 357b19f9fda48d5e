"""The guide names every metric, label and attribute that there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from gateway.gates import BOTH, gate
from metallm.gateway.metrics import Metrics
from metallm.providers.scripted import ScriptedProvider

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "observability.md"


def rows(first: str) -> list[tuple[str, str]]:
    """The first two cells of each table row that begins so."""
    found = re.findall(r"^\| ([^|]+) \| ([^|]+) \|", GUIDE.read_text("utf-8"), re.MULTILINE)
    return [(name, told) for name, told in found if name.startswith(first)]


def names(text: str) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", text))


def test_every_metric_of_prometheus_is_in_the_guide_with_its_labels() -> None:
    told = {names(name).pop(): names(labels) for name, labels in rows("`metallm_")}
    counts = {
        metric.name + ("_total" if metric.type == "counter" else "")
        for metric in Metrics().registry.collect()
    }
    assert set(told) == counts
    with gate(BOTH, policy="fixed:sim/cheap") as found:
        decision = found.chat().headers["x-metallm-decision-id"]
        found.chat(stream=True)
        found.send("POST", "/v1/feedback", {"decision_id": decision, "quality": 1.0})
        lines = found.send("GET", "/metrics").body.decode().splitlines()
    for line in lines:
        name, _, labels = line.partition("{")
        metric = re.sub(r"_(bucket|sum|count|created)$", "", name)
        if labels and metric in told:
            assert set(re.findall(r'(\w+)="', labels)) - {"le"} == told[metric], line


def test_every_attribute_that_opentelemetry_is_told_is_in_the_guide() -> None:
    pytest.importorskip("opentelemetry.sdk", reason="the extra otel is not installed")
    from metallm.providers.traced import TracedProvider
    from telling import told

    made = told()
    provider = TracedProvider(ScriptedProvider(BOTH), made.calls())
    with gate(provider=provider, tracing=made.tracing()) as found:
        extra: dict[str, Any] = {"metallm": {"task": "t"}}
        decision = found.chat(**extra).headers["x-metallm-decision-id"]
        found.chat(stream=True)
        found.send("POST", "/v1/feedback", {"decision_id": decision, "quality": 1.0})
    guide = names(GUIDE.read_text("utf-8"))
    given = {name for span in made.spans() for name in span.attributes}
    given |= {name for event in made.events() for name in event.attributes}
    points = made.points()
    given |= {name for each in points.values() for point in each for name in point.attributes}
    assert given | set(points) <= guide
