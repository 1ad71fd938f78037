"""The entities that are known without a pattern of the team's own."""

from __future__ import annotations

import re

ENTITIES = ("email", "phone", "card", "iban", "ssn", "ip")
"""What the built-in redactor finds, by the names that masks show."""

# No part begins with a digit: "[code-2]" must not be read as the second of "code".
NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z][a-z0-9]*)*")
