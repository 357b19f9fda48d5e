from __future__ import annotations

import re
import secrets
from typing import Any

import pytest

from metallm.core.key import ID_BYTES, LENGTH, SECRET_BYTES, Key, digest_of, redacted, written
from metallm.errors import ConfigurationError

WHOLE = written("0a1b2c3d", "e" * 2 * SECRET_BYTES)


def test_a_key_has_one_length_and_says_what_it_is() -> None:
    made = written(secrets.token_hex(ID_BYTES), secrets.token_hex(SECRET_BYTES))
    assert len(made) == len(WHOLE) == LENGTH
    assert re.fullmatch(r"mlm_[0-9a-f]{8}_[0-9a-f]{48}", made)


def test_a_digest_does_not_hold_the_key_and_differs_with_every_sign() -> None:
    assert len(digest_of(WHOLE)) == 32
    assert len({digest_of(WHOLE[:place] + "0" + WHOLE[place + 1 :]) for place in range(70)}) > 60


def test_a_key_does_not_show_its_digest() -> None:
    key = Key("0a1b2c3d", "ci", "ci", digest_of(WHOLE))
    assert "digest" not in repr(key)


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": " ci"},
        {"name": "c\ni"},
        {"name": "x" * 101},
        {"tenant": ""},
        {"requests_per_minute": 0},
        {"tokens_per_minute": float("nan")},
    ],
)
def test_what_cannot_be_used_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        Key(**{"id": "0a1b2c3d", "name": "ci", "tenant": "ci", "digest": b"", **fields})


def test_keys_in_a_text_lose_their_secret_and_keep_their_id() -> None:
    assert redacted(f"/x/{WHOLE}/{WHOLE}y") == "/x/mlm_0a1b2c3d_.../mlm_0a1b2c3d_...y"
    assert redacted("nothing mlm_here") == "nothing mlm_here"
    assert redacted("nothing") == "nothing"
