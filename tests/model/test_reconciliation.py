from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.model.alignment import Encoding, tag_names
from nlp.model.reconciliation import DOUBT, LIKELY, NEVER, Evidence, Trust, fit_trust, reconcile, trust_from_dict
from nlp.schema import Entity, EntityLabel, LabelSchema, TopicLabel
from nlp.text import find

SCHEMA = LabelSchema(
    (TopicLabel("t", "题"),),
    (
        EntityLabel("region", "地区", value="region", roles=("insured", "care")),
        EntityLabel("amount", "金额", value="amount"),
        EntityLabel("age", "年龄", value="age"),
        EntityLabel("organization", "机构"),
    ),
)
NAMES = tag_names(SCHEMA)
KINDS = ("region", "amount", "age")


def evidence(text: str, sure: dict[str, float] | None = None) -> Evidence:
    """The same probabilities at every character: of inside-tags, the rest outside."""
    probabilities = np.zeros((len(text), len(NAMES)), dtype=np.float32)
    for tag, probability in (sure or {}).items():
        probabilities[:, NAMES.index(f"I-{tag}")] = probability
    places = np.arange(len(text), dtype=np.int32)
    return Evidence(probabilities, Encoding(places, places, places + 1), NAMES)


def joined(
    text: str, spans: list[Entity], sure: dict[str, float] | None = None, trust: dict[str, Trust] | None = None
) -> list[str]:
    found = reconcile(text, spans, find(text, KINDS), evidence(text, sure), SCHEMA, trust or {})
    return [f"{text[e.start : e.end]}:{e.type}" + (f":{e.role}" if e.role else "") for e in found]


def test_the_grammar_sets_the_boundaries_and_the_network_the_role() -> None:
    text = "兰州医保报销不低于500元"
    spans = [Entity(0, 1, "region", "care", probability=0.9), Entity(6, 12, "amount", probability=0.9)]
    assert joined(text, spans) == ["兰州:region:care", "500元:amount"]


def test_a_mention_that_the_network_missed_takes_the_likeliest_role() -> None:
    sure = {"region:care": 0.2, "region:insured": 0.4}
    assert joined("兰州医保", [], sure) == ["兰州:region:insured"]
    assert joined("兰州医保", [], sure, {"region": Trust(grammar=0.7)}) == []


def test_no_mention_cuts_into_a_name() -> None:
    text = "江西省税务部门罚款500元"
    assert joined(text, [Entity(0, 7, "organization", probability=0.6)]) == ["江西省税务部门:organization", "500元:amount"]


@pytest.mark.parametrize(
    ("text", "stands"),
    [
        ("今天到A市口腔医院补牙", False),
        ("江西省税务部门如何答复", False),
        ("北京妇产医院能报销吗", False),
        ("A市某三甲医院的护士", True),
        ("A市医院看病怎么报", True),
        ("东莞电子厂上班三年", True),
    ],
)
def test_the_place_of_a_hospital_or_public_body_is_part_of_its_name(text: str, stands: bool) -> None:
    start = text.find("A市") if "A市" in text else 0
    span = Entity(start, start + (3 if text.startswith("江西省") else 2), "region", "care", probability=0.9)
    found = reconcile(text, [span], [], evidence(text), SCHEMA, {})
    assert [(e.start, e.end) for e in found] == ([(span.start, span.end)] if stands else [])


def test_a_bare_number_stands_if_the_network_is_sure() -> None:
    text = "他说8000够不够"
    spans = [Entity(2, 6, "amount", probability=0.8)]
    assert joined(text, spans) == ["8000:amount"]
    assert joined(text, spans, trust={"amount": Trust(network=0.9)}) == []


def test_the_network_decides_what_a_number_is() -> None:
    text = "我60岁"
    assert joined(text, [Entity(1, 2, "amount", probability=0.9)]) == ["60岁:amount"]


def test_values_come_from_the_mention_of_the_same_kind_only() -> None:
    text = "我60岁"
    for kind, known in (("age", True), ("amount", False)):
        entity = reconcile(text, [Entity(1, 3, kind, probability=0.9)], find(text, KINDS), evidence(text), SCHEMA, {})[0]
        assert (entity.value is not None) == known


@given(st.text(alphabet="兰州北京江西医保50岁元万 a", max_size=24), st.data())
def test_the_result_is_in_order_and_does_not_overlap(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8, unique=True)))
    spans = [
        Entity(a, b, data.draw(st.sampled_from(("region", "amount", "age", "organization"))), probability=0.7)
        for a, b in zip(cuts[::2], cuts[1::2], strict=False)
    ]
    end = 0
    for entity in reconcile(text, spans, find(text, KINDS), evidence(text), SCHEMA, {}):
        assert end <= entity.start < entity.end <= len(text)
        end = entity.end


def test_thresholds_keep_what_gains() -> None:
    cases = [("age", "network", p, p > 0.6) for p in (0.1, 0.3, 0.5, 0.7, 0.9)]
    cases += [("age", "grammar", 0.9, True), ("age", "grammar", 0.1, True), ("amount", "network", 0.9, False)]
    fitted = fit_trust(cases)
    assert fitted["age"].network == pytest.approx(0.6)
    assert fitted["age"].grammar == 0.0
    assert fitted["amount"].network == NEVER
    assert trust_from_dict({kind: trust.to_dict() for kind, trust in fitted.items()}) == fitted


def test_between_equal_gains_the_network_is_believed_and_the_grammar_is_not() -> None:
    even = [(0.95, True), (0.9, False), (0.8, True), (0.6, False)]
    cases = [("age", "network", p, right) for p, right in even] + [("age", "grammar", p / 4, right) for p, right in even]
    fitted = fit_trust(cases)["age"]
    assert (fitted.network, fitted.grammar) == (pytest.approx(0.7), pytest.approx(0.925 / 4, abs=1e-4))


def test_few_rows_make_neither_reader_blind() -> None:
    wrong = fit_trust([("age", "grammar", 0.9, False)])["age"]
    right = fit_trust([("age", "network", 0.2, True)])["age"]
    assert (wrong.grammar, right.network) == (LIKELY, DOUBT)
