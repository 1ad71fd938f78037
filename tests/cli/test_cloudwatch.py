"""A dashboard and queries for CloudWatch, as a process."""

from __future__ import annotations

import json
import re
from typing import Any

import boto3
import pytest

from livekit_plugins_analytics.assembly import assemble
from livekit_plugins_analytics.cli.dashboard import QUERIES
from livekit_plugins_analytics.emf import metric_members
from livekit_plugins_analytics.figures import WATCHED
from livekit_plugins_analytics.settings import Settings
from tests.servers import MotoServer
from tests.test_emf import BUSY

from .conftest import Run

SEARCH = re.compile(r"""SEARCH\('\{(?P<schema>[^}]+)\} MetricName="(?P<name>\w+)"', '\w+'\)""")


def searches(widget: dict[str, Any]) -> list[tuple[str, tuple[str, ...]]]:
    """What a graph looks for: a metric's name, and the namespace with its dimensions."""
    found = []
    for (metric,) in widget["properties"]["metrics"]:
        match = SEARCH.fullmatch(metric["expression"])
        assert match, metric
        found.append((match["name"], tuple(json.loads(f"[{match['schema']}]"))))
    return found


def test_the_dashboard_shows_every_metric_in_every_set_of_dimensions(run: Run) -> None:
    outcome = run(
        "cloudwatch", "dashboard", ANALYTICS_LOG_GROUP="/voice/calls", AWS_REGION="eu-west-1"
    )

    assert outcome.code == 0, outcome.err
    widgets = outcome.json["widgets"]
    graphs = [widget for widget in widgets if widget["type"] == "metric"]
    found = [each for widget in graphs for each in searches(widget)]
    ids = [[m["id"] for (m,) in widget["properties"]["metrics"]] for widget in graphs]
    assert all(len(set(each)) == len(each) for each in ids)
    assert {name for name, _ in found} == {each.name for each in WATCHED}
    assert {schema for _, schema in found} == {
        ("LiveKitAnalytics", "agent_name", "environment"),
        ("LiveKitAnalytics", "environment"),  # an agent without a name
    }
    assert {widget["properties"]["region"] for widget in widgets} == {"eu-west-1"}


def test_the_widgets_lie_side_by_side(run: Run) -> None:
    outcome = run("cloudwatch", "dashboard", "--region", "x", "--log-group", "/calls")

    taken = [
        (x, y)
        for w in outcome.json["widgets"]
        for x in range(w["x"], w["x"] + w["width"])
        for y in range(w["y"], w["y"] + w["height"])
    ]
    assert len(taken) == len(set(taken))
    assert {x for x, _ in taken} == set(range(24))  # CloudWatch's grid


def test_the_dashboard_finds_the_metrics_that_the_settings_make(run: Run) -> None:
    settings = Settings(
        metrics="emf",
        metrics_namespace="Acme/Voice calls",
        metrics_dimensions="outcome,end_cause,agent_name",
    )
    made = metric_members(
        assemble(BUSY, settings), settings.metrics_namespace, settings.dimensions
    )["_aws"]["CloudWatchMetrics"][0]
    outcome = run(
        *("cloudwatch", "dashboard", "--namespace", "Acme/Voice calls", "--region", "us-east-1"),
        ANALYTICS_LOG_GROUP="/calls",
        ANALYTICS_METRICS_DIMENSIONS="outcome,end_cause,agent_name",
    )

    found = {each for w in outcome.json["widgets"] if w["type"] == "metric" for each in searches(w)}
    (names,) = made["Dimensions"]
    assert names == ["end_cause", "agent_name"]  # nobody said how the call went
    for metric in made["Metrics"]:
        assert (metric["Name"], ("Acme/Voice calls", *names)) in found


def test_cloudwatch_takes_the_dashboard(run: Run, moto: MotoServer) -> None:
    outcome = run("cloudwatch", "dashboard", "--region", "us-east-1", "--log-group", "/calls")
    client: Any = boto3.client(
        "cloudwatch",
        endpoint_url=moto.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=moto.access_key,
        aws_secret_access_key=moto.secret_key,
    )
    try:
        client.put_dashboard(DashboardName="calls", DashboardBody=outcome.out)
        stored = client.get_dashboard(DashboardName="calls")["DashboardBody"]
    finally:
        client.close()

    assert json.loads(stored) == outcome.json


def test_the_queries_name_the_log_group(run: Run) -> None:
    texts = run("cloudwatch", "queries", "--json", ANALYTICS_LOG_GROUP="/voice/calls").json
    people = run("cloudwatch", "queries", "--log-group", "/voice/calls").out

    assert set(texts["queries"]) == set(QUERIES)
    for name, text in texts["queries"].items():
        assert text.startswith("SOURCE '/voice/calls' | fields ")
        assert f"# {name}\n{text}" in people


def test_the_queries_read_fields_that_an_event_has() -> None:
    """What is parsed, filtered and counted exists under that path."""
    record = json.loads(assemble(BUSY, Settings()).model_dump_json(by_alias=True))
    paths = {path for text in QUERIES.values() for path in re.findall(r"\bcall\.([\w.]+)", text)}
    paths |= {"schema_version", "session_id", "agent_name", "duration_seconds"}

    for path in paths:
        value: Any = record
        for key in path.split("."):
            value = value[key]
        assert value is not None, path
    for key in set(re.findall(r"\btool\.(\w+)", QUERIES["Failing tools"])):
        assert record["tool_calls"][0][key], key


@pytest.mark.parametrize(
    ("arguments", "variables", "fix"),
    [
        (["dashboard", "--log-group", "/calls"], {}, "--region"),
        (["dashboard", "--region", "eu-west-1"], {}, "ANALYTICS_LOG_GROUP"),
        (["queries"], {}, "ANALYTICS_LOG_GROUP"),
        (["queries", "--log-group", "arn:aws:logs"], {}, "not its ARN"),
        (["dashboard", "--namespace", "AWS/Mine"], {}, "namespace"),
        (["queries"], {"ANALYTICS_METRICS_DIMENSIONS": "job_id"}, "job_id differs"),
    ],
)
def test_what_is_not_known_or_wrong_is_named(
    run: Run, arguments: list[str], variables: dict[str, str], fix: str
) -> None:
    outcome = run("cloudwatch", *arguments, **variables)

    assert (outcome.code, outcome.out) == (2, "")
    assert fix in outcome.err
