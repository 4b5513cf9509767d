from __future__ import annotations

import json
from decimal import Decimal

import pytest

from nlp.schema import (
    AgeValue,
    AmountValue,
    DateValue,
    DurationValue,
    NumberValue,
    PercentValue,
    RegionCandidate,
    RegionValue,
    Value,
    ValueKind,
    value_from_dict,
)

CASES: list[tuple[ValueKind, Value]] = [
    ("number", NumberValue(Decimal("30"), Decimal("90"), "range", True)),
    ("amount", AmountValue(Decimal("50"), None, comparator="ge", per=("person", "month"))),
    ("percent", PercentValue(Decimal("0.05"), Decimal("0.05"), change=True)),
    ("age", AgeValue(Decimal("70"), None, "ge")),
    ("date", DateValue("2008/2012")),
    ("duration", DurationValue("P15Y", "P15Y")),
    ("duration", DurationValue(None, "P3Y", "le")),
    ("region", RegionValue((RegionCandidate("130000", "河北省", 0.97),), ("130000",))),
    ("region", RegionValue((), ("110000", "120000", "130000"))),
    ("region", RegionValue()),
]


@pytest.mark.parametrize(("kind", "value"), CASES)
def test_values_survive_json(kind: ValueKind, value: Value) -> None:
    assert value_from_dict(kind, json.loads(json.dumps(value.to_dict()))) == value


def test_forms_of_the_guideline() -> None:
    assert DurationValue("P15Y", "P15Y").to_dict() == "P15Y"
    assert RegionValue((), ("130000",)).to_dict()["resolved"] == "130000"
    assert RegionValue().to_dict()["resolved"] is None
    assert AmountValue(Decimal("2E+4"), Decimal("2E+4")).to_dict()["low"] == "20000"


@pytest.mark.parametrize("data", ["x", 3, None])
def test_wrong_forms_are_refused(data: object) -> None:
    with pytest.raises((TypeError, KeyError, ValueError)):
        value_from_dict("amount", data)
