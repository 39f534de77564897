"""docs/custom_agents.md says what is so: its blocks run, and its list of verbs is the one in force."""

import re
import sys
from pathlib import Path

import pytest

from market_sim.agents.policies import VERBS, load_policies
from market_sim.scenario.load import load_scenario

PAGE = Path(__file__).parents[2] / "docs" / "custom_agents.md"


@pytest.fixture
def blocks(tmp_path, monkeypatch):
    """The page's Python blocks; one that opens with a file's name is saved under it, on the path."""
    monkeypatch.syspath_prepend(str(tmp_path))
    found = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    plain = []
    for block in found:
        if named := re.match(r"# (\w+)\.py\n", block):
            (tmp_path / f"{named[1]}.py").write_text(block)
        else:
            plain.append(block)
    yield plain
    sys.modules.pop("my_policies", None)


def test_the_blocks_of_the_page_run(blocks):
    """Read from top to bottom as one program, every block runs and what it asserts holds."""
    assert len(blocks) >= 6
    program: dict[str, object] = {}
    for place, block in enumerate(blocks):
        exec(compile(block, f"{PAGE.name}, block {place}", "exec"), program)
    assert {"CapsItsQuotes", "AsksForNothing", "ServesTheLongestWaiting"} <= set(program)


def test_the_command_of_the_page_names_a_policy(blocks):
    """What the page hands to --policy loads as a policy of that firm."""
    texts = re.findall(r"--policy (\S+)", PAGE.read_text())
    assert blocks
    assert list(load_policies(texts, load_scenario("baseline"))) == ["NVIDIA"]


def test_the_page_lists_every_verb_as_declared():
    """Each verb stands in the table with its meaning and unit."""
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    for kind in VERBS.values():
        for name, verb in kind.items():
            wanted = f"| `{name}` | {verb.meaning} | {verb.unit} |"
            assert any(wanted in row for row in rows), wanted
