from __future__ import annotations

import pytest

from metallm.core.arm import Arm
from metallm.core.wires import GEMINI, NAMES, OPENAI, RESPONSES
from metallm.errors import ConfigurationError, ProviderAuthError
from metallm.providers.registry import HOSTS, Endpoint, api_key, endpoint, is_loopback, wire_of
from metallm.wire.wires import WIRES


def test_a_known_provider_brings_its_host_and_the_name_of_its_key() -> None:
    place = endpoint(Arm("openai/gpt-4o"))
    assert place == Endpoint("https://api.openai.com/v1", "OPENAI_API_KEY", key_required=True)
    assert endpoint(Arm("OpenAI/gpt-4o")) == place


def test_azures_host_is_the_one_that_the_environment_names() -> None:
    arm = Arm("azure/my-deployment")
    environ = {"AZURE_OPENAI_ENDPOINT": "https://mine.openai.azure.com/"}
    place = endpoint(arm, environ)
    assert place.base_url == "https://mine.openai.azure.com/openai/v1"
    assert (place.api_key_env, place.key_required) == ("AZURE_OPENAI_API_KEY", True)
    with pytest.raises(ConfigurationError, match="set the environment variable AZURE_OPENAI_END"):
        endpoint(arm, {})
    own = Arm("azure/d", base_url="https://other.openai.azure.com/openai/v1")
    assert endpoint(own, {}).base_url == own.base_url


@pytest.mark.parametrize("provider", ["bedrock", "gemini"])
def test_openais_wires_are_asked_where_a_host_has_them(provider: str) -> None:
    environ = {"AWS_REGION": "eu-west-1"}
    for wire in (OPENAI, RESPONSES):
        assert "openai" in endpoint(Arm(f"{provider}/m", wire=wire), environ).base_url


def test_an_arms_own_host_and_key_win() -> None:
    arm = Arm("openai/gpt-4o", base_url="https://proxy.example/v1/", api_key_env="PROXY_KEY")
    assert endpoint(arm) == Endpoint("https://proxy.example/v1", "PROXY_KEY", key_required=True)


def test_an_unknown_provider_with_a_host_of_its_own_needs_no_key() -> None:
    place = endpoint(Arm("lan/llama", base_url="http://10.0.0.7:8000/v1"))
    assert place == Endpoint("http://10.0.0.7:8000/v1", None, key_required=False)
    assert api_key(Arm("lan/llama"), place, {}) is None


def test_an_unknown_provider_without_a_host_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ConfigurationError, match=r"'acme/x': no host is known for 'acme'.*openai"):
        endpoint(Arm("acme/x"))


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x/v1", "http://", "https://[::1", "/v1"])
def test_a_base_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="must be an http:// or https:// URL"):
        endpoint(Arm("acme/x", base_url=url))


def test_a_stand_in_on_loopback_never_sees_the_providers_key() -> None:
    environ = {"OPENAI_API_KEY": "sk-real", "MINE": "local"}
    arm = Arm("openai/gpt-4o", base_url="http://127.0.0.1:9100/v1")
    assert api_key(arm, endpoint(arm), environ) is None
    own = Arm("openai/gpt-4o", base_url="http://localhost:9100/v1", api_key_env="MINE")
    assert api_key(own, endpoint(own), environ) == "local"
    assert api_key(own, endpoint(own), {}) is None


def test_a_missing_key_names_the_variable_to_set() -> None:
    arm = Arm("groq/llama-3.1-8b-instant")
    for environ in ({}, {"GROQ_API_KEY": "  "}):
        with pytest.raises(ProviderAuthError, match="set the environment variable GROQ_API_KEY"):
            api_key(arm, endpoint(arm), environ)
    assert api_key(arm, endpoint(arm), {"GROQ_API_KEY": " gsk \n"}) == "gsk"


def test_keys_are_read_from_the_environment_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XAI_API_KEY", "xai-1")
    arm = Arm("xai/grok-4")
    assert api_key(arm, endpoint(arm)) == "xai-1"


@pytest.mark.parametrize(
    ("hostname", "local"),
    [
        ("localhost", True),
        ("a.localhost", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("localhost.example", False),
    ],
)
def test_loopback_means_this_machine(hostname: str, local: bool) -> None:
    assert is_loopback(hostname) is local


@pytest.mark.parametrize("name", HOSTS)
def test_every_row_can_be_used(name: str) -> None:
    environ = {"AWS_REGION": "eu-west-1", "AZURE_OPENAI_ENDPOINT": "https://mine.example"}
    place = endpoint(Arm(f"{name}/some-model"), environ)
    assert not place.base_url.endswith("/")
    assert (place.api_key_env is not None) is place.base_url.startswith("https://")
    assert place.key_required is (place.api_key_env is not None and not HOSTS[name].signed)


@pytest.mark.parametrize(
    ("model", "environ", "region"),
    [
        ("amazon.titan-text-express-v1", {"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ("amazon.titan-text-express-v1", {"AWS_DEFAULT_REGION": "us-gov-west-1"}, "us-gov-west-1"),
        ("x", {"AWS_REGION": " ", "AWS_DEFAULT_REGION": "us-east-1"}, "us-east-1"),
        (
            "arn:aws:bedrock:ap-south-1:1:inference-profile/apac.amazon.nova-pro-v1:0",
            {"AWS_REGION": "eu-west-1"},
            "ap-south-1",
        ),
    ],
)
def test_the_region_is_in_the_models_arn_or_in_the_environment(
    model: str, environ: dict[str, str], region: str
) -> None:
    place = endpoint(Arm(f"bedrock/{model}"), environ)
    assert place.base_url == f"https://bedrock-runtime.{region}.amazonaws.com"
    assert not place.key_required


def test_without_a_region_nothing_is_guessed() -> None:
    with pytest.raises(ConfigurationError, match="set the environment variable AWS_REGION"):
        endpoint(Arm("bedrock/amazon.titan-text-express-v1"), {})


def test_bedrocks_own_openai_api_wants_a_key() -> None:
    arm = Arm("bedrock/openai.gpt-oss-120b-1:0", wire=OPENAI)
    place = endpoint(arm, {"AWS_REGION": "us-west-2"})
    assert place.base_url == "https://bedrock-runtime.us-west-2.amazonaws.com/openai/v1"
    assert (place.api_key_env, place.key_required) == ("AWS_BEARER_TOKEN_BEDROCK", True)


def test_every_wire_that_an_arm_can_name_is_there_and_every_host_speaks_one() -> None:
    assert set(WIRES) == set(NAMES)
    assert all(wire.name == name for name, wire in WIRES.items())
    assert {host.wire for host in HOSTS.values()} <= set(NAMES)


def test_a_host_with_two_wires_has_a_root_for_each() -> None:
    own, compatible = Arm("gemini/gemini-2.5-pro"), Arm("gemini/gemini-2.5-pro", wire=OPENAI)
    assert wire_of(own).name == GEMINI
    assert endpoint(own).base_url == "https://generativelanguage.googleapis.com/v1beta"
    assert wire_of(compatible).name == OPENAI
    assert endpoint(compatible).base_url.endswith("/v1beta/openai")


def test_an_arm_speaks_what_it_says_or_what_its_host_does() -> None:
    assert wire_of(Arm("openai/gpt-4o")).name == OPENAI
    assert wire_of(Arm("lan/llama", base_url="http://10.0.0.7:8000/v1")).name == OPENAI
    assert wire_of(Arm("lan/llama")).name == OPENAI
