"""From a capture to the parcel that is sent. Runs in the courier's thread.

No live call needs it, and it takes longer to load than all that one needs: it is loaded before
the first call, by the thread that needs it at the latest.
"""

from __future__ import annotations

import contextlib

from .assembly import assemble, bare, parcel
from .call import Capture
from .desk import desk
from .guard import Guard
from .privacy import Discretion
from .settings import Settings
from .telemetry import measure
from .writers import Parcel


def rendered(
    capture: Capture,
    settings: Settings,
    discretion: Discretion,
    guard: Guard,
    *,
    lost: int,
    counted: bool,
    measured: bool,
) -> Parcel:
    """The parcel of a capture; nothing that is in the capture can make it fail.

    Args:
        capture: What was copied on the event loop.
        settings: What the record carries.
        discretion: What may be told of the call.
        guard: Counts what goes wrong in here.
        lost: Records that were lost before this one and that no other has told.
        counted: Whether the call's metrics are in CloudWatch already.
        measured: Whether they are to go to the user's meter provider.
    """
    with desk().seated():
        try:
            record = assemble(capture, settings, discretion, lost_before=lost)
        except Exception as error:
            # Half a record beats none: what cannot fail, and the failure counted.
            guard.failed("assembly", error)
            record = bare(capture, settings, guard.errors, discretion)
        if measured:
            guard(measure, "telemetry")(record, settings.dimensions)
        return parcel(record, settings, counted=counted)


def load_prices() -> None:
    """Load the price list now: a megabyte, which its library reads at the first look."""
    from voice_prices import Usage, calc_price

    with contextlib.suppress(LookupError):
        calc_price(Usage(), "none")
