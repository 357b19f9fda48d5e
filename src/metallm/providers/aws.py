"""Requests to Bedrock, signed as AWS wants them (SigV4), or with a key of Bedrock's own.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from metallm.errors import MissingExtraError, ProviderAuthError
from metallm.providers.aws_region import region_of
from metallm.providers.registry import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.core.arm import Arm
    from metallm.wire.base import Outgoing

KEY_ENV = "AWS_BEARER_TOKEN_BEDROCK"
"""Holds a key of Bedrock's own, which is sent in place of a signature."""

SERVICE = "bedrock"
"""What a signature is for."""


class AwsSigner:
    """Signs requests; botocore, which does it, is imported at the first.

    Credentials are those that every tool of AWS finds: the environment, a profile, a role, single
    sign-on. botocore refreshes them by itself, over the network where it has to.

    Args:
        environ: where a key, credentials and a region are looked up; None means this process's
            environment, and all that botocore knows beside it.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = environ
        self._lock = threading.Lock()
        self._session: Any = None

    def __call__(self, arm: Arm, sent: Outgoing) -> Mapping[str, str]:
        """The headers to send. It may wait for the network: call it in a thread.

        Raises:
            MissingExtraError: botocore is not installed.
            ConfigurationError: no region is known.
            ProviderAuthError: no credentials are found, or they cannot be refreshed.
        """
        key = self._key(arm, sent.url)
        if key is not None:
            return {**sent.headers, "Authorization": f"Bearer {key}"}
        region = region_of(arm, sent.url, self._environ)
        try:
            from botocore.auth import SigV4Auth  # noqa: PLC0415 - an extra, .3 s to import
            from botocore.awsrequest import AWSRequest  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtraError("botocore", "bedrock") from error
        request = AWSRequest(sent.method, sent.url, dict(sent.headers), sent.body)
        SigV4Auth(self._credentials(arm), SERVICE, region).add_auth(request)
        return dict(request.headers.items())

    def _key(self, arm: Arm, url: str) -> str | None:
        """A key of Bedrock's; a stand-in on loopback gets one only where the arm says so."""
        variables = os.environ if self._environ is None else self._environ
        if arm.api_key_env is not None:
            key = variables.get(arm.api_key_env, "").strip()
            if not key:
                raise ProviderAuthError(
                    arm.name, f"no key: set the environment variable {arm.api_key_env}"
                )
            return key
        if is_loopback(urlsplit(url).hostname or ""):
            return None
        return variables.get(KEY_ENV, "").strip() or None

    def _credentials(self, arm: Arm) -> Any:
        """Access key, secret and token, all of one moment."""
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415

        try:
            found = self._found()
            frozen = None if found is None else found.get_frozen_credentials()
        except BotoCoreError as error:
            raise ProviderAuthError(
                arm.name, f"AWS credentials cannot be had ({type(error).__name__}): {error}"
            ) from error
        if frozen is None or not frozen.access_key:
            raise ProviderAuthError(
                arm.name,
                "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
                f"AWS_PROFILE, or {KEY_ENV}, or run where a role is attached",
            )
        return frozen

    def _found(self) -> Any:
        if self._environ is not None:
            from botocore.credentials import EnvProvider  # noqa: PLC0415

            return EnvProvider(dict(self._environ)).load()
        from botocore.session import Session  # noqa: PLC0415

        with self._lock:
            self._session = self._session or Session()
            return self._session.get_credentials()
