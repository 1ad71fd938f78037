"""What an answer of AWS means for a record, and what to do about it."""

from __future__ import annotations

import re
from typing import Any

from ..errors import SinkError

# The operation that failed -> the IAM action it needs, and on what.
_BUCKET = "the bucket of ANALYTICS_S3_BUCKET (and kms:GenerateDataKey on its KMS key, if any)"
_GROUP = "the log group of ANALYTICS_LOG_GROUP"
_STREAM = "the stream of ANALYTICS_FIREHOSE_STREAM"
_ACTIONS = {
    "PutObject": ("s3:PutObject", _BUCKET),
    "CreateSession": ("s3express:CreateSession", _BUCKET),
    "CreateLogStream": ("logs:CreateLogStream", _GROUP),
    "PutLogEvents": ("logs:PutLogEvents", _GROUP),
    "PutRecordBatch": ("firehose:PutRecordBatch", _STREAM),
}
_VARIABLES = {
    "s3": "ANALYTICS_S3_BUCKET",
    "cloudwatch": "ANALYTICS_LOG_GROUP",
    "firehose": "ANALYTICS_FIREHOSE_STREAM",
}

_DENIED = "Allow {action} on {resource} in the IAM policy of the credentials in use"
_EXPIRED_TOKEN = (
    "AWS_SESSION_TOKEN has expired: set new AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and"
    " AWS_SESSION_TOKEN, or the key of an IAM user, which does not expire"
)
_UNKNOWN_KEY = (
    "AWS does not know the key in AWS_ACCESS_KEY_ID (with AWS_SESSION_TOKEN, if it is a temporary"
    " one): set the pair of a key that exists"
)
_WRONG_SECRET = (
    "AWS_SECRET_ACCESS_KEY is not the secret of AWS_ACCESS_KEY_ID, or the clock of this machine is"
    " wrong: set both again, without spaces or line breaks"
)
_CLOCK = "The clock of this machine is wrong by minutes: synchronise it"
_WRONG_REGION = "AWS_REGION is not the region of the bucket in ANALYTICS_S3_BUCKET"
_NO_CREDENTIALS = (
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, on LiveKit Cloud as secrets of the agent"
)
_NO_REGION = "Set AWS_REGION to the region of {variable}"
_KMS = (
    "The KMS key of ANALYTICS_S3_KMS_KEY_ID (or the bucket's default key) cannot be used: it must"
    " exist, be enabled, be in the bucket's region and allow kms:GenerateDataKey"
)
_NO_BUCKET = "Create the bucket of ANALYTICS_S3_BUCKET, or correct the name"
_NO_GROUP = "Create the log group of ANALYTICS_LOG_GROUP in the region of AWS_REGION"
_NO_STREAM = "Create the stream of ANALYTICS_FIREHOSE_STREAM in the region of AWS_REGION"
_NO_DIRECT_PUT = (
    "The stream of ANALYTICS_FIREHOSE_STREAM has another source: create one with the source Direct"
    " PUT"
)
_KMS_OF_STREAM = (
    "The KMS key of the stream of ANALYTICS_FIREHOSE_STREAM cannot be used: it must exist, be"
    " enabled and be granted to Firehose"
)
_UNREACHABLE = (
    "Nothing answers: check the network, AWS_REGION and, where they are set,"
    " ANALYTICS_S3_ENDPOINT_URL and AWS_ENDPOINT_URL"
)
_REFUSED = (
    "The same request would be refused again: check {variable}, AWS_ACCESS_KEY_ID, AWS_REGION and"
    " permissions"
)

# What does not pass by itself, by the code of the answer.
_PERMANENT = {
    "AccessDenied": _DENIED,
    "AccessDeniedException": _DENIED,
    "AllAccessDisabled": _DENIED,
    "UnauthorizedAccess": _DENIED,
    "ExpiredToken": _EXPIRED_TOKEN,
    "ExpiredTokenException": _EXPIRED_TOKEN,
    "TokenRefreshRequired": _EXPIRED_TOKEN,
    "InvalidAccessKeyId": _UNKNOWN_KEY,
    "InvalidClientTokenId": _UNKNOWN_KEY,
    "InvalidToken": _UNKNOWN_KEY,
    "UnrecognizedClientException": _UNKNOWN_KEY,
    "SignatureDoesNotMatch": _WRONG_SECRET,
    "InvalidSignatureException": _WRONG_SECRET,
    "IncompleteSignature": _WRONG_SECRET,
    "RequestTimeTooSkewed": _CLOCK,
    "RequestExpired": _CLOCK,
    "PermanentRedirect": _WRONG_REGION,
    "AuthorizationHeaderMalformed": _WRONG_REGION,
    "IllegalLocationConstraintException": _WRONG_REGION,
    "InvalidBucketName": _NO_BUCKET,
    "NoSuchBucket": _NO_BUCKET,
    "ResourceNotFoundException": _NO_GROUP,
    "NotImplemented": (
        "The store does not know all of S3: unset ANALYTICS_S3_KMS_KEY_ID, or set"
        " AWS_REQUEST_CHECKSUM_CALCULATION=when_required"
    ),
}
# The same code, said of something else.
_PERMANENT_IN = {
    ("PutRecordBatch", "ResourceNotFoundException"): _NO_STREAM,
    ("PutRecordBatch", "InvalidSourceException"): _NO_DIRECT_PUT,
    ("PutRecordBatch", "InvalidKMSResourceException"): _KMS_OF_STREAM,
}
# Answers without a code of their own: botocore gives the status.
_PERMANENT |= {"401": _DENIED, "403": _DENIED, "301": _WRONG_REGION}

# What S3 has against one object: against its key, of which the prefix is a setting, or against
# its size, which nobody can change.
_OF_THE_KEY = "KeyTooLongError"
_OF_THE_SIZE = "EntityTooLarge"

# What passes by itself although its status says otherwise; throttling is told apart by its name.
_TRANSIENT = frozenset(
    {
        "BadDigest",  # damaged on the way
        "ConditionalRequestConflict",
        "EC2ThrottledException",
        "IncompleteBody",
        "InternalError",
        "InternalFailure",
        "OperationAborted",
        "OperationAbortedException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SlowDown",
        "TemporaryRedirect",
        "TooManyRequestsException",
        "XAmzContentChecksumMismatch",
    }
)
_TRANSIENT_STATUS = frozenset({307, 408, 425, 429, 500, 502, 503, 504})

STALE = frozenset(code for code, fix in _PERMANENT.items() if fix in (_EXPIRED_TOKEN, _UNKNOWN_KEY))
"""Codes that a new session may mend: it may find new credentials, where they come from a file that
something refreshes."""

# The code comes from whoever answered, perhaps a proxy: nothing else of an answer is passed on.
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


def explained(sink: str, error: Exception) -> SinkError:
    """Return what an exception of boto3 means for a sink.

    Nothing of the exception's text is passed on: it may quote the request or the answer.
    """
    from botocore import exceptions as aws

    def permanent(code: str, fix: str) -> SinkError:
        return SinkError(
            sink, code, retryable=False, fix=fix.format(variable=_VARIABLES.get(sink, sink))
        )

    def transient(code: str, fix: str = "") -> SinkError:
        return SinkError(sink, code, retryable=True, fix=fix)

    if isinstance(error, aws.ClientError):
        answer: Any = error.response
        return answered(
            sink,
            error.operation_name,
            answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0),
            answer.get("Error", {}).get("Code", ""),
        )
    if isinstance(error, (aws.ReadTimeoutError, aws.ConnectTimeoutError)):
        return transient("Timeout")
    if isinstance(error, aws.SSLError):
        return transient(
            "TLSFailed",
            "The server's certificate is not trusted or TLS broke off: check AWS_CA_BUNDLE and"
            " whether a proxy is in between",
        )
    if isinstance(error, aws.ProxyConnectionError):
        return transient("ProxyFailed", "The proxy of HTTPS_PROXY or HTTP_PROXY does not answer")
    if isinstance(error, aws.EndpointConnectionError):
        return transient("ConnectionFailed", _UNREACHABLE)
    if isinstance(error, aws.ConnectionClosedError):
        return transient("ConnectionClosed")
    if isinstance(error, aws.HTTPClientError):
        if isinstance(error.kwargs.get("error"), ValueError):
            # http.client refuses a header with a line break in it: a secret pasted with its end.
            return permanent(
                "InvalidHeader",
                "AWS_ACCESS_KEY_ID or AWS_SESSION_TOKEN holds a line break: set it again without",
            )
        return transient("ConnectionClosed")
    if isinstance(error, aws.PartialCredentialsError):
        return permanent("PartialCredentials", _NO_CREDENTIALS)
    if isinstance(error, aws.NoCredentialsError):
        return permanent("NoCredentials", _NO_CREDENTIALS)
    if isinstance(error, (aws.CredentialRetrievalError, aws.MetadataRetrievalError)):
        return transient(
            "CredentialRetrieval",
            "The source of the credentials fails: check the role or the credential process",
        )
    if isinstance(error, (aws.NoRegionError, aws.InvalidRegionError)):
        return permanent("NoRegion", _NO_REGION)
    if isinstance(error, aws.ProfileNotFound):
        return permanent("ProfileNotFound", "AWS_PROFILE names a profile that does not exist")
    if isinstance(error, ValueError) and "endpoint" in str(error).lower():
        return permanent(
            "InvalidEndpoint",
            "ANALYTICS_S3_ENDPOINT_URL or AWS_ENDPOINT_URL is no URL such as https://s3.example.com",
        )
    # Wrong parameters, a broken configuration file: the next try would end the same way.
    return permanent(type(error).__name__, _REFUSED)


def answered(sink: str, operation: str, status: int, code: object) -> SinkError:
    """Return what an error answer of AWS means for a sink.

    Args:
        sink: The sink's name.
        operation: As the API calls it: "PutObject".
        status: The HTTP status; 0 where unknown.
        code: The code in the answer: "AccessDenied".
    """
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        code = str(status)
    name = code if code.strip("0123456789") else f"HTTP{code}"
    if status in _TRANSIENT_STATUS or code in _TRANSIENT or "Thrott" in code:
        return SinkError(sink, name, retryable=True)
    if code.startswith("KMS."):
        return SinkError(sink, name, retryable=False, fix=_KMS)
    action, resource = _ACTIONS.get(operation, (f"sts:{operation}", "the role of AWS_ROLE_ARN"))
    fix = _PERMANENT_IN.get((operation, code)) or _PERMANENT.get(code, _REFUSED)
    fix = fix.format(action=action, resource=resource, variable=_VARIABLES.get(sink, sink))
    return SinkError(
        sink,
        name,
        retryable=status >= 500 and code not in _PERMANENT,
        fix=fix,
        of_record=code == _OF_THE_KEY,
        final=code == _OF_THE_SIZE and status < 500,
    )
