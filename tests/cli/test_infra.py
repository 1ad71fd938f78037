"""``livekit-analytics infra`` as a process."""

from __future__ import annotations

from livekit_plugins_analytics.warehouse.infrastructure import cloudformation

from .conftest import Run


def test_the_template_is_for_the_prefix_of_the_settings(run: Run) -> None:
    outcome = run("infra", "cloudformation", ANALYTICS_S3_PREFIX="eu/sessions/")

    assert outcome.json == cloudformation("eu/sessions/")


def test_options_win(run: Run) -> None:
    outcome = run(
        *("infra", "cloudformation", "--prefix", "x/", "--database", "voice", "--table", "calls"),
        ANALYTICS_S3_PREFIX="eu/sessions/",
    )

    assert outcome.json == cloudformation("x/", database="voice", table="calls")


def test_a_name_that_cannot_be_is_refused(run: Run) -> None:
    outcome = run("infra", "cloudformation", "--database", "My Calls")

    assert (outcome.code, outcome.out) == (2, "")
    assert "--database" in outcome.err
