"""Numbers are read however shops write them, and what is no number is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.adapters.numbers import Number, number_of


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10", 10),
        (" 10.00 ", 10),
        ("1e2", 100),
        ("-0", 0),
        ("$10.00", 10),
        ("US$10.00", 10),
        ("€ 10,5", 10.5),
        ("10,00", 10),
        ("0,500", 0.5),
        (",5", 0.5),
        ("1,299", 1299),
        ("1,299.00", 1299),
        ("1.299,00", 1299),
        ("1.299.000", 1_299_000),
        ("1,29,900.5", 129_900.5),
        ("1 299,00 kr", 1299),
        ("1\u202f299,00 €", 1299),
        ("1'299.00 CHF", 1299),
        ("1.299 €", 1299),
        ("-$5.00", -5),
        ("$-5.00", -5),
        ("\u22125,00", -5),
    ],
)
def test_a_text_of_money_is_read(text, value):
    assert number_of(text).value == value


@pytest.mark.parametrize(
    "given",
    [
        *(
            "",
            " ",
            "dear",
            "NaN",
            "inf",
            "-Infinity",
            "1e999",
            "1,2,3",
            "1.2.3,4,5",
            "12.34.56",
            "€",
            "10 10 EUR$",
        ),
        *("EUR 10 EUR", "--5", "-$-5", "10 pieces", "\ud800", "9" * 65, "," * 3, "1234,567,890"),
        *(None, True, False, float("nan"), float("inf"), [], {}, [1], b"10"),
    ],
)
def test_what_is_no_number_is_none(given):
    assert number_of(given) is None


def test_the_code_of_a_currency_beside_an_amount_is_told():
    assert number_of("USD 10.00") == Number(10.0, is_plain=False, currency="USD")
    assert number_of("10.00 $") == Number(10.0, is_plain=False)
    assert number_of("10.00").is_plain


@given(st.floats(0, 1e9), st.sampled_from([",", ".", " ", "'", "\u202f"]))
def test_an_amount_with_grouped_thousands_is_that_amount(amount, mark):
    text = f"{amount:,.2f}"
    written = text.replace(",", "_").replace(".", "," if mark == "." else ".").replace("_", mark)
    assert number_of(f"{written} €").value == float(text.replace(",", ""))


@given(st.text(max_size=70))
def test_any_text_is_a_finite_number_or_none(text):
    found = number_of(text)
    assert found is None or abs(found.value) < float("inf")
