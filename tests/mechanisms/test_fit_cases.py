"""Published cases: answered, or refused with a reason that names row, column, value and what was wanted."""

import numpy as np
import pytest

from market_sim.mechanisms.fit import predict_cases
from market_sim.mechanisms.fit.roofline import distinct, either, padding
from market_sim.scenario.catalog import (
    architectures_from_rows,
    check_architecture,
    chip_table,
    dtype_class,
    load_architectures,
    load_chips,
    read_rows,
)

GOOD = {
    "model": "Llama 3.1 70B", "architecture": "Llama 3.1 70B", "chip": "H100-SXM", "n_chips": "64", "phase": "pretrain",
    "dtype": "bf16", "seq_len": "8192", "date": "2025-06", "software": "any",
}  # fmt: skip


def answer(**changes: str) -> dict[str, object]:
    return predict_cases([{**GOOD, **changes}])[0]


def test_a_good_row_is_answered_without_a_reason() -> None:
    """A well-known model on a well-known chip gets an MFU between a quarter and three quarters."""
    row = answer()
    assert row["reason"] == ""
    assert 25.0 < row["predicted_mfu_pct"] < 75.0
    assert row["model"] == "Llama 3.1 70B"


@pytest.mark.parametrize(
    ("column", "value", "wanted"),
    [
        ("chip", "H100-SMX", "H100-SXM"),
        ("dtype", "fp7", "bf16"),
        ("phase", "training", "pretrain"),
        ("phase", "kernel", "times one kernel"),
        ("architecture", "", "name from the catalogue"),
        ("architecture", "Llama 9", "nearest"),
        ("n_chips", "many", "a whole number above 0"),
        ("n_chips", "-4", "a whole number above 0"),
        ("n_chips", "nan", "a whole number above 0"),
        ("n_chips", "0.5", "a whole number above 0"),
        ("n_chips", "inf", "a whole number above 0"),
        ("seq_len", "0", "a number above 0"),
        ("chip", "", "nearest"),
        ("phase", "", "pretrain"),
        ("date", "soon", "YYYY-MM"),
        ("date", "2025-13", "YYYY-MM"),
    ],
)
def test_a_bad_row_is_refused_and_the_others_answered(column: str, value: str, wanted: str) -> None:
    """The reason names row, column, value and what was wanted; rows around the bad one are answered."""
    first, bad, last = predict_cases([GOOD, {**GOOD, column: value}, GOOD])
    assert first["reason"] == last["reason"] == ""
    assert bad["predicted_mfu_pct"] is None
    reason = str(bad["reason"])
    assert "row 2" in reason
    assert f"column {column}" in reason
    assert wanted in reason


def test_an_architecture_may_be_given_in_columns() -> None:
    """The fields of Llama 3.1 70B in columns give the prediction of its name."""
    fields = {
        "layers": "80", "d_model": "8192", "d_ff": "28672", "n_heads": "64", "n_kv_heads": "8", "vocab": "128256",
        "params_total_b": "70.6", "params_active_b": "70.6",
    }  # fmt: skip
    by_shape = answer(architecture="mine", **fields)
    assert by_shape["predicted_tokens_per_s_per_chip"] == pytest.approx(answer()["predicted_tokens_per_s_per_chip"])


def test_counts_that_make_no_sense_are_refused() -> None:
    """A row's own count of FLOPs is read only from sensible numbers."""
    row = answer(mfu_pct="abc", tokens_per_s_per_chip="100")
    assert str(row["reason"]).startswith("row 1, column mfu_pct: 'abc'; wanted a number above 0")


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("layers", "0", "a number above 0"),
        ("layers", "2.5", "a whole number above 0"),
        ("layers", "", "a number above 0"),
        ("d_model", "wide", "a number above 0"),
        ("d_model", "nan", "a number above 0"),
        ("n_heads", "63", "a divisor of n_heads = 63"),
        ("n_experts", "-8", "a number, 0 or more"),
        ("n_active_experts", "4", "at most n_experts = 0"),
        ("params_active_b", "900", "at most params_total_b = 70.6"),
        ("attention_kind", "magic", "one of standard"),
        ("vocab", "", "a number above 0"),
    ],
)
def test_shapes_that_contradict_themselves_are_refused(column: str, value: str, said: str) -> None:
    """An architecture given in columns is refused with row, column, value and what was wanted."""
    fields = {
        "layers": "80", "d_model": "8192", "d_ff": "28672", "n_heads": "64", "n_kv_heads": "8", "vocab": "128256",
        "params_total_b": "70.6", "params_active_b": "70.6",
    }  # fmt: skip
    row = answer(architecture="mine", **{**fields, column: value})
    reason = str(row["reason"])
    assert row["predicted_mfu_pct"] is None
    assert reason.startswith("row 1")
    assert ("column n_kv_heads: '8'" if column == "n_heads" else f"column {column}: {value!r}") in reason
    assert f"wanted {said}" in reason


@pytest.mark.parametrize(
    ("column", "value"),
    [("layers", "0"), ("n_kv_heads", "7"), ("n_active_experts", "4"), ("params_active_b", "900"), ("d_model", "wide")],
)
def test_inconsistent_architectures_are_refused(column: str, value: str) -> None:
    """Fields that contradict one another are refused, naming the column and its value."""
    row = next(dict(r) for r in read_rows("architectures.csv") if r["architecture"] == "Llama 3.1 70B")
    row[column] = value
    with pytest.raises(ValueError, match=f"column {column}: '{value}'; wanted"):
        check_architecture(row)


def test_decoding_of_unknown_length_is_not_guessed() -> None:
    """Decoding without lengths, from a benchmark not known, is refused; with lengths it is answered."""
    assert "seq_len" in str(answer(phase="inference_decode", seq_len="", n_chips="8")["reason"])
    assert answer(phase="inference_decode", seq_len="4096", n_chips="8")["reason"] == ""


def test_a_model_far_beyond_memory_is_refused() -> None:
    """A 405B model on one 80 GB chip does not fit, even with the host's memory behind it."""
    assert "does not fit" in str(answer(architecture="Llama 3.1 405B", n_chips="1")["reason"])


def test_an_answer_that_leans_on_host_memory_says_so() -> None:
    """A model a little beyond memory is predicted, slowly, and the reason tells how much is streamed."""
    tight, roomy = (answer(architecture="Llama 3.1 70B", n_chips=n) for n in ("8", "64"))
    assert "streamed from the host" in str(tight["reason"])
    assert 0.0 < float(str(tight["predicted_mfu_pct"])) < 0.8 * float(str(roomy["predicted_mfu_pct"]))
    assert roomy["reason"] == ""
    assert float(str(roomy["log_error_sd"])) > 0.1


def test_a_benchmark_that_is_named_brings_its_concurrency() -> None:
    """Rows that name a benchmark are decoded at its lengths and concurrency, and slower at fewer sequences."""
    row = {
        "architecture": "Qwen3-Coder 480B-A35B", "chip": "TPU v7 (Ironwood, TPU7x)", "n_chips": "4", "seq_len": "2048",
        "phase": "inference_decode", "dtype": "fp8", "date": "2026-06", "software": "vLLM TPU",
    }  # fmt: skip
    named, own = predict_cases([row, {**row, "concurrency": "512"}])
    assert float(own["predicted_tokens_per_s_per_chip"]) > 1.5 * float(named["predicted_tokens_per_s_per_chip"])


def test_fewer_sequences_at_once_decode_slower_per_chip() -> None:
    """Concurrency bounds the batch: 8 sequences on 8 chips give less than 512."""
    few, many = (
        answer(phase="inference_decode", seq_len="2048", n_chips="8", concurrency=n)["predicted_tokens_per_s_per_chip"]
        for n in ("8", "512")
    )
    assert float(str(few)) < 0.2 * float(str(many))


def test_every_published_row_is_answered_or_given_a_reason() -> None:
    """No row of the shipped table is dropped, and every refusal says why."""
    rows = read_rows("mfu.csv")
    answers = predict_cases(rows)
    assert len(answers) == len(rows)
    assert all(row["reason"] != "" for row in answers if row["predicted_mfu_pct"] is None)
    assert all("streamed" in row["reason"] for row in answers if row["predicted_mfu_pct"] and row["reason"])
    assert sum(row["predicted_mfu_pct"] is not None for row in answers) > 140


def test_catalogue_rows_name_their_source() -> None:
    """Every chip, architecture and constant shipped says where it comes from."""
    for name, column in (
        ("chips.csv", "source_url"),
        ("architectures.csv", "source_url"),
        ("fit_constants.csv", "source"),
    ):
        for row in read_rows(name):
            assert row[column], (name, row)
            assert row["standing"]


def test_constants_lie_within_their_bands() -> None:
    """Each constant lies in its band, and each fitted one within three spreads of where it started."""
    for row in read_rows("fit_constants.csv"):
        assert float(row["low"]) <= float(row["value"]) <= float(row["high"]), row["constant"]
        if row["prior"]:
            moved = np.log(float(row["value"]) / float(row["prior"])) / float(row["prior_spread"])
            assert abs(moved) < 3.0, row["constant"]


def test_chips_may_change_single_fields() -> None:
    """A chip taken from the catalogue keeps all but the fields it changes; one from nowhere must give them all."""
    table = chip_table({"H100 with more memory": {"catalog": "H100-SXM", "hbm_gb": 160}})
    assert table.memory_gb[0] == 160.0
    assert table.peaks[0, 0] == pytest.approx(0.9895)
    with pytest.raises(ValueError, match="column hbm_gb"):
        chip_table({"Mystery": {"bf16_tflops": 1000}})


def test_catalogues_load_and_formats_are_known() -> None:
    """The shipped catalogues pass their own checks."""
    assert len(load_chips().names) >= 36
    assert len(load_architectures().names) >= 60
    assert dtype_class("mxfp8") == dtype_class("fp8") == 1
    assert architectures_from_rows([]).names == ()


def test_pieces_of_the_roofline_by_hand() -> None:
    """Distinct ranks, tile padding and the smooth maximum at values worked out by hand."""
    assert distinct(8.0, 1.0) == pytest.approx(1.0)
    assert distinct(4.0, 2.0) == pytest.approx(4 * (1 - (3 / 4) ** 2))
    assert padding(2880.0, 256.0) == pytest.approx(3072 / 2880)
    assert padding(2816.0, 256.0) == pytest.approx(1.0)
    assert either(3.0, 0.0) == pytest.approx(3.0)
    assert either(1.0, 1.0) == pytest.approx(2.0**0.25)
