"""What the AWS sinks share: one session, and its clients."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from ..desk import desk
from ..errors import SinkError
from ..version import __version__
from .verdicts import STALE, explained

# boto3 takes 160 ms to import: a process without an AWS sink never pays for it.
if TYPE_CHECKING:
    from boto3 import Session

# Seconds. A server that accepts and says nothing costs one read timeout (a large body to S3: one
# second more, for "100 Continue"), so that three attempts and their pauses fit in the default
# budget of 20 s. The first SYN is repeated after 1 s: the connect timeout allows for one loss. Both
# hold for each address of the host and each socket operation, so the courier needs a deadline of
# its own.
CONNECT_TIMEOUT = 2.0
READ_TIMEOUT = 4.0

# Of one client at most: so many records may be under way to a sink at a time.
CONNECTIONS = 32

# S3-compatible stores want a region to sign with, and hardly one cares which.
_ANY_REGION = "us-east-1"


class Aws:
    """The session and the clients of one process, created when first needed."""

    def __init__(self) -> None:
        # Creating clients is not thread-safe in boto3; using them is.
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._clients: dict[str, Any] = {}

    def client(
        self,
        service: Literal["s3", "logs", "firehose"],
        endpoint_url: str | None = None,
        setup: Callable[[Any], None] | None = None,
    ) -> Any:
        """Return the client of a service, the same one each time.

        The first call costs about 250 ms, and 2 s more where there are no credentials, since
        boto3 then asks the metadata service of EC2.

        Args:
            service: boto3's name of the service.
            endpoint_url: Where the service is, other than at AWS.
            setup: Called once with a new client, before anyone uses it.

        Raises:
            Exception: What boto3 raises; `Aws.failure` says what it means.
        """
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._created(service, endpoint_url, setup)
            return self._clients[service]

    @contextmanager
    def asked(self, sink: str) -> Iterator[None]:
        """Ask something of boto3, for a sink.

        Raises:
            SinkError: What boto3 raises, explained.
        """
        try:
            yield
        except Exception as error:
            raise self.noted(explained(sink, error)) from None

    def noted(self, failure: SinkError) -> SinkError:
        """Start afresh next time where the credentials have expired; return the failure."""
        if failure.code in STALE:
            with self._lock:
                self._session = None
                self._clients = {}
        return failure

    def _created(
        self, service: str, endpoint_url: str | None, setup: Callable[[Any], None] | None
    ) -> Any:
        from botocore.config import Config
        from botocore.exceptions import NoCredentialsError, NoRegionError

        session = self._session or _new_session(region_of_environment())
        region = session.region_name or (_ANY_REGION if endpoint_url else None)
        if not region:
            # By itself the S3 client would take us-east-1 without a word.
            raise NoRegionError()
        if session.get_credentials() is None:
            # Not kept: a client without credentials stays without them.
            raise NoCredentialsError()
        self._session = session
        client = session.client(  # type: ignore[call-overload]  # the stubs want literals
            service,
            region_name=region,
            endpoint_url=endpoint_url,
            config=Config(
                connect_timeout=CONNECT_TIMEOUT,
                read_timeout=READ_TIMEOUT,
                max_pool_connections=CONNECTIONS,
                # The courier retries: it knows the deadline.
                retries={"mode": "standard", "total_max_attempts": 1},
                # The connection lies idle for a whole call.
                tcp_keepalive=True,
                user_agent_extra=f"livekit-plugins-analytics/{__version__}",
            ),
        )
        # An API call computes for a millisecond, waits for the answer, and reads it.
        client.meta.events.register_first("provide-client-params", _compute)
        client.meta.events.register_last("before-send", _wait)
        client.meta.events.register_first("before-parse", _compute)
        if setup:
            setup(client)
        return client


def _compute(**_: Any) -> None:
    desk().sit()


def _wait(**_: Any) -> None:
    desk().rise()


def rehearse(client: Any, operation: str, **parameters: object) -> None:
    """Build and sign a request that is not sent: the first one of a client takes 2 ms more.

    It is then that botocore finds the endpoint and the operation's model, fetches the credentials
    of a role, and imports what it needs for that.

    Args:
        client: boto3's.
        operation: Its method's name: "put_object".
        parameters: What the operation demands.

    Raises:
        Exception: What boto3 raises; `Aws.failure` says what it means.
    """
    client.generate_presigned_url(operation, Params=parameters)


def load_models(services: Iterable[Literal["s3", "logs", "firehose"]]) -> None:
    """Load the SDK and the models of services, for this process and those forked from it.

    No credentials are looked up, and nothing is sent.

    Raises:
        Exception: What boto3 raises.
    """
    from botocore import UNSIGNED
    from botocore.config import Config

    session = _new_session(_ANY_REGION)
    for service in services:
        # Made and forgotten: that reads all that a client of the process' own will need.
        session.client(
            service,
            aws_access_key_id="none",
            aws_secret_access_key="none",
            config=Config(signature_version=UNSIGNED),
        )
    _untouched.append(_made())


# Sessions that nobody has asked for anything, so that they have read neither the environment nor a
# file: each process that is forked from this one has such a session to itself.
_untouched: list[Any] = []


def _new_session(region: str | None) -> Session:
    import boto3
    from botocore.config import Config

    try:
        session = _untouched.pop()
    except IndexError:
        session = _made()
    made = boto3.Session(botocore_session=session, region_name=region)
    if not session.get_config_variable("user_agent_appid"):
        # Put together once. Left to itself botocore does so twice for each request, a sixth of
        # what that costs, to name which of its features the request uses.
        session.set_default_client_config(Config(user_agent=session.user_agent()))
        session.user_agent_extra = ""  # it is in there
    return made


def _made() -> Any:
    from botocore.session import get_session

    session = get_session()
    session.register_component("data_loader", _models())
    return session


@functools.cache
def _models() -> Any:
    """What botocore has read of AWS's services: half of what a client costs, so it is kept."""
    from botocore.session import get_session

    return get_session().get_component("data_loader")


def region_of_environment() -> str | None:
    """The region of the environment; boto3 itself does not read AWS_REGION."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        if value := os.environ.get(name, "").strip():
            return value
    return None
