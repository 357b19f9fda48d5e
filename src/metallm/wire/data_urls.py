"""Data URLs, in which OpenAI's wire carries images and files: data:image/png;base64,..."""

from __future__ import annotations

DATA = "data:"
"""What such a URL begins with."""

_BASE64 = ";base64,"


def read_data_url(url: str) -> tuple[str, str] | None:
    """Type and base64 text; None where the URL is none of that kind."""
    head, found, data = url.partition(_BASE64)
    if not found or not head.startswith(DATA):
        return None
    return head.removeprefix(DATA), data


def write_data_url(mime: str, data: str) -> str:
    """The URL.

    Args:
        mime: type of the content.
        data: the content in base64.
    """
    return f"{DATA}{mime}{_BASE64}{data}"
