"""The plan search: what it keeps is what trying every plan would keep, on machines and models never seen."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import plans as plain

from market_sim.mechanisms.fit.layout import (
    ARCHITECTURE,
    CHIP,
    CONSTANTS,
    DECODE,
    JOB,
    PLAN,
    PREFILL,
    TRAINING,
    named,
)
from market_sim.mechanisms.fit.search import phase_terms, plan_seconds, search
from market_sim.mechanisms.fit.shortlist import drifted
from market_sim.mechanisms.fit.workload import (
    architecture_vectors,
    changed,
    chip_vectors,
    constant_vector,
    default_batch,
    default_jobs,
    job_vectors,
)
from market_sim.scenario.catalog import (
    ATTENTION_KINDS,
    architecture_table,
    architectures_from_rows,
    chip_names,
    chip_table,
    load_chips,
    load_fit_constants,
)

PHASES = {"training": TRAINING, "prefill": PREFILL, "decode": DECODE}


@st.composite
def models(draw: st.DrawFn) -> dict[str, Any]:
    """The columns of an architecture: dense or mixed, of any attention, deep or shallow."""
    layers, heads = draw(st.integers(2, 140)), draw(st.sampled_from([8, 32, 48, 128]))
    width, dims = draw(st.integers(4, 160)) * 128, draw(st.sampled_from([64, 80, 128, 192, 256]))
    experts = draw(st.sampled_from([0, 0, 4, 8, 60, 160, 512]))
    full = draw(st.integers(0, layers))
    own = draw(st.sampled_from([heads, heads // 4, 1]))
    row = {
        "architecture": "drawn", "layers": layers, "d_model": width, "d_ff": draw(st.integers(1, 400)) * 128,
        "n_heads": heads, "n_kv_heads": own, "head_dim": dims, "qk_dim": dims, "kv_width": 2 * own * dims,
        "attention_kind": draw(st.sampled_from(ATTENTION_KINDS)), "full_layers": full, "local_layers": layers - full,
        "window": draw(st.sampled_from([128, 4096])), "mlp_matrices": draw(st.sampled_from([2, 3])),
        "vocab": draw(st.sampled_from([32000, 201088])), "context": 131072, "params_total_b": 1000.0,
        "params_active_b": 100.0, "train_dtype": "bf16", "n_experts": experts,
    }  # fmt: skip
    if experts:
        row |= {
            "n_active_experts": draw(st.integers(1, min(experts, 16))), "moe_layers": draw(st.integers(1, layers)),
            "expert_d_ff": draw(st.integers(2, 128)) * 128, "expert_latent": draw(st.sampled_from([0, 1024])),
            "n_shared_experts": draw(st.integers(0, 2)),
        }  # fmt: skip
    return row


@st.composite
def cells(draw: st.DrawFn) -> tuple[SimpleNamespace, ...]:
    """Vectors of one architecture, chip, set of constants and job, each by name."""
    table = architectures_from_rows([draw(models())])
    name = draw(st.sampled_from(chip_names()))
    changes = {"catalog": name}
    if draw(st.booleans()):
        changes["hbm_gb"] = draw(st.sampled_from([0.5, 30.0, 150.0, 3000.0]))
    constants = load_fit_constants()
    chips = draw(st.sampled_from([1.0, 8.0, 48.0, 256.0, 2048.0, 16384.0]))
    jobs = changed(
        default_jobs(table),
        train_chips=chips,
        batch=default_batch(chips) * draw(st.sampled_from([0.25, 1.0, 8.0])),
        train_length=draw(st.sampled_from([512.0, 4096.0, 131072.0])),
        train_dtype=draw(st.integers(0, 3)),
        serve_dtype=draw(st.integers(0, 3)),
        serve_chips=draw(st.sampled_from([1.0, 8.0, 72.0, 1800.0])),
        concurrency=draw(st.sampled_from([0.1, 1.0, 64.0, 512.0])),
        step_limit=draw(st.sampled_from([0.002, 0.05, 1.0])),
        prompt=draw(st.sampled_from([1.0, 2000.0, 200000.0])),
    )
    return (
        named(ARCHITECTURE, architecture_vectors(table)),
        named(CHIP, chip_vectors(chip_table({"drawn": changes}), constants)),
        named(CONSTANTS, constant_vector(constants)),
        named(JOB, job_vectors(jobs)),
    )


def scalars(vectors: SimpleNamespace) -> SimpleNamespace:
    return SimpleNamespace(**{name: float(np.ravel(value)[0]) for name, value in vars(vectors).items()})


def tried(phase: int, cell: tuple[SimpleNamespace, ...]) -> list[tuple[dict[str, float], list[float], float]]:
    """Every legal plan with its seconds by kind and the bytes that do not fit."""
    numbers = [scalars(one) for one in cell]
    if phase == TRAINING:
        return list(plain.every_training_plan(*numbers))
    return list(plain.every_serving_plan(*numbers, decoding=phase == DECODE))


@settings(max_examples=60, deadline=None)
@given(cell=cells(), slow=st.lists(st.floats(0.3, 3.0), min_size=5, max_size=5), phase=st.sampled_from([*PHASES]))
def test_the_search_keeps_what_trying_every_plan_keeps(cell, slow, phase) -> None:
    """The fastest layouts and their seconds are those of the exhaustive search, for any kernels' maturity."""
    number, kept = PHASES[phase], 5
    best: dict[tuple[float, ...], tuple[float, dict[str, float], list[float], float]] = {}
    for plan, seconds, over in tried(number, cell):
        layout = tuple(plan[field] for field in PLAN if field != "size")
        total = float(np.dot(seconds, slow))
        if layout not in best or total < best[layout][0]:
            best[layout] = (total, plan, seconds, over)
    expected = sorted(best.values(), key=lambda one: one[0])[:kept]
    expected += expected[:1] * (kept - len(expected))
    plans, times, spilled = search(number, phase_terms(number, *cell), kept, np.array([slow]))
    totals = times[0] @ np.array(slow)
    np.testing.assert_allclose(totals, [one[0] for one in expected], rtol=1e-12)
    for place, (total, plan, seconds, over) in enumerate(expected):
        apart = [abs(other[0] / total - 1.0) > 1e-11 for other in best.values() if other[1] is not plan]
        if all(apart):
            assert dict(zip(PLAN, plans[0, place], strict=True)) == plan
            np.testing.assert_allclose(times[0, place], seconds, rtol=1e-11, atol=1e-30)
            np.testing.assert_allclose(spilled[0, place], over, rtol=1e-9, atol=1.0)


@settings(max_examples=40, deadline=None)
@given(cell=cells(), phase=st.sampled_from([*PHASES]))
def test_any_legal_model_on_any_chip_has_a_finite_plan(cell, phase) -> None:
    """However odd the model, chip and job: there is a plan, and its seconds are finite and positive."""
    number = PHASES[phase]
    plans, times, _ = search(number, phase_terms(number, *cell), 3)
    assert np.isfinite(times).all()
    assert (times >= 0.0).all()
    assert (times.sum(axis=-1) > 0.0).all()
    assert (plans[..., :3] >= 1.0).all()
    again = plan_seconds(number, phase_terms(number, *cell), plans)
    assert np.array_equal(again, times)


@pytest.mark.parametrize("name", ["DeepSeek-V3 / R1", "Llama 3.1 405B", "Qwen3 30B-A3B", "Grok-1"])
def test_close_races_are_decided_as_by_trying_every_plan(name) -> None:
    """On every chip of the catalogue, the four fastest layouts of training are those of the exhaustive search."""
    table, chips, constants = architecture_table([name]), load_chips(), load_fit_constants()
    model, k = named(ARCHITECTURE, architecture_vectors(table)), named(CONSTANTS, constant_vector(constants))
    offered, job = chip_vectors(chips, constants), named(JOB, job_vectors(default_jobs(table)))
    _, times, _ = search(TRAINING, phase_terms(TRAINING, model, named(CHIP, offered), k, job), 4)
    worst = 0.0
    for row, found in zip(offered, times.sum(axis=-1), strict=True):
        best: dict[tuple[float, ...], float] = {}
        for plan, seconds, _ in tried(TRAINING, (model, named(CHIP, row[None]), k, job)):
            layout = tuple(plan[field] for field in PLAN if field != "size")
            best[layout] = min(sum(seconds), best.get(layout, np.inf))
        np.testing.assert_allclose(found, sorted(best.values())[:4], rtol=1e-12)
        worst = max(worst, max(best.values()) / found[0])
    assert worst > 1.5  # plans do differ


def test_a_drift_changes_what_it_says() -> None:
    """Sparsity adds experts behind each active one, width trades depth, context stretches lengths, and no more."""
    table = architectures_from_rows([{
        "architecture": "mixture", "layers": 40, "d_model": 4096, "d_ff": 8192, "n_heads": 32, "n_kv_heads": 8,
        "head_dim": 128, "qk_dim": 128, "kv_width": 2048, "attention_kind": "standard", "full_layers": 40,
        "mlp_matrices": 3, "vocab": 32000, "context": 4096, "params_total_b": 200.0, "params_active_b": 20.0,
        "train_dtype": "bf16", "n_experts": 64, "n_active_experts": 4, "expert_d_ff": 2048, "moe_layers": 40,
    }])  # fmt: skip
    base = architecture_vectors(table)
    old, step = named(ARCHITECTURE, base), np.log(2.0)
    sparse = named(ARCHITECTURE, drifted(base, np.array([step, 0.0, 0.0, 0.0])))
    assert sparse.experts == pytest.approx(128.0)
    assert sparse.expert_total == pytest.approx(2.0 * old.expert_total)
    wide = named(ARCHITECTURE, drifted(base, np.array([0.0, step, 0.0, 0.0])))
    assert wide.width == pytest.approx(2.0 * old.width)
    assert wide.layers == pytest.approx(old.layers / 4.0)
    assert wide.dense_params == old.dense_params
    long = named(ARCHITECTURE, drifted(base, np.array([0.0, 0.0, 0.0, step])))
    assert long.context_scale == pytest.approx(2.0)
    assert np.array_equal(named(ARCHITECTURE, drifted(base, np.zeros(4))).width, old.width)
