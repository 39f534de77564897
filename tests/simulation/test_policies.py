"""One agent's own policy changes that agent's decisions, and theirs alone."""

import pickle
import sys
from dataclasses import dataclass, replace

import numpy as np
import pytest
from same_bits import differences

from market_sim.agents import vendor
from market_sim.agents.faces import (
    FACES,
    AbstractBuyer,
    AbstractProvider,
    ChipVendor,
    Enterprise,
    Hyperscaler,
    ModelLab,
    Neocloud,
)
from market_sim.agents.policies import NONE, VERBS, Policies, PolicyError, choose, load_policies, seat
from market_sim.scenario.load import load_scenario
from market_sim.simulation.prepare import prepare
from market_sim.simulation.tick import tick
from market_sim.state.tables import DEPOSITS


@dataclass(frozen=True)
class Start:
    scenario: object
    setup: object
    market: object
    after: object
    day: object


@pytest.fixture(scope="module")
def start():
    """The baseline, and what its first tick does when nobody has a policy."""
    scenario = load_scenario("baseline")
    setup, market = prepare(scenario, 0, (0, 1))
    after, day = tick(setup, market, NONE)
    return Start(scenario, setup, market, after, day)


def first_tick(start, **policies):
    return tick(start.setup, start.market, seat(policies, start.setup))


def place(names, name):
    return names.index(name)


class RefusesMeta(ChipVendor):
    def allocate(self, proposed):
        return proposed | {"Meta": 0.0}


class KeepsOnlyOracle(ChipVendor):
    def allocate(self, proposed):
        return {"Oracle": proposed["Oracle"]}


class Greedy(ChipVendor):
    def allocate(self, proposed):
        return dict.fromkeys(proposed, 1e15)


class Follows(ChipVendor):
    def allocate(self, proposed):
        return proposed

    def list_prices(self, proposed):
        return proposed


class FollowsToo(AbstractProvider):
    def quote(self, proposed):
        return proposed

    def order(self, proposed):
        return proposed

    def speed(self, proposed):
        return proposed


class FollowsAsLab(ModelLab):
    def ask(self, proposed):
        return proposed

    def value(self, proposed):
        return proposed


def test_policies_that_answer_as_proposed_change_no_bit(start):
    """Agents that define every verb and return what is proposed reproduce the run bit for bit."""
    following = {
        "NVIDIA": Follows, "Google": [Follows, FollowsToo], "CoreWeave": FollowsToo, "OpenAI": FollowsAsLab,
    }  # fmt: skip
    policies = seat(following, start.setup)
    market, plain = start.market, start.market
    for _ in range(3):
        market, day = tick(start.setup, market, policies)
        plain, usual = tick(start.setup, plain, NONE)
        assert not differences(market, plain)
        for part in ("offered", "wishes", "ordered", "orders", "shipments", "settled"):
            assert not differences(getattr(day, part), getattr(usual, part)), part


def test_a_refused_buyer_gets_nothing_and_other_vendors_go_on_unmoved(start):
    """Refusing one buyer empties its row, leaves every other vendor's shipments in the tick the same bits."""
    _, day = first_tick(start, NVIDIA=RefusesMeta)
    nvidia, meta = place(start.setup.vendors, "NVIDIA"), place(start.setup.providers, "Meta")
    before, after = start.day.shipments.allotted, day.shipments.allotted
    assert (before[:, nvidia, meta] > 0.0).all()
    assert (after[:, nvidia, meta] == 0.0).all()
    others = np.arange(len(start.setup.vendors)) != nvidia
    assert after[:, others].tobytes() == before[:, others].tobytes()
    others = np.arange(len(start.setup.providers)) != meta
    assert (after[:, nvidia, others] == before[:, nvidia, others]).all()
    made_by_others = start.setup.chip_vendor != nvidia
    chips = day.shipments.chips[:, :, made_by_others]
    assert chips.tobytes() == start.day.shipments.chips[:, :, made_by_others].tobytes()
    for earlier in ("before", "offered", "wishes", "trade", "ordered", "orders"):
        assert not differences(getattr(day, earlier), getattr(start.day, earlier)), earlier


def test_buyers_left_out_of_an_allocation_get_nothing(start):
    """An allocation that names one buyer serves that buyer alone."""
    _, day = first_tick(start, NVIDIA=KeepsOnlyOracle)
    nvidia, oracle = place(start.setup.vendors, "NVIDIA"), place(start.setup.providers, "Oracle")
    row = day.shipments.allotted[:, nvidia]
    assert (row[:, oracle] > 0.0).all()
    assert (np.delete(row, oracle, axis=1) == 0.0).all()


def test_no_policy_can_allocate_more_than_ordered_or_more_than_there_is(start):
    """A vendor that promises all to everyone ships no more than was ordered, nor more than the rule."""
    _, day = first_tick(start, NVIDIA=Greedy)
    nvidia = place(start.setup.vendors, "NVIDIA")
    given, ordered = day.shipments.allotted[:, nvidia], day.orders.packages[:, nvidia]
    assert (given <= ordered).all()
    ruled = vendor.allocate(start.setup, start.market, day.orders)[:, nvidia].sum(axis=1)
    assert (given.sum(axis=1) <= ruled * (1.0 + 1e-12)).all()


class Doubles(ChipVendor):
    def list_prices(self, proposed):
        return {chip: 2.0 * price for chip, price in list(proposed.items())[:1]}


class QuotesSeven(Neocloud):
    def quote(self, proposed):
        return {"H100": 7.0}


class BuildsFast(Neocloud):
    def speed(self, proposed):
        return 1.5


class AsksForNothing(AbstractBuyer):
    def ask(self, proposed):
        return 0.0


class TakesOnlyCoreWeave(AbstractBuyer):
    def value(self, proposed):
        return {offer: worth for offer, worth in proposed.items() if offer.startswith("CoreWeave |")}


class OrdersEverything(AbstractProvider):
    def order(self, proposed):
        return dict.fromkeys(proposed, 1e12)


def busiest(setup, day):
    """The lab that gets the most chips in the tick, in every replicate some."""
    return int(day.trade.cleared.chips.sum(axis=2).min(axis=0).argmax())


def changed_rows(one, other):
    """Places along the first axis after the replicate where two arrays differ."""
    return sorted({int(row) for row in np.nonzero(one != other)[1]})


def test_list_prices_move_for_the_chips_that_the_vendor_reprices_alone(start):
    """A vendor prices only its own chips; a chip left out moves as proposed."""
    market, _ = first_tick(start, AMD=Doubles)
    repriced = changed_rows(market.vendors.list_price, start.after.vendors.list_price)
    first = start.setup.chip_vendor.tolist().index(place(start.setup.vendors, "AMD"))
    assert repriced == [first]
    assert np.array_equal(market.vendors.list_price[:, first], 2.0 * start.after.vendors.list_price[:, first])


def test_a_quote_moves_one_provider_and_the_chips_it_names(start):
    """A provider's own quote changes its row alone; chips left out follow the rule."""
    market, _ = first_tick(start, CoreWeave=QuotesSeven)
    row, chip = place(start.setup.providers, "CoreWeave"), place(start.setup.chips, "H100")
    expected = start.after.providers.quote.copy()
    expected[:, row, chip] = 7.0
    assert np.array_equal(market.providers.quote, expected)


def test_speed_moves_one_provider(start):
    """A provider's own speed changes its row alone."""
    market, _ = first_tick(start, CoreWeave=BuildsFast)
    row = place(start.setup.providers, "CoreWeave")
    assert changed_rows(market.providers.speed, start.after.providers.speed) == [row]
    assert (market.providers.speed[:, row] == 1.5).all()


def test_a_lab_that_asks_for_nothing_signs_nothing(start):
    """An ask of zero moves that lab's ask alone, and it gets no chips in the tick."""
    row = busiest(start.setup, start.day)
    _, day = first_tick(start, **{start.setup.labs[row]: AsksForNothing})
    assert changed_rows(day.wishes.ask, start.day.wishes.ask) == [row]
    assert (start.day.trade.cleared.chips[:, row].sum(axis=1) > 0.0).all()
    assert (day.trade.cleared.chips[:, row] == 0.0).all()
    assert not differences(day.offered, start.day.offered)


def test_offers_that_a_lab_leaves_out_are_not_taken(start):
    """A lab that values one provider's offers buys from that provider alone; others judge as before."""
    row, seller = busiest(start.setup, start.day), place(start.setup.providers, "CoreWeave")
    _, day = first_tick(start, **{start.setup.labs[row]: TakesOnlyCoreWeave})
    assert changed_rows(day.wishes.worth, start.day.wishes.worth) == [row]
    elsewhere = start.setup.offers.provider != seller
    assert (start.day.trade.cleared.chips[:, row, elsewhere].sum(axis=1) > 0.0).all()
    assert (day.trade.cleared.chips[:, row, elsewhere] == 0.0).all()


def test_orders_are_held_to_sites_money_and_chips_on_sale(start):
    """A provider that orders everything gets no chip that it may not buy, and no more than its power."""
    row = place(start.setup.providers, "CoreWeave")
    rich = with_means(start.setup, start.market, row)
    _, day = tick(start.setup, rich, seat({"CoreWeave": OrdersEverything}, start.setup))
    usual = tick(start.setup, rich, NONE)[1]
    ahead = day.ordered.ahead[:, row]
    assert (ahead.sum(axis=1) > usual.ordered.ahead[:, row].sum(axis=1)).all()
    assert changed_rows(day.ordered.ahead, usual.ordered.ahead) == [row]
    foreign = ~start.setup.deploys[row] | (start.setup.chip_from > 0.0)
    assert (ahead[:, foreign] == 0.0).all()
    assert (day.ordered.kw[:, row] <= rich.providers.power[:, row]).all()


def with_means(setup, market, row):
    """The market in which a provider has a gigawatt of sites and a trillion of cash more."""
    power, balance = market.providers.power.copy(), market.ledger.balance.copy()
    power[:, row] += 1e6
    balance[:, DEPOSITS, len(setup.vendors) + row] += 1e12
    providers = replace(market.providers, power=power)
    return replace(market, providers=providers, ledger=replace(market.ledger, balance=balance))


class AlternatesBetweenBuyers(ChipVendor):
    """Keeps notes and draws luck of its own."""

    def __init__(self, model, setup, row):
        super().__init__(model, setup, row)
        self.notes = []

    def allocate(self, proposed):
        self.notes.append(self.model.rng.random())
        return {name: packages * (self.notes[0] < 0.5 or len(self.notes) % 2) for name, packages in proposed.items()}


def test_notes_and_luck_of_a_policy_belong_to_one_replicate(start):
    """A policy that remembers and draws gives a replicate the same bits alone and in a chunk."""
    alone, single = prepare(start.scenario, 0, (1,))
    both, one = (seat({"NVIDIA": AlternatesBetweenBuyers}, setup) for setup in (start.setup, alone))
    market = start.market
    for _ in range(2):
        market, day = tick(start.setup, market, both)
        single, lone = tick(alone, single, one)
        assert day.shipments.chips[1].tobytes() == lone.shipments.chips[0].tobytes()
    assert [len(agent.notes) for agent in both.own["vendor", 0]] == [2, 2]
    first, second = both.own["vendor", 0]
    assert first.notes != second.notes


def test_an_agent_sees_the_market_only_while_it_decides(start):
    """Outside a decision an agent without a model holds no market, and says so."""
    policies = seat({"NVIDIA": RefusesMeta}, start.setup)
    tick(start.setup, start.market, policies)
    with pytest.raises(RuntimeError, match="only while it decides"):
        _ = policies.own["vendor", 0][0].cash


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.__name__)
def test_faces_define_no_verb(face):
    """A class that policies derive from decides nothing and shows nothing under the name of a verb."""
    assert not [verb for verb in VERBS[face.row_kind] if hasattr(face, verb)]


def answering(value):
    return type("Answers", (ChipVendor,), {"allocate": lambda self, proposed: value})


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, "answered None; wanted a mapping"),
        ({"Meta": float("nan")}, "answered nan for 'Meta'; wanted a finite number of at least 0"),
        ({"Meta": float("inf")}, "answered inf for 'Meta'; wanted a finite number of at least 0"),
        ({"Meta": -1.0}, "answered -1.0 for 'Meta'; wanted a finite number of at least 0"),
        ({"Meta": "much"}, "answered 'much' for 'Meta'; wanted a number"),
        ({"Meta": True}, "answered True for 'Meta'; wanted a number"),
        ({"Mta": 1.0}, "answered for 'Mta'; did you mean 'Meta'?"),
    ],
)
def test_an_answer_that_cannot_be_used_is_refused_by_name(start, value, wanted):
    """The error names the firm, the class, the verb, what it answered, what was wanted, and the tick."""
    with pytest.raises(PolicyError) as refused:
        first_tick(start, NVIDIA=answering(value))
    assert "NVIDIA (Answers): allocate " + wanted in str(refused.value)
    assert str(refused.value).endswith("(tick 0)")


def test_what_a_policy_raises_is_told_with_firm_verb_and_tick(start):
    """An exception in a policy becomes one PolicyError with the exception as its cause."""

    class Trips(ChipVendor):
        def allocate(self, proposed):
            return proposed["Metta"]

    with pytest.raises(PolicyError, match=r"NVIDIA \(Trips\): allocate raised KeyError: 'Metta' \(tick 0\)") as told:
        first_tick(start, NVIDIA=Trips)
    assert isinstance(told.value.__cause__, KeyError)


def test_one_number_is_wanted_where_one_is_handed_over(start):
    """A scalar decision refuses a mapping."""
    asking = type("Maps", (ModelLab,), {"ask": lambda self, proposed: {"all": proposed}})
    with pytest.raises(PolicyError, match=r"OpenAI \(Maps\): ask answered .* wanted a number"):
        first_tick(start, OpenAI=asking)


def test_the_class_tells_which_firm_of_a_name_is_meant(start):
    """A name that a vendor and a provider share goes to the row that the class fits, or to both."""
    rows = choose({"Google": [Follows, FollowsToo]}, start.scenario)
    assert {row[0] for row in rows} == {"vendor", "provider"}
    assert list(choose({"Google": FollowsToo}, start.scenario)) == [("provider", start.setup.providers.index("Google"))]


class AsHyperscaler(Hyperscaler):
    pass


class AsEnterprise(Enterprise):
    pass


@pytest.mark.parametrize(
    ("policies", "wanted"),
    [
        ({"NVIDA": RefusesMeta}, "policy for 'NVIDA': the scenario has no such firm; did you mean 'NVIDIA'?"),
        ({"CoreWeave": RefusesMeta}, "RefusesMeta does not fit a neocloud; wanted a subclass of Neocloud"),
        (
            {"CoreWeave": AsHyperscaler},
            "AsHyperscaler does not fit a neocloud; wanted a subclass of Neocloud",
        ),
        ({"OpenAI": AsEnterprise}, "AsEnterprise does not fit a model_lab; wanted a subclass of ModelLab"),
        ({"NVIDIA": dict}, "dict is no class of agents; wanted a subclass of ChipVendor"),
        ({"NVIDIA": [RefusesMeta, Greedy]}, "Greedy and RefusesMeta for one vendor"),
    ],
)
def test_a_choice_that_does_not_fit_is_refused(start, policies, wanted):
    """The error names the firm, the class, its kind and what was wanted."""
    with pytest.raises(PolicyError) as refused:
        choose(policies, start.scenario)
    assert wanted in str(refused.value)


@pytest.fixture
def user_modules(tmp_path, monkeypatch):
    """A folder of the user's on the Python path."""
    source = "from market_sim.agents.faces import ChipVendor\n\n\nclass Sells(ChipVendor):\n    pass\n"
    (tmp_path / "sound_policies.py").write_text(source)
    (tmp_path / "broken_policies.py").write_text("raise OSError('no such disk')\n")
    (tmp_path / "hungry_policies.py").write_text("import not_installed_here\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in ("sound_policies", "broken_policies", "hungry_policies"):
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("user_modules")
def test_a_class_is_found_by_module_and_name(start):
    """NAME=module:Class gives the class under the firm's name, and it travels to workers."""
    loaded = load_policies(["NVIDIA=sound_policies:Sells", " AMD = sound_policies : Sells "], start.scenario)
    assert {name: [one.__name__ for one in classes] for name, classes in loaded.items()} == {
        "NVIDIA": ["Sells"], "AMD": ["Sells"],
    }  # fmt: skip
    assert pickle.loads(pickle.dumps(loaded)) == loaded


@pytest.mark.usefixtures("user_modules")
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("NVIDIA", "wanted NAME=module:Class"),
        ("NVIDIA=sound_policies", "wanted NAME=module:Class"),
        ("Nvidia Corp=sound_policies:Sells", "'Nvidia Corp': the scenario has no such firm; did you mean"),
        ("NVIDIA=no_such_module:Sells", "module 'no_such_module' can't be imported: not found"),
        ("NVIDIA=broken_policies:Sells", "module 'broken_policies' can't be imported: no such disk"),
        ("NVIDIA=hungry_policies:Sells", "can't be imported: No module named 'not_installed_here'"),
        ("NVIDIA=sound_policies:Sels", "'sound_policies' has no 'Sels'; did you mean 'Sells'?"),
        ("CoreWeave=sound_policies:Sells", "Sells does not fit a neocloud"),
    ],
)  # fmt: skip
def test_a_text_that_names_no_policy_is_refused(start, text, wanted):
    """The error says which part of NAME=module:Class is wrong."""
    with pytest.raises(PolicyError) as refused:
        load_policies([text], start.scenario)
    assert wanted in str(refused.value)


def test_no_choice_is_no_policy(start):
    """Nothing chosen is a policy too: the one that leaves every rule alone."""
    assert seat({}, start.setup) is NONE
    assert seat(NONE, start.setup) is NONE
    assert isinstance(NONE, Policies)
