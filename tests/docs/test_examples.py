"""The Python examples of the pages that need neither keys nor a network run as they stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _python_blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


def test_the_library_example_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = [block for block in _python_blocks("README.md") if "metallm.Router" in block]
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102 - our own page
    said = capsys.readouterr().out.split()
    assert said[0] in {"openai/gpt-4", "openai/gpt-4o-mini"}
    assert 0.0 < float(said[1]) <= 1.0


def test_the_examples_of_the_library_guide_run_one_after_the_other() -> None:
    names: dict[str, object] = {}
    for block in _python_blocks("docs/guides/library.md"):
        exec(compile(block, "library.md", "exec"), names)  # noqa: S102 - our own page
    assert callable(names["ask"])


def test_the_example_of_the_scikit_learn_guide_runs() -> None:
    names: dict[str, Any] = {}
    (example,) = _python_blocks("docs/guides/sklearn.md")
    exec(compile(example, "sklearn.md", "exec"), names)  # noqa: S102 - our own page
    assert names["said"].tolist() == ["positive", "negative"]
    assert names["chances"].shape == (2, 2)
    # five rows went to both arms, at 3 and 300 USD a million calls
    assert names["spent"] >= 5 * 302.9 / 1e6


def test_the_examples_of_the_tasks_guide_give_what_stands_beside_them() -> None:
    names: dict[str, Any] = {}
    told: list[tuple[str, str]] = []
    for block in _python_blocks("docs/guides/tasks.md"):
        exec(compile(block, "tasks.md", "exec"), names)  # noqa: S102 - our own page
        for line in block.splitlines():
            code, _, remark = line.partition("  # ")
            if code.startswith(("tickets.", "stars.", "topics.", "form.read")):
                value = eval(code, names)  # noqa: S307 - our own page
                told.append((remark.split(":")[0], repr(value).replace("'", '"')))
    assert len(told) == 11
    assert [remark for remark, _ in told] == [value for _, value in told]
    report = names["report"]
    assert (report.accuracy.mean, report.error_cost) == (0.5, 2.5)


def test_the_tasks_in_the_toml_of_the_guide_are_those_of_its_python(tmp_path: Path) -> None:
    from metallm.settings import load_settings, tasks_of

    names: dict[str, Any] = {}
    for block in _python_blocks("docs/guides/tasks.md"):
        exec(compile(block, "tasks.md", "exec"), names)  # noqa: S102 - our own page
    text = (ROOT / "docs/guides/tasks.md").read_text(encoding="utf-8")
    (toml,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    path = tmp_path / "metallm.toml"
    path.write_text(toml, encoding="utf-8")
    declared = tasks_of(load_settings(path))
    assert declared == {"tickets": names["tickets"], "topics": names["topics"]}


PAGES = [
    str(page.relative_to(ROOT))
    for pattern in ("*.md", "docs/**/*.md", "examples/*/*.md")
    for page in sorted(ROOT.glob(pattern))
]


@pytest.mark.parametrize("page", PAGES)
def test_links_between_pages_lead_to_a_file_and_a_heading_in_it(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?://)([^)\s]+)\)", text)
    assert [link for link in links if not _leads_somewhere(ROOT / page, link)] == []


def _leads_somewhere(page: Path, link: str) -> bool:
    file, _, heading = link.partition("#")
    target = page.parent / file if file else page
    return target.exists() and (not heading or heading in _anchors(target))


def _anchors(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    bare = [re.sub(r"\[(.*?)\]\(.*?\)", r"\1", heading.lower()) for heading in headings]
    return {re.sub(r"[^\w -]", "", heading).replace(" ", "-") for heading in bare}


def test_the_toml_of_the_gateway_guide_is_read_as_settings(tmp_path: Path) -> None:
    from metallm.providers.prices import priced
    from metallm.settings import load_settings

    text = (ROOT / "docs/guides/gateway.md").read_text(encoding="utf-8")
    (toml,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    path = tmp_path / "metallm.toml"
    path.write_text(toml, encoding="utf-8")
    settings = load_settings(path)
    (arm,), (model,) = settings.arms, settings.embeddings
    assert arm.arm().list_price is not None
    assert priced(model.arm(), output_price=0.0).list_price is not None
