"""Whatever is wrong with the input: exit code 2, one message with place, value and remedy, and nothing written."""

import shutil
from pathlib import Path

import pytest
from ended import SHORT, Command

OVER = 'extends = "baseline"\n'


def written(folder: Path) -> list[Path]:
    """All below a folder but the bytecode that Python keeps of what it imports, a user's policy included."""
    return sorted(path for path in folder.rglob("*") if "__pycache__" not in path.parts)


def refused(cli: Command, tmp_path: Path, *arguments: str) -> str:
    """The message of a command that is refused and leaves the folder as it was."""
    before = written(tmp_path)
    ended = cli(*arguments)
    assert ended.code == 2, ended
    assert ended.out == ""
    assert ended.err.startswith("market-sim: ")
    assert "Traceback" not in ended.err
    assert written(tmp_path) == before
    return ended.err.removeprefix("market-sim: ").rstrip("\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (OVER + "labs.sgma = 0.3", ["labs.sgma = 0.3", "did you mean 'labs.sigma'"]),
        (OVER + "labs.sigma = 'high'", ['labs.sigma = "high"', "a number in log"]),
        (OVER + "provider.CoreWeave.power = '5 GW'", ['"5 GW"', "a number in MW", "without 'GW'"]),
        (OVER + "labs.taste_share = 1.5", ["labs.taste_share = 1.5", "0 to 1"]),
        (OVER + "vendor.NVIDIA.supply = -1.0", ["vendor.NVIDIA.supply = -1.0", "0 to 1e+10"]),
        (OVER + "labs.sigma = nan", ["labs.sigma", "a finite number"]),
        (OVER + "labs.sigma = inf", ["labs.sigma", "a finite number"]),
        (OVER + "ticks = 1.5", ["ticks = 1.5", "a whole number, 1 to 4800"]),
        (OVER + "trade.built_terms = [12.0]", ["trade.built_terms", "at most 10 years, the length of the run"]),
        (OVER + "[chip.X]\n[chip.X]", ["line 3", "[chip.X]", "a second time"]),
        (OVER + "provider.CoreWeave.chips = ['H10', 'H100']", ["'H10' is not defined as a chip", "H100"]),
        (OVER + "provider.CoreWeave.chips = ['H100', 'H100']", ["each name once", "'H100' is there twice"]),
        (OVER + "vendor.NVIDIA.owner = 'Microsft'", ["not defined as a provider", "mean 'Microsoft'"]),
        (OVER + "[provider.CoreWaeve]\ncash = 'x'", ["provider.CoreWaeve.cash"]),
        (OVER + "chip.H100.catalog = 'H100-SMX'", ["chip.H100.catalog", "catalogue", "mean 'H100-SXM'"]),
        (OVER + "lab.OpenAI.architecture = 'Lama 3.1 70B'", ["lab.OpenAI.architecture", "'Llama 3.1 70B'"]),
        (OVER + "name = '../elsewhere'", ["name = ", "a short name of letters"]),
        ("extends = '../base.toml'", ["extends", "leads out of the scenario's folder"]),
        ("extends = '/etc/passwd'", ["extends", "a path relative to this file"]),
        ("extends = 'nowhere'", ["extends = 'nowhere'", "no such file"]),
        ("extends = 'mine.toml'", ["extends itself in a loop"]),
        ("ticks = 12", ["vendor", "the market would be empty without it"]),
        ("ticks = ", ["line 1 is not TOML"]),
    ],
)
def test_a_wrong_scenario_is_refused(cli: Command, tmp_path: Path, text: str, said: list[str]) -> None:
    """File, key path, value and what was wanted, on one line for one mistake."""
    (tmp_path / "mine.toml").write_text(text)
    message = refused(cli, tmp_path, "run", "mine.toml")
    assert message.startswith("mine.toml: ")
    for piece in said:
        assert piece in message
    assert "\n" not in message or "would be empty" in message


@pytest.mark.parametrize("command", ["run", "validate", "show", "fit"])
def test_every_command_refuses_what_is_no_scenario(cli: Command, tmp_path: Path, command: str) -> None:
    """A missing file, a 100 MB file and a binary one."""
    assert "did you mean the shipped scenario 'baseline'" in refused(cli, tmp_path, command, "baselin")
    with (tmp_path / "big.toml").open("wb") as file:
        file.truncate(100_000_000)
    assert "big.toml: 100 MB; a scenario has at most 10 MB" in refused(cli, tmp_path, command, "big.toml")
    (tmp_path / "binary.toml").write_bytes(bytes(range(256)))
    assert "binary.toml: a binary file" in refused(cli, tmp_path, command, "binary.toml")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run"], "Missing argument"),
        (["run", "baseline", "--sede", "1"], "--seed"),
        (["run", "baseline", "--seed", "-1"], "'-1'; wanted a whole number from 0"),
        (["run", "baseline", "--seed", "one"], "'one'; wanted a whole number from 0"),
        (["run", "baseline", "--seed", "9" * 30], "wanted a whole number from 0 to 9223372036854775807"),
        (["run", "baseline", "--replicate", "1.5"], "'1.5'; wanted a whole number from 0 to 2147483647"),
        (["rnu"], "rnu"),
        (["run", "baseline", "--set", "ticks"], "--set 'ticks' has no '=': wanted key=value"),
        (["run", "baseline", "--set", "tikcs=3"], "did you mean 'ticks'"),
        (["run", "baseline", "--set", "labs.sigma=x"], '--set: labs.sigma = "x": wanted a number in log'),
        (["run", "baseline", "--record", "share"], "there is no table 'share'; did you mean 'shares'?"),
        (["run", "baseline", "--policy", "NVIDIA"], "wanted NAME=module:Class"),
        (["run", "baseline", "--policy", "NVDIA=a:B"], "did you mean 'NVIDIA'"),
        (["run", "baseline", "--policy", "NVIDIA=no_such:B"], "no_such"),
        (["plot", "nowhere"], "nowhere is no run folder"),
        (["plot", "runs/*"], "no run folder"),
        (["plot", "nowhere", "--chart", "share"], "did you mean 'shares'"),
        (["fit", "--cases", "nowhere.csv"], "nowhere.csv: cannot be read"),
        (["show", "."], "no run folder"),
    ],
)
def test_wrong_arguments_are_refused(cli: Command, tmp_path: Path, arguments: list[str], said: str) -> None:
    """An option, a command, a table, a policy, a chart or a folder that is not there."""
    assert said in refused(cli, tmp_path, *arguments)


def test_a_policy_that_cannot_be_loaded_is_refused(cli: Command, tmp_path: Path) -> None:
    """A module that raises, and a class that is not there, are the user's to mend."""
    (tmp_path / "broken_rules.py").write_text("raise OSError('no luck')\n")
    (tmp_path / "empty_rules.py").write_text("class Refusing:\n    pass\n")
    assert "no luck" in refused(cli, tmp_path, "run", "baseline", "--policy", "NVIDIA=broken_rules:Refusing")
    said = refused(cli, tmp_path, "run", "baseline", "--policy", "NVIDIA=empty_rules:Refusin")
    assert "Refusing" in said


def test_nothing_is_written_over(cli: Command, tmp_path: Path) -> None:
    """A folder that holds anything is refused before anything is simulated, and told how to go on."""
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for place in ("taken", "file", "file/below"):
        message = refused(cli, tmp_path, "run", "baseline", "--out", place)
        assert place.split("/")[0] in message
        assert "--out" in message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no rows"),
        (b"architecture,chip,phase,dtype\n", "no rows"),
        (b"chip\nH100\n", "no column 'architecture'"),
        (b"architecture;chip;phase;dtype\na;b;c;d\n", "no column 'architecture'"),
        (b"chip,chip,architecture,phase,dtype\na,b,c,d,e\n", "the column 'chip' twice"),
        (b'architecture,chip,phase,dtype\na,"b', "is no CSV text"),
        (b"\xff\xfe", "byte 0 is no UTF-8 text"),
    ],
)
def test_cases_that_are_no_table_are_refused(cli: Command, tmp_path: Path, content: bytes, said: str) -> None:
    """Without rows, without a needed column, with one twice, with an open quote, or in no encoding."""
    (tmp_path / "cases.csv").write_bytes(content)
    message = refused(cli, tmp_path, "fit", "--cases", "cases.csv")
    assert message.startswith("cases.csv: ")
    assert said in message


def test_validate_answers_for_every_file(cli: Command, tmp_path: Path) -> None:
    """One bad file among good ones gives 2, and the good ones their line; unsourced numbers are named."""
    (tmp_path / "good.toml").write_text(OVER + "labs.sigma = 0.3")
    (tmp_path / "bad.toml").write_text(OVER + "labs.sigma = -1.0")
    ended = cli("validate", "good.toml", "bad.toml", "baseline")
    assert ended.code == 2
    assert ended.out.splitlines() == ["good.toml: OK (1 number has no source: labs.sigma)", "baseline: OK"]
    assert ended.err.startswith("market-sim: bad.toml: labs.sigma = -1.0")


BASE = "from market_sim.agents.faces import ChipVendor\n\n\nclass Own(ChipVendor):\n"


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("leaves", "def allocate(self, proposed):\n        raise SystemExit(3)", "SystemExit: 3"),
        ("breaks", "def __init__(self, *given):\n        raise KeyError('x')", "__init__ raised KeyError"),
        ("unsigned", "def __init__(self):\n        pass", "__init__ raised TypeError"),
        ("misspelt", "def alocate(self, proposed):\n        return {}", "did you mean 'allocate'?"),
    ],
)
def test_a_policy_that_fails_is_refused(cli: Command, tmp_path: Path, name: str, body: str, said: str) -> None:
    """It leaves, cannot be made, or decides nothing for a slip of the pen."""
    (tmp_path / f"{name}_rules.py").write_text(f"{BASE}    {body}\n")
    assert said in refused(cli, tmp_path, "run", "baseline", *SHORT, "--policy", f"NVIDIA={name}_rules:Own")


@pytest.mark.parametrize("command", ["show", "plot"])
@pytest.mark.parametrize("harm", ["gone", "cut"])
def test_a_run_with_a_broken_part_is_refused(
    cli: Command, tmp_path: Path, short_run: Path, command: str, harm: str
) -> None:
    """The part is named, and no chart is written."""
    shutil.copytree(short_run, tmp_path / "run")
    part = next((tmp_path / "run" / "shares").glob("*.parquet"))
    if harm == "gone":
        part.unlink()
    else:
        part.write_bytes(part.read_bytes()[:-9])
    ended = cli(command, "run")
    assert ended.code == 2
    assert f"part shares/{part.name} is missing or damaged" in ended.err
    assert not (tmp_path / "run" / "charts").exists()
