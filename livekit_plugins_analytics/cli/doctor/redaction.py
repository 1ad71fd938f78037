"""What is masked in records."""

from __future__ import annotations

from ...errors import SettingsError
from ...masking import load_redactor
from ...settings import Settings
from .check import Check


def check_redaction(settings: Settings) -> Check:
    """Whether what is to be masked can be found."""
    consent = "content only with consent" if settings.content_consent == "required" else ""
    if settings.redact is None:
        return Check("skipped", "ANALYTICS_REDACT is not set" + (f"; {consent}" if consent else ""))
    try:
        redactor = load_redactor(settings)
    except SettingsError as error:
        return Check(
            "failed", str(error), "Mend ANALYTICS_REDACT: until then no content is recorded"
        )
    entities = list(redactor.entities) if redactor else []
    said = f"masked: {', '.join(entities)}" + (f"; {consent}" if consent else "")
    return Check("ok", said, "", {"entities": entities})
