from __future__ import annotations

from pathlib import Path

import pytest

from metallm.assembly import Router
from metallm.core.price import Tier
from metallm.core.task import Task
from metallm.errors import ConfigurationError
from metallm.settings import load_settings, tasks_of


def test_arguments_win_over_the_environment_over_the_file_over_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "metallm.toml"
    path.write_text('[gateway]\nport = 1\nhost = "127.0.0.2"\n[router]\npolicy = "greedy"\n')
    monkeypatch.setenv("METALLM_GATEWAY__PORT", "2")
    monkeypatch.setenv("METALLM_ROUTER__SEED", "5")
    settings = load_settings(path, router={"policy": "linucb", "seed": None})
    assert settings.gateway.port == 2
    assert settings.gateway.host == "127.0.0.2"
    assert settings.router.policy == "linucb"
    assert settings.router.seed == 5
    assert settings.router.cost_weight == 0.2


def test_what_longer_calls_cost_is_a_table_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "metallm.toml"
    path.write_text(
        '[[arms]]\nname = "gemini/x"\ninput_price = 1.0\noutput_price = 8.0\n'
        "[[arms.price_tiers]]\nabove = 200_000\ninput = 2.0\noutput = 12.0\n"
    )
    (arm,) = load_settings(str(path)).arms
    assert arm.arm().price_tiers == (Tier(200_000, 2.0, 12.0),)


def test_arms_come_from_the_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "metallm.toml"
    path.write_text('[[arms]]\nname = "openai/gpt-4"\ninput_price = 30.0\noutput_price = 60.0\n')
    (arm,) = load_settings(path).arms
    assert arm.arm().list_price is not None
    monkeypatch.setenv("METALLM_ARMS", '[{"name": "a/b"}, {"name": "a/c"}]')
    assert [each.name for each in load_settings(path).arms] == ["a/b", "a/c"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[gateway]\nport = 'x'\n", r"gateway\.port: Input should be a valid integer"),
        ("[gatway]\nport = 1\n", "gatway: there is no such setting; 'gateway' is meant"),
        ("[router]\npolcy = 1\n", r"router\.polcy: .* 'policy' is meant"),
        ("[[arms]]\nname = 'a/b'\nbaseurl = 1\n", r"arms\.0\.baseurl: .* 'base_url' is meant"),
        (
            "[[arms]]\nname = 'a/b'\n[[arms.price_tiers]]\nabve = 1\ninput = 1\noutput = 1\n",
            r"arms\.0\.price_tiers\.0\.abve: .* 'above' is meant",
        ),
        ("[cache]\nxyz = 1\n", r"cache\.xyz: there is no such setting here; there are .*ttl_s"),
        ("[[arms]]\nname = 'a/b'\nprice = 1.5\n", r"arms\.0\.price: only 'unknown' .*input_price"),
        ("[[arms]]\nmodel = 'x'\n", r"arms\.0\.name: Field required"),
        ("port = = 1\n", "no valid TOML"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_place(
    tmp_path: Path, text: str, told: str
) -> None:
    path = tmp_path / "metallm.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=told):
        load_settings(path)


def test_a_missing_file_says_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="metallm init"):
        load_settings(tmp_path / "none.toml")


def test_values_of_settings_never_stand_in_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METALLM_GATEWAY__PORT", "sk-secret")
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert "sk-secret" not in str(caught.value)


def test_an_environment_that_is_no_json_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METALLM_ARMS", "[{")
    with pytest.raises(ConfigurationError, match="arms"):
        load_settings()


def test_a_prior_quality_reaches_the_routers_arm(tmp_path: Path) -> None:
    path = tmp_path / "metallm.toml"
    # a price of the price table's is filled in beside it
    path.write_text(
        '[store]\npath = ""\n[[arms]]\nname = "openai/gpt-4o-mini"\nprior_quality = 0.82\n'
    )
    router = Router.from_settings(load_settings(path))
    try:
        assert router.arms["openai/gpt-4o-mini"].prior_quality == 0.82
        assert router.arms["openai/gpt-4o-mini"].list_price is not None
    finally:
        router.close()


def test_a_prior_quality_outside_its_range_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "metallm.toml"
    path.write_text('[[arms]]\nname = "a"\nprior_quality = 82\n')
    with pytest.raises(ConfigurationError, match=r"arms\.0\.prior_quality: .*less than or equal"):
        load_settings(path)


TASKS = """
[[tasks]]
name = "tickets"
labels = { login = "cannot sign in", billing = "invoices" }
instructions = "Sort."
none_of_these = "other"
error_costs = { login = { billing = 5 } }

[[tasks.examples]]
text = "Where is my invoice?"
label = "billing"

[[tasks]]
name = "topics"
kind = "multi"
labels = ["sports", "politics"]
examples = [{ text = "The minister runs", label = ["politics", "sports"] }]
template = "Which of these?\\n{labels}\\n{text}"
"""


def test_tasks_are_declared_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "metallm.toml"
    path.write_text(TASKS)
    assert tasks_of(load_settings(path)) == {
        "tickets": Task(
            "tickets",
            labels={"login": "cannot sign in", "billing": "invoices"},
            instructions="Sort.",
            examples=[("Where is my invoice?", "billing")],
            none_of_these="other",
            error_costs={("login", "billing"): 5.0},
        ),
        "topics": Task(
            "topics",
            "multi",
            ["sports", "politics"],
            examples=[("The minister runs", "sports | politics")],
            template="Which of these?\n{labels}\n{text}",
        ),
    }


def test_tasks_are_declared_in_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METALLM_TASKS", '[{"name": "t", "labels": ["b", "a"]}]')
    assert tasks_of(load_settings())["t"].labels == ("b", "a")


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ('[[tasks]]\nlabels = ["a", "b"]\n', r"tasks\.0\.name: Field required"),
        ('[[tasks]]\nname = "t"\nlables = 1\n', r"tasks\.0\.lables: .* 'labels' is meant"),
        ('[[tasks]]\nname = "t"\nkind = "x"\n', r"tasks\.0\.kind: Input should be 'single'"),
        ('[[tasks]]\nname = "t"\nlabels = ["a"]\n', r"tasks\.0: task 't': .*2 labels or more"),
        (
            '[[tasks]]\nname = "t"\nlabels = ["a", "b"]\nexamples = [{text = "x", label = "c"}]\n',
            r"tasks\.0: 'c' is not one of the labels",
        ),
        (
            '[[tasks]]\nname = "t"\nlabels = ["a", "b"]\n[[tasks]]\nname = "t"\n',
            r"tasks\.1: another task is called 't'",
        ),
    ],
)
def test_a_mistake_in_a_task_is_named_with_its_place(
    tmp_path: Path, tables: str, told: str
) -> None:
    path = tmp_path / "metallm.toml"
    path.write_text(tables)
    with pytest.raises(ConfigurationError, match=told):
        tasks_of(load_settings(path))


def test_an_arm_that_can_be_held_to_a_schema_says_so(tmp_path: Path) -> None:
    path = tmp_path / "metallm.toml"
    path.write_text('[[arms]]\nname = "a"\nstructured = true\n[[arms]]\nname = "b"\n')
    assert [each.arm().structured for each in load_settings(path).arms] == [True, False]
