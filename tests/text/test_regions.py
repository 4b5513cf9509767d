from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.schema import RegionValue
from nlp.text.gazetteer import gazetteer
from nlp.text.normalize import normalize
from nlp.text.regions import find_regions, resolve


def read(text: str) -> list[tuple[str, str | list[str] | None]]:
    """The regions of a text, as written, with what they resolve to."""
    found = find_regions(normalize(text))
    assert all(isinstance(e.value, RegionValue) and e.type == "region" for e in found)
    return [(text[e.start : e.end], e.value.to_dict()["resolved"]) for e in found if isinstance(e.value, RegionValue)]


@pytest.mark.parametrize(
    ("text", "regions"),
    [
        ("上海的社保卡在苏州能刷吗", [("上海", "310000"), ("苏州", "320500")]),
        ("内蒙的医保回呼市用", [("内蒙", "150000"), ("呼市", "150100")]),
        ("阿坝州低保标准", [("阿坝州", "513200")]),
        ("冰城开店，社保在甬城", [("冰城", "230100"), ("甬城", "330200")]),
        ("浙江义乌和江苏省昆山市", [("浙江义乌", "330782"), ("江苏省昆山市", "320583")]),
        ("住在福建省 厦门市思明区", [("福建省 厦门市思明区", "350203")]),
        ("在沪参保，户口在皖", [("沪", "310000"), ("皖", "340000")]),
        ("疆内就医和返粤人员", [("疆", "650000"), ("粤", "440000")]),
        ("长三角、珠三角地区", [("长三角", ["310000", "320000", "330000", "340000"]), ("珠三角地区", read("珠三角")[0][1])]),
        ("川渝两地", [("川渝", ["500000", "510000"])]),
        ("苏皖两省互认", [("苏皖", ["320000", "340000"])]),
        ("港澳台地区", [("港澳台", ["710000", "810000", "820000"])]),
        ("搬到雄安新区", [("雄安新区", ["130629", "130632", "130638"])]),
        ("武汉高新区企业", [("武汉高新区", "420100")]),
        ("襄樊的退休金", [("襄樊", "420600")]),
        ("北京宣武区户口", [("北京宣武区", "110102")]),
        ("四川省新都县", [("四川省新都县", "510114")]),
        ("香港九龙", [("香港九龙", "810000")]),
        ("深圳市民去广州市场", [("深圳", "440300"), ("广州", "440100")]),
        ("臺灣和廣東省佛山市", [("臺灣", "710000"), ("廣東省佛山市", "440600")]),
        ("⻄安\u200b市和長\u200b沙", [("⻄安\u200b市", "610100"), ("長\u200b沙", "430100")]),
    ],
)
def test_names(text: str, regions: list[tuple[str, str | list[str] | None]]) -> None:
    assert read(text) == regions


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("C市C3区医保", ["C市C3区"]),
        ("某县某镇的规定", ["某县某镇"]),
        ("XX省XX市", ["XX省XX市"]),
        ("我在D5县竹溪镇青石村建房", ["D5县竹溪镇青石村"]),
        ("家住浦阳镇", ["浦阳镇"]),
        ("甲国公民", ["甲国"]),
        ("湖北省孝感市安陆市烟店镇", ["湖北省孝感市安陆市烟店镇"]),
    ],
)
def test_masked_places_and_towns(text: str, names: list[str]) -> None:
    assert [word for word, _ in read(text)] == names


@pytest.mark.parametrize(
    "text",
    [
        "本市户口去外地看病，省内和跨省不同",
        "农村和城乡居民",
        "他穿中山装种长春花",
        "买了天津路和上海大道的房子",
        "青岛牌啤酒和河南话",
        "张新疆先生来了",
        "沿海安全生产，参保定点药店",
        "会同公安部门合作互助，前进在平安大道",
        "江苏省税务局",
        "湖北省人民政府",
        "E市人社局",
        "杭州银行的卡",
        "依据《上海市医疗保障办法》",
        "台湾居民来大陆",
        "每个镇和所属镇",
        "朝阳产业前景好",
        "这是一个旧的证",
    ],
)
def test_lookalikes(text: str) -> None:
    assert read(text) == []


def test_a_generic_word_leaves_the_region() -> None:
    assert read("F市医院的医生") == [("F市", None)]
    assert read("南京医院") == [("南京", "320100")]


def test_road_behind_a_city_is_not_another_region() -> None:
    assert read("北海市重庆路") == [("北海市", "450500")]


@pytest.mark.parametrize(
    ("text", "word", "resolved"),
    [
        ("我在朝阳交社保", "朝阳", None),
        ("北京的社保，人在朝阳", "朝阳", "110105"),
        ("人在朝阳，长春的社保", "朝阳", "220104"),
        ("辽宁的社保，人在朝阳", "朝阳", "211300"),
        ("吉林的医保", "吉林", None),
        ("长春人问吉林的医保", "吉林", "220000"),
        ("吉林市的医保", "吉林市", "220200"),
        ("鼓楼区的补贴", "鼓楼区", None),
        ("福州的，在鼓楼区", "鼓楼区", "350102"),
        ("通州怎么办居住证", "通州", None),
        ("通州怎么办居住证，南通能办吗", "通州", "320612"),
        ("河北和天津", "河北", "130000"),
        ("天河区和白云区", "白云区", "440111"),
    ],
)
def test_context_decides(text: str, word: str, resolved: str | None) -> None:
    assert dict(read(text))[word] == resolved
    start = text.index(word)
    others = [(e.start, e.end) for e in find_regions(normalize(text))]
    value = resolve(text, start, start + len(word), others)
    assert value is not None
    assert value.to_dict()["resolved"] == resolved


def test_candidates_are_ranked() -> None:
    [entity] = find_regions(normalize("通州"))
    assert isinstance(entity.value, RegionValue)
    assert [c.code for c in entity.value.candidates][:2] == ["110112", "320612"]
    scores = [c.score for c in entity.value.candidates]
    assert scores == sorted(scores, reverse=True)
    assert 0 < sum(scores) <= 1.0001


def test_resolves_what_a_model_tagged() -> None:
    assert resolve("想去和平买药", 2, 4) is not None
    assert resolve("在A市", 1, 3) == RegionValue()
    assert resolve("在外地", 1, 3) is None
    assert [resolve(name, 0, 2) for name in ("新区", "黑市", "京县")] == [None] * 3
    assert [value and value.resolved for value in (resolve("沪上", 0, 2), resolve("粤省", 0, 2))] == [("310000",), ("440000",)]
    value = resolve("苏籍人员", 0, 1)
    assert value is not None
    assert value.resolved == ("320000",)
    with pytest.raises(ValueError, match="does not lie inside"):
        resolve("北京", 1, 3)


@given(st.sampled_from(sorted(gazetteer().units.items())))
def test_full_paths_resolve_to_their_unit(unit: tuple[str, str]) -> None:
    code, official = unit
    tables = gazetteer()
    path = "".join(tables.units[c] for c in (code[:2] + "0000", code[:4] + "00") if c in tables.units and c != code)
    value = resolve(path + official, 0, len(path + official))
    assert value is not None
    assert code in value.resolved


PIECES = st.sampled_from(
    [
        "北京",
        "臺灣",
        "A市",
        "某县",
        "K6县",
        "沪",
        "返",
        "在",
        "医保",
        "《",
        "》",
        "镇",
        "村",
        "省",
        "\u200b",
        "⻄安",
        "路",
        " ",
        "\ud800",
    ]
)


@given(st.lists(st.one_of(PIECES, st.text(max_size=3)), max_size=12).map("".join))
def test_any_text_gives_valid_spans(text: str) -> None:
    end = 0
    for entity in find_regions(normalize(text)):
        assert end <= entity.start < entity.end <= len(text)
        end = entity.end
        assert resolve(text, entity.start, entity.end) is not None or entity.value == RegionValue()


@pytest.mark.parametrize(
    "piece", ["北京", "某市", "A市", "广东省广州市", "返沪", "乡镇", "一二三省", "《", "和平", "K6县金井镇"]
)
def test_time_is_linear(piece: str) -> None:
    text = piece * (30_000 // len(piece))
    find_regions(normalize(text))
