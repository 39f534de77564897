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
        ("n_chips", "many", "a number above 0"),
        ("n_chips", "-4", "a number above 0"),
        ("n_chips", "nan", "a number above 0"),
        ("date", "soon", "YYYY-MM"),
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
    assert all((row["predicted_mfu_pct"] is None) == (row["reason"] != "") for row in answers)


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
