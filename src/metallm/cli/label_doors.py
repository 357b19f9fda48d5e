"""Where labels go: into a log that this process writes, or to the gateway that writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from metallm.cli.configured import open_log
from metallm.cli.guard import WorkFailedError
from metallm.errors import ConfigurationError, InputError, StoreBusyError

if TYPE_CHECKING:
    from metallm.settings import Settings

TIMEOUT_S = 30.0
REFUSED = frozenset({400, 404, 409, 422})
"""Answers of a gateway that say that this label was refused; any other says that all will be."""


class LabelDoor(Protocol):
    """Takes labels one by one; each is durable and learned when `tell` returns."""

    def tell(self, decision_id: str, label: str, *, replace: bool) -> None:
        """Tell a true label.

        Raises:
            InputError: this label was refused.
            MetaLLMError: it could not be told.
        """
        ...

    def close(self) -> None:
        """Let go of the log or the connection."""
        ...


class RouterLabels:
    """Writes the log in this process.

    Args:
        settings: name the log.

    Raises:
        StoreBusyError: another process writes it.
        StoreError: there is no such log.
    """

    def __init__(self, settings: Settings) -> None:
        from metallm.assembly import Router

        open_log(settings).close()  # a name that was mistyped begins no log
        try:
            self._router = Router.from_settings(settings)
        except StoreBusyError as error:
            raise StoreBusyError(
                f"{error}; a gateway that writes it takes labels too: metallm label --gateway URL"
            ) from error

    def tell(self, decision_id: str, label: str, *, replace: bool) -> None:
        """Tell a true label."""
        self._router.feedback(decision_id, label=label, replace=replace)

    def close(self) -> None:
        """Keep a snapshot and let go of the log."""
        self._router.close()


class GatewayLabels:
    """Sends labels to a running gateway, as POST /v1/feedback.

    Args:
        url: of the gateway, with or without /v1.

    Raises:
        ConfigurationError: that is no URL.
    """

    def __init__(self, url: str) -> None:
        from http.client import HTTPConnection, HTTPSConnection
        from urllib.parse import urlsplit

        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigurationError(f"--gateway takes a URL, as http://127.0.0.1:8080, not {url}")
        self._url = url
        self._path = parts.path.rstrip("/").removesuffix("/v1") + "/v1/feedback"
        make = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = make(parts.netloc, timeout=TIMEOUT_S)

    def tell(self, decision_id: str, label: str, *, replace: bool) -> None:
        """Tell a true label."""
        status, message = self._sent(
            {"decision_id": decision_id, "label": label, "replace": replace}
        )
        if status in REFUSED:
            raise InputError(message)
        if status != 200:
            raise WorkFailedError(f"the gateway at {self._url} took no label: {message}")

    def _sent(self, body: dict[str, object]) -> tuple[int, str]:
        """The answer's status and its message."""
        from http.client import HTTPException

        import orjson

        from metallm.cli.gateway_client import key_headers

        try:
            # a person thinks for longer than a server keeps a connection open
            self._connection.close()
            headers = {"Content-Type": "application/json", **key_headers()}
            self._connection.request("POST", self._path, orjson.dumps(body), headers)
            answer = self._connection.getresponse()
            raw, status = answer.read(), answer.status
        except (OSError, HTTPException) as error:
            raise WorkFailedError(
                f"the gateway at {self._url} cannot be reached ({error}): start it with "
                "'metallm serve'; what was labelled before is kept"
            ) from error
        try:
            return status, str(orjson.loads(raw)["error"]["message"])
        except (ValueError, KeyError, TypeError):
            return status, f"HTTP status {status}"

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()


def label_door(settings: Settings, gateway: str | None) -> LabelDoor:
    """The gateway's door where one is named, else the log's."""
    return RouterLabels(settings) if gateway is None else GatewayLabels(gateway)
