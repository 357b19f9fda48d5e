from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from metallm.core.arm import Arm
from metallm.errors import ConfigurationError, MissingExtraError, ProviderAuthError
from metallm.providers.aws import AwsSigner
from metallm.wire.base import Outgoing

pytest.importorskip("botocore")

KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
ARM = Arm("bedrock/amazon.titan-text-express-v1")
AWS = "https://bedrock-runtime.eu-west-1.amazonaws.com/model/m/converse"
HEADERS = {"Content-Type": "application/json", "User-Agent": "metallm"}


def sent(url: str = AWS, body: bytes = b"{}") -> Outgoing:
    return Outgoing("POST", url, HEADERS, body)


def test_a_signature_names_the_key_the_region_and_what_it_covers() -> None:
    headers = AwsSigner(KEYS)(ARM, sent())
    told = headers["Authorization"]
    assert told.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/eu-west-1/bedrock/aws4_request, SignedHeaders=content-type;host;x-amz-date" in told
    assert {name: headers[name] for name in HEADERS} == HEADERS
    assert "secret" not in str(headers)


def test_another_body_has_another_signature_and_a_session_its_token() -> None:
    signer = AwsSigner({**KEYS, "AWS_SESSION_TOKEN": "token"})
    first, second = signer(ARM, sent()), signer(ARM, sent(body=b"{ }"))
    assert first["Authorization"] != second["Authorization"]
    assert first["X-Amz-Security-Token"] == "token"


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com/x", "us-gov-west-1"),
        ("https://vpce-1.bedrock-runtime.ap-south-1.vpce.amazonaws.com/x", "ap-south-1"),
        ("https://bedrock-runtime.cn-north-1.amazonaws.com.cn/x", "cn-north-1"),
        ("https://proxy.example/x", "us-east-2"),
    ],
)
def test_the_region_of_the_url_wins(url: str, region: str) -> None:
    headers = AwsSigner({**KEYS, "AWS_REGION": "us-east-2"})(ARM, sent(url))
    assert f"/{region}/bedrock/" in headers["Authorization"]


def test_a_region_that_nobody_names_is_not_guessed() -> None:
    with pytest.raises(ConfigurationError, match="no AWS region is known"):
        AwsSigner(KEYS)(ARM, sent("https://proxy.example/x"))


def test_a_key_of_bedrocks_is_sent_in_place_of_a_signature() -> None:
    signer = AwsSigner({**KEYS, "AWS_BEARER_TOKEN_BEDROCK": "bedrock-key", "MINE": "mine"})
    assert signer(ARM, sent())["Authorization"] == "Bearer bedrock-key"
    own = Arm(ARM.name, api_key_env="MINE")
    assert signer(own, sent())["Authorization"] == "Bearer mine"


def test_a_stand_in_on_loopback_never_sees_the_key() -> None:
    environ = {**KEYS, "AWS_BEARER_TOKEN_BEDROCK": "bedrock-key", "AWS_REGION": "us-east-1"}
    headers = AwsSigner(environ)(ARM, sent("http://127.0.0.1:9100/model/m/converse"))
    assert headers["Authorization"].startswith("AWS4-HMAC-SHA256")


def test_what_is_missing_is_told_with_what_to_set() -> None:
    with pytest.raises(ProviderAuthError, match="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        AwsSigner({})(ARM, sent())
    with pytest.raises(ProviderAuthError, match="set the environment variable MINE"):
        AwsSigner(KEYS)(Arm(ARM.name, api_key_env="MINE"), sent())
    with pytest.raises(ProviderAuthError, match="PartialCredentialsError") as raised:
        AwsSigner({"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE"})(ARM, sent())
    assert raised.value.__cause__ is not None


def test_a_profile_is_found_as_every_tool_of_aws_finds_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "credentials"
    file.write_text("[work]\naws_access_key_id = AKIDWORK\naws_secret_access_key = s\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_BEARER_TOKEN_BEDROCK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_PROFILE", "work")
    signer = AwsSigner()
    for _ in range(2):
        assert "Credential=AKIDWORK/" in signer(ARM, sent())["Authorization"]
    monkeypatch.setenv("AWS_PROFILE", "none")
    with pytest.raises(ProviderAuthError, match="ProfileNotFound"):
        AwsSigner()(ARM, sent())


def test_without_botocore_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden: Any = None
    monkeypatch.setitem(sys.modules, "botocore.auth", hidden)
    with pytest.raises(MissingExtraError, match=r"pip install 'metallm\[bedrock\]'"):
        AwsSigner(KEYS)(ARM, sent())
    key = {"AWS_BEARER_TOKEN_BEDROCK": "k"}
    assert AwsSigner(key)(ARM, sent())["Authorization"] == "Bearer k"


def test_botocore_is_imported_at_the_first_signature_alone() -> None:
    import subprocess

    code = "import sys, metallm.providers.http; sys.exit('botocore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
