"""Which of AWS's regions an arm is asked in."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from metallm.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metallm.core.arm import Arm

VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
"""Where a region is looked up, in this order."""

_IN_HOST = re.compile(r"bedrock[a-z-]*\.([a-z]{2}(?:-[a-z]+)+-\d)\.")
_IN_ARN = re.compile(r"arn:aws[a-z-]*:[a-z-]+:([a-z]{2}(?:-[a-z]+)+-\d):")


def region_of(arm: Arm, url: str | None, environ: Mapping[str, str] | None = None) -> str:
    """The region that a URL names, or the model's ARN, or the environment.

    There is no default: queries are not to leave for another continent for want of a variable.

    Args:
        arm: the arm.
        url: where it is asked; None where that is what the region has to tell.
        environ: where a region is looked up; None means this process's environment.

    Raises:
        ConfigurationError: none of them names one.
    """
    in_host = _IN_HOST.search(urlsplit(url).hostname or "") if url is not None else None
    found = in_host or _IN_ARN.match(arm.upstream_model)
    if found is not None:
        return found[1]
    variables = os.environ if environ is None else environ
    region = next((told for name in VARIABLES if (told := variables.get(name, "").strip())), None)
    if region is None:
        raise ConfigurationError(
            f"arm {arm.name!r}: no AWS region is known: set the environment variable AWS_REGION, "
            'or wire = "bedrock" and base_url = "https://bedrock-runtime.REGION.amazonaws.com"'
        )
    return region
