"""The compute fit as the market uses it: short-lists, maturity, drift, and what physics says must hold."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_sim.mechanisms import fit
from market_sim.mechanisms.fit.layout import CONSTANTS, JOB, TRAINING, named
from market_sim.mechanisms.fit.shortlist import drifted
from market_sim.mechanisms.fit.workload import (
    architecture_vectors,
    chip_vectors,
    constant_vector,
    job_vectors,
    useful_flops,
)
from market_sim.scenario.catalog import (
    ArchitectureTable,
    ChipTable,
    architecture_table,
    chip_table,
    load_architectures,
    load_chips,
    load_fit_constants,
)

LABS = ("Llama 3.1 70B", "DeepSeek-V3 / R1", "GPT-OSS 120B")
CHIPS = ("H100-SXM", "GB200-NVL72", "MI300X", "TPU v7 (Ironwood, TPU7x)")


@pytest.fixture(scope="module")
def models() -> ArchitectureTable:
    return architecture_table(LABS)


@pytest.fixture(scope="module")
def chips() -> ChipTable:
    return chip_table(CHIPS)


@pytest.fixture(scope="module")
def shortlist(models: ArchitectureTable, chips: ChipTable) -> fit.ShortList:
    return fit.prepare(models, chips)


def mature(replicates: int = 1) -> np.ndarray:
    return np.ones((replicates, len(CHIPS), len(fit.KINDS)))


def mixed(replicates: int = 1, share: float = 0.5) -> np.ndarray:
    return np.full((replicates, len(LABS)), share)


def test_useful_flops_of_a_dense_model_are_six_per_weight_and_token() -> None:
    """Training counts 6 FLOPs per weight a token meets, and 6 per causal score and element of query and value."""
    models = architecture_table(["Llama 2 7B"])
    jobs = fit.changed(fit.default_jobs(models), train_length=4096)
    weights = 32 * (4 * 4096**2 + 3 * 4096 * 11008) + 32000 * 4096
    scores = 3 * 32 * 2 * 32 * (128 + 128) * 2048
    assert useful_flops(architecture_vectors(models), jobs)[0, TRAINING] == pytest.approx(6 * weights + scores)


def test_counted_weights_agree_with_published_totals() -> None:
    """Weights counted from the shape agree with the published total to 10 % for nine in ten catalogue models."""
    table = load_architectures()
    vectors = architecture_vectors(table)
    counted = (vectors[:, 2] + 2 * vectors[:, 3] + vectors[:, 5]) / 1e9
    close = np.abs(np.log(counted / table.total_params_b)) < 0.1
    assert close.mean() > 0.9


def test_every_legal_pair_has_a_finite_positive_answer() -> None:
    """Any catalogue architecture on any catalogue chip gets a finite, positive throughput and an MFU below one."""
    chips, models = load_chips(), load_architectures()
    shortlist = fit.prepare(models, chips)
    kappa = fit.starting_maturity(chips, 2026.0)[None]
    answer = fit.evaluate(shortlist, kappa, np.full((1, len(models.names)), 0.5))
    assert np.isfinite(answer.throughput).all()
    assert (answer.throughput > 0.0).all()
    assert ((answer.mfu > 0.0) & (answer.mfu < 1.0)).all()


def test_no_more_than_sixteen_plans_are_kept(shortlist: fit.ShortList) -> None:
    """A short-list holds at most 16 plans per (lab, chip), the fastest of each phase first."""
    assert shortlist.plans.shape[2] <= 16
    training = shortlist.seconds[:, :, :, :4].sum(axis=2)
    assert (np.diff(training, axis=-1) >= 0.0).all()


def test_twice_as_mature_kernels_are_twice_as_fast(shortlist: fit.ShortList) -> None:
    """Maturity of all kinds doubled doubles throughput: seconds are shared out among kinds without remainder."""
    slow = fit.evaluate(shortlist, mature(), mixed())
    fast = fit.evaluate(shortlist, 2.0 * mature(), mixed())
    np.testing.assert_allclose(fast.throughput, 2.0 * slow.throughput, rtol=1e-14)


def test_maturity_of_experts_does_not_touch_a_dense_model(shortlist: fit.ShortList) -> None:
    """Faster expert kernels help the mixtures of experts and leave the dense model as it was."""
    kappa = mature()
    kappa[..., fit.KINDS.index("expert_matmul")] = 2.0
    ratio = fit.evaluate(shortlist, kappa, mixed()).throughput / fit.evaluate(shortlist, mature(), mixed()).throughput
    np.testing.assert_allclose(ratio[0, 0], 1.0, rtol=1e-14)
    assert (ratio[0, 1:] > 1.05).all()


def test_no_drift_changes_nothing(shortlist: fit.ShortList) -> None:
    """Re-evaluating an architecture that has not moved gives the answer of the plain evaluation."""
    plain = fit.evaluate(shortlist, mature(), mixed())
    moved = fit.reevaluate(shortlist, np.zeros((1, len(LABS), 4)), mature(), mixed())
    np.testing.assert_allclose(moved.throughput, plain.throughput, rtol=1e-14)
    np.testing.assert_allclose(moved.mfu, plain.mfu, rtol=1e-14)


@settings(max_examples=25, deadline=None)
@given(drift=st.lists(st.floats(-0.6, 0.6), min_size=4, max_size=4), share=st.floats(0.05, 0.95))
def test_gradient_is_the_slope_of_the_throughput(shortlist: fit.ShortList, drift: list[float], share: float) -> None:
    """The analytic gradient agrees with central differences of the log throughput wherever the best plan stays."""
    at, step = np.tile(drift, (1, len(LABS), 1)), 1e-5
    alone = [np.broadcast_to(np.eye(len(CHIPS))[c], (1, len(LABS), len(CHIPS))) for c in range(len(CHIPS))]
    gradient = np.stack(
        [fit.fit_gradient(shortlist, at, mature(), mixed(share=share), one.copy()) for one in alone], axis=2
    )
    for direction in range(4):
        shift = np.zeros(4)
        shift[direction] = step
        up = fit.reevaluate(shortlist, at + shift, mature(), mixed(share=share)).throughput
        down = fit.reevaluate(shortlist, at - shift, mature(), mixed(share=share)).throughput
        slope = (np.log(up) - np.log(down)) / (2 * step)
        agree = np.isclose(gradient[..., direction], slope, atol=1e-5)
        assert agree.mean() > 0.8  # a plan may change within the step in a few cells


def test_short_lists_follow_a_drift_the_full_search_would_find(models: ArchitectureTable, chips: ChipTable) -> None:
    """At .2 along any direction the re-evaluated short-list agrees with a new full search to 6 %."""
    from market_sim.mechanisms.fit import shortlist as module

    jobs = fit.default_jobs(models)
    base = fit.prepare(models, chips, jobs)
    vectors, fitted = architecture_vectors(models), load_fit_constants()
    offered, k = chip_vectors(chips, fitted), named(CONSTANTS, constant_vector(fitted))
    wanted = named(JOB, job_vectors(jobs)[:, None])
    for direction in range(4):
        shift = np.zeros(4)
        shift[direction] = 0.2
        fresh = module._best_plans(drifted(vectors, shift), offered, k, wanted)[1]
        afresh = fit.evaluate(replace(base, seconds=fresh), mature(), mixed()).throughput
        followed = fit.reevaluate(base, np.tile(shift, (1, len(LABS), 1)), mature(), mixed()).throughput
        assert np.abs(np.log(followed / afresh)).max() < 0.06


def test_same_bits_alone_and_in_a_batch(shortlist: fit.ShortList) -> None:
    """A replicate's answer does not depend on the others in its chunk."""
    rng = np.random.default_rng(5)
    kappa, mix = rng.uniform(0.5, 1.2, (7, len(CHIPS), 5)), rng.uniform(0.0, 1.0, (7, len(LABS)))
    drift = rng.normal(0.0, 0.2, (7, len(LABS), 4))
    together = fit.reevaluate(shortlist, drift, kappa, mix)
    alone = fit.reevaluate(shortlist, drift[4:5], kappa[4:5], mix[4:5])
    assert np.array_equal(together.throughput[4:5], alone.throughput)
    both, one = fit.evaluate(shortlist, kappa, mix), fit.evaluate(shortlist, kappa[4:5], mix[4:5])
    assert np.array_equal(both.throughput[4:5], one.throughput)


@settings(max_examples=20, deadline=None)
@given(
    chip=st.sampled_from(load_chips().names),
    factor=st.floats(1.05, 4.0),
    column=st.sampled_from(["hbm_tb_per_s", "bf16_tflops", "scale_up_gb_per_s", "scale_out_gb_per_s", "hbm_gb"]),
)
def test_more_of_any_resource_never_hurts(chip: str, factor: float, column: str) -> None:
    """More bandwidth, peak, link rate or memory never lowers throughput; power grows with the peak it feeds."""
    models = architecture_table(["Llama 3.1 8B", "Llama 3.1 405B", "Qwen3 30B-A3B", "DeepSeek-V3 / R1"])
    base = chip_table([chip])
    fields = {
        "hbm_tb_per_s": ("memory_tb_per_s",),
        "bf16_tflops": ("peaks", "power_kw"),
        "scale_up_gb_per_s": ("scale_up_gb_per_s",),
        "scale_out_gb_per_s": ("scale_out_gb_per_s",),
        "hbm_gb": ("memory_gb",),
    }[column]
    better = replace(base, **{field: factor * getattr(base, field) for field in fields})
    kappa, mix = np.ones((1, 1, 5)), np.full((1, 4), 0.5)
    before = fit.evaluate(fit.prepare(models, base), kappa, mix).throughput
    jobs = fit.default_jobs(models)
    after = fit.evaluate(fit.prepare(models, better, jobs), kappa, mix).throughput
    # the reference chip, and with it the mix of work, is the same on both sides
    assert (after >= before * (1.0 - 1e-9)).all()


def test_a_larger_scale_up_domain_never_hurts() -> None:
    """Eight times the chips behind the same switch never lowers throughput, and helps a large mixture on a node.

    In a full mesh every further chip thins the links to the others, so there nothing of the kind holds.
    """
    models = architecture_table(["Llama 3.1 70B", "Qwen3 30B-A3B", "DeepSeek-V3 / R1"])
    switched = [name for name, wiring in zip(load_chips().names, load_chips().topologies, strict=True) if wiring == 0]
    base = chip_table(switched)
    wider = replace(base, domain_chips=8.0 * base.domain_chips)
    kappa, mix = np.ones((1, len(switched), 5)), np.full((1, 3), 0.5)
    before = fit.evaluate(fit.prepare(models, base), kappa, mix).throughput
    after = fit.evaluate(fit.prepare(models, wider), kappa, mix).throughput
    assert len(switched) > 20
    assert (after >= before * (1.0 - 1e-9)).all()
    assert after[0, 2, switched.index("H100-SXM")] > 1.1 * before[0, 2, switched.index("H100-SXM")]


def test_units_may_be_chosen_freely() -> None:
    """Time is the only dimension of the answer: a chip twice as fast in every rate, latency halved, is twice as fast.

    Peaks, bandwidths and links doubled and every fitted time halved must halve all seconds: no bare number in the
    formulas carries a unit.
    """
    models, base = architecture_table(["DeepSeek-V3 / R1"]), chip_table(["H100-SXM"])
    rates = ("peaks", "memory_tb_per_s", "scale_up_gb_per_s", "scale_out_gb_per_s", "power_kw")
    double = replace(base, **{field: 2.0 * getattr(base, field) for field in rates}, families=("none",))
    base = replace(base, families=("none",))
    constants = load_fit_constants()
    times = ("latency_up", "latency_out", "launch_seconds", "decode_launch", "decode_step_overhead")
    halved = {**constants, **{name: constants[name] / 2.0 for name in times}}
    halved["host_bandwidth"] *= 2.0
    jobs = fit.changed(fit.default_jobs(models), step_limit=1e9)
    before, after = fit.prepare(models, base, jobs, constants), fit.prepare(models, double, jobs, halved)
    np.testing.assert_allclose(after.seconds, before.seconds / 2.0, rtol=1e-12)


def test_new_families_start_below_their_stack_and_catch_up() -> None:
    """Maturity of a new family starts at 1 - gap of its stack, rises with age, and settles."""
    gap = load_fit_constants()["maturity_gap"]
    ages = [fit.kappa0("cuda", "dense_matmul", 2026.75 + age, 2026.75) for age in (0.0, 1.0, 3.0, 30.0)]
    assert ages[0] == pytest.approx(1.0 - gap)
    assert ages == sorted(ages)
    assert ages[-1] == pytest.approx(1.0)


def test_spec_sheet_reads_the_format_the_lab_trains_in(chips: ChipTable) -> None:
    """An fp8 lab sees the fp8 peak, a bf16 lab the bf16 peak."""
    models = architecture_table(["Llama 3.1 70B", "DeepSeek-V3 / R1"])
    table = fit.spec_sheet(chips, fit.default_jobs(models))
    assert table[0, 0] == pytest.approx(0.9895)
    assert table[1, 0] == pytest.approx(1.979)


def test_matrix_answers_by_name_with_a_band() -> None:
    """`compute_fit` takes names and gives throughput, limiting kind, and a wider band for unmeasured vendors."""
    answer = fit.compute_fit(["Llama 3.1 70B"], ["H100-SXM", "Groq LPU v1"])
    assert answer.throughput.shape == (1, 2)
    assert answer.limiting[0][0] == "dense_matmul"
    assert answer.error_sd[1] > answer.error_sd[0]
    np.testing.assert_allclose(answer.throughput[0, 0] * 1e6 / 25000, answer.per_dollar[0, 0])


def test_unknown_names_are_answered_with_the_nearest() -> None:
    """An unknown chip or architecture raises with the nearest names."""
    with pytest.raises(KeyError, match="H100-SXM"):
        fit.compute_fit(["Llama 3.1 70B"], ["H100-SMX"])
    with pytest.raises(KeyError, match=r"Llama 3\.1 70B"):
        fit.compute_fit(["Llama 3.1 71B"], ["H100-SXM"])


def test_maturity_of_the_wrong_shape_is_refused() -> None:
    """A maturity that does not spread over chips and kinds, or is not positive, is refused with what was wanted."""
    for wrong in (np.ones((2, 5)), 0.0, np.nan, np.full((1, 5), -1.0)):
        with pytest.raises(ValueError, match=r"maturity: .*; wanted positive numbers that spread over \(1, 5\)"):
            fit.compute_fit(["Llama 3.1 70B"], ["H100-SXM"], wrong)
    with pytest.raises(ValueError, match=r"training_share: 1\.5; wanted shares from 0 to 1"):
        fit.compute_fit(["Llama 3.1 70B"], ["H100-SXM"], training_share=1.5)


def test_chips_go_by_their_short_names_too() -> None:
    """`H100` is the H100-SXM of the catalogue: what scenarios call their chips is known to the fit."""
    short = fit.compute_fit(["Llama 3.1 70B"], ["H100", "TPU v7"])
    long = fit.compute_fit(["Llama 3.1 70B"], ["H100-SXM", "TPU v7 (Ironwood, TPU7x)"])
    assert short.chips == ("H100", "TPU v7")
    assert np.array_equal(short.throughput, long.throughput)


def test_the_limiting_work_is_that_of_the_plan_in_use() -> None:
    """Kernels of one kind made a hundred times slower are what limits, wherever they do any work."""
    for kind, name in enumerate(fit.KINDS):
        slowed = np.ones((1, 5))
        slowed[0, kind] = 0.01
        answer = fit.compute_fit(["DeepSeek-V3 / R1"], ["H100"], slowed)
        assert answer.limiting[0][0] == name
