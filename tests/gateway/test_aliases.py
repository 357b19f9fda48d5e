"""Names to ask for in place of a model, and which of them a key may ask for."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from doubles import CHEAP, DEAR
from gateway.gates import BOTH, HELLO, Gate, gate
from gateway.keyed import Charged, Keyed, key, keyed
from metallm.core.arm import Arm
from metallm.core.budget import Budget
from metallm.errors import ConfigurationError
from metallm.gateway.aliases import Alias, checked_aliases
from metallm.gateway.rules import Rules
from metallm.providers.bounds import Bounds
from metallm.providers.scripted import ScriptedProvider
from metallm.settings import AliasSettings

ARMS = {arm.name: arm for arm in (CHEAP, DEAR)}
CHEAP_ALIAS = Alias("cheap", ("sim/cheap",))
GREEDY = Alias("saving", cost_weight=9.0, task="saving")
SAID = {**BOTH, "sim/third": "hi from third"}
ALIASES = (CHEAP_ALIAS, GREEDY, Alias("gpt-4o"))


def test_an_alias_is_read_from_its_table() -> None:
    told = AliasSettings(
        name="a", arms=("x",), cost_weight=0.5, task="t", budget_usd=1.0, min_quality=0.7
    )
    alias = Alias.of(told)
    assert alias.min_quality == 0.7
    assert (alias.name, alias.arms, alias.cost_weight, alias.task) == ("a", ("x",), 0.5, "t")
    assert alias.budget is not None
    assert (alias.budget.usd, alias.budget.window) == (1.0, "total")
    assert Alias.of(AliasSettings(name="a")) == Alias("a")


@pytest.mark.parametrize(
    ("aliases", "told"),
    [
        ((Alias("a"), Alias("a")), "another name"),
        ((Alias("auto"),), "another name"),
        ((Alias("sim/cheap"),), "another name"),
        ((Alias("a", ("sim/none",)),), "no arm is called 'sim/none'"),
    ],
)
def test_an_alias_that_cannot_be_is_refused(aliases: tuple[Alias, ...], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        checked_aliases(aliases, ARMS, {"auto"})
    with pytest.raises(ConfigurationError, match=told), gate(rules=Rules(aliases=aliases)):
        pass


def names(made: Gate | Keyed, who: str | None = None) -> list[str]:
    reply = (
        made.send("GET", "/v1/models")
        if isinstance(made, Gate)
        else made.send(who, "GET", "/v1/models")
    )
    return [each["id"] for each in reply.json["data"]]


def test_an_alias_is_answered_by_its_arms_at_its_cost_weight_as_its_task() -> None:
    with gate(rules=Rules(aliases=ALIASES)) as made:
        for _ in range(5):
            assert made.chat(model="cheap").headers["x-metallm-arm"] == "sim/cheap"
        saving = made.chat(model="saving").headers["x-metallm-decision-id"]
        decision = made.router.decision(saving)
        assert (decision.cost_weight, decision.task) == (9.0, "saving")
        assert decision.client is not None
        assert (decision.client.alias, decision.client.key) == ("saving", None)
        assert set(decision.propensities) == {"sim/cheap", "sim/dear"}
        plain = made.router.decision(made.chat().headers["x-metallm-decision-id"])
        assert plain.client is None


def test_a_client_may_say_otherwise_within_the_arms_of_an_alias() -> None:
    with gate(rules=Rules(aliases=ALIASES)) as made:
        told = {"cost_weight": 0.25, "task": "mine", "arms": ["sim/dear"]}
        reply = made.chat(model="saving", metallm=told)
        decision = made.router.decision(reply.headers["x-metallm-decision-id"])
        assert (decision.cost_weight, decision.task) == (0.25, "mine")
        assert reply.headers["x-metallm-arm"] == "sim/dear"
        assert made.chat(model="cheap", metallm={"arms": ["sim/dear"]}).status == 404


@pytest.mark.parametrize("stream", [False, True])
def test_an_alias_has_cost_weight_arms_least_quality_and_budget_of_its_own(stream: bool) -> None:
    third = Arm("sim/third", 0.1, 0.2)
    alias = Alias("good", ("sim/cheap", "sim/dear"), 5.0, None, Budget(1.0), min_quality=0.7)
    options: dict[str, Any] = {
        "rules": Rules(aliases=(alias, Alias("any", cost_weight=5.0))),
        "provider": Charged(ScriptedProvider(SAID), ScriptedProvider(SAID), Bounds(100)),
        "arms": [CHEAP, DEAR, third],
    }
    with gate(**options) as made:
        for number in range(40):
            for arm, quality in (("sim/cheap", 0.1), ("sim/dear", 0.9), ("sim/third", 0.9)):
                decision = made.router.decide(f"hello {number}", arms=[arm])
                made.router.feedback(decision.id, quality=quality)
        reply = made.chat(model="good", stream=stream, max_tokens=5)
        chosen = made.router.decision(reply.headers["x-metallm-decision-id"])
        assert reply.headers["x-metallm-arm"] == "sim/dear"
        assert (chosen.cost_weight, dict(chosen.propensities)) == (5.0, {"sim/dear": 1.0})
        assert chosen.client is not None
        assert (chosen.client.held_usd or 0.0) > 0.0
        assert made.router.spent_nano("alias", "good", 0.0) > 0
        free = made.router.decision(
            made.chat(model="any", max_tokens=5).headers["x-metallm-decision-id"]
        )
        assert len(free.propensities) == 3


def test_an_alias_can_have_the_name_that_clients_ask_for_already() -> None:
    with gate(rules=Rules(aliases=ALIASES)) as made, made.client() as client:
        answer = client.chat.completions.create(model="gpt-4o", messages=HELLO)
        assert answer.model in ARMS


def test_auto_with_a_tasks_name_is_routed_as_that_task() -> None:
    with gate() as made:
        reply = made.chat(model="auto:tickets")
        assert made.router.decision(reply.headers["x-metallm-decision-id"]).task == "tickets"
        assert made.chat(model="auto:").status == 404


def test_models_are_listed_with_what_they_mean() -> None:
    with gate(rules=Rules(aliases=ALIASES)) as made:
        assert names(made) == ["auto", "cheap", "saving", "gpt-4o", "sim/cheap", "sim/dear"]
        told = made.send("GET", "/v1/models/saving").json["metallm"]
        assert told == {
            "price_per_mtok": None,
            "arms": None,
            "cost_weight": 9.0,
            "min_quality": None,
            "task": "saving",
        }
        assert made.send("GET", "/v1/models/cheap").json["metallm"]["arms"] == ["sim/cheap"]


PEOPLE = [
    key(1, "all"),
    key(2, "one arm", arms=("sim/cheap",)),
    key(3, "one alias", aliases=("saving",)),
    key(4, "both", aliases=("saving", "cheap"), arms=("sim/dear",)),
    key(5, "gone", aliases=("no more",)),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("keys")
    with keyed(folder, *PEOPLE, rules={"aliases": ALIASES}) as made:
        yield made


@pytest.mark.parametrize(
    ("who", "model", "arms"),
    [
        ("all", "auto", {"sim/cheap", "sim/dear"}),
        ("all", "sim/dear", {"sim/dear"}),
        ("all", "saving", {"sim/cheap", "sim/dear"}),
        ("one arm", "auto", {"sim/cheap"}),
        ("one arm", "sim/cheap", {"sim/cheap"}),
        ("one arm", "sim/dear", None),
        ("one arm", "saving", {"sim/cheap"}),
        ("one alias", "saving", {"sim/cheap", "sim/dear"}),
        ("one alias", "auto", None),
        ("one alias", "auto:task", None),
        ("one alias", "sim/cheap", None),
        ("one alias", "cheap", None),
        ("both", "saving", {"sim/dear"}),
        ("both", "cheap", None),
        ("gone", "auto", None),
        ("gone", "no more", None),
    ],
)
def test_a_key_is_answered_by_what_it_may_have(
    made: Keyed, who: str, model: str, arms: set[str] | None
) -> None:
    reply = made.chat(who, model=model)
    if arms is None:
        assert (reply.status, reply.error["code"]) == (404, "model_not_found")
        return
    decision = made.gate.router.decision(reply.headers["x-metallm-decision-id"])
    assert set(decision.propensities) == arms


def test_a_refusal_names_nothing_that_the_key_may_not_have(made: Keyed) -> None:
    told = made.chat("one arm", model="sim/dear").error["message"].replace("'sim/dear'", "")
    assert "sim/dear" not in told
    assert "sim/cheap" in told
    told = made.chat("one arm", metallm={"arms": ["sim/dear"]}).error["message"]
    assert told.count("sim/dear") == 1


def test_each_key_sees_the_models_that_it_may_ask_for(made: Keyed) -> None:
    assert names(made, "one arm") == ["auto", "cheap", "saving", "gpt-4o", "sim/cheap"]
    assert names(made, "one alias") == ["saving"]
    assert names(made, "gone") == []
    assert made.send("one alias", "GET", "/v1/models/auto").status == 404
    assert made.send("one alias", "GET", "/v1/models/saving").status == 200


def test_a_classification_is_held_to_the_same_arms(made: Keyed) -> None:
    asked = {"text": "is it?", "labels": ["hi from cheap", "hi from dear"]}
    for who, arms in (("one arm", {"sim/cheap"}), ("both", {"sim/dear"}), ("all", set(ARMS))):
        reply = made.send(who, "POST", "/v1/classify", asked)
        decision = made.gate.router.decision(reply.json["decision_id"])
        assert set(decision.propensities) == arms
    assert made.send("gone", "POST", "/v1/classify", asked).status == 404
    named = {**asked, "arms": ["sim/dear"]}
    assert made.send("one arm", "POST", "/v1/classify", named).status == 404


def test_tokens_are_counted_for_models_that_a_key_may_ask_for(made: Keyed) -> None:
    asked = {"messages": HELLO, "max_tokens": 5}
    for model, status in (("sim/cheap", 200), ("cheap", 200), ("sim/dear", 404)):
        path = "/v1/messages/count_tokens"
        reply = made.send("one arm", "POST", path, {"model": model, **asked})
        assert reply.status == status


def test_the_official_client_is_told_that_a_model_is_not_there(made: Keyed) -> None:
    with made.client("one alias") as client, pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="sim/dear", messages=HELLO)
