"""Cardinal numbers, fractions and ordinals in running text, where no unit makes them something else."""

from __future__ import annotations

import re
from decimal import Context, Decimal

from nlp.schema import NumberValue
from nlp.text.amounts import share_unit
from nlp.text.numerals import Numeral
from nlp.text.tape import NUMERAL, Mention, Tape

_ORDINAL = re.compile(rf"第{NUMERAL}")
_SPOKEN_FRACTION = re.compile(rf"(?:(?P<whole>{NUMERAL})又)?(?P<bottom>{NUMERAL})分之?(?P<top>{NUMERAL})")
_FRACTION = re.compile(rf"(?:(?P<whole>{NUMERAL}) )?(?P<top>{NUMERAL})/(?P<bottom>{NUMERAL})(?![/0-9])")
_TO = re.compile(rf"[-~～—到至](?={NUMERAL})")
_HALF = re.compile(r"半(?=[个份数价斤碗杯瓶圈公])")
# 1、 and 2. before the items of a list count nothing.
_MARKER = re.compile(r"[、.)](?=[^\W\d_])")
_LINE_START = re.compile(r"(?:^|[\n。;；:：.])[(\s]?$")
# Measure words, which make even a single Chinese digit a number.
_MEASURE = re.compile(
    "[个只斤吨次人名位件台辆套条张本册份项种类双对颗粒枚把片瓶杯碗桶箱袋层栋间户家所座处亩顷米尺寸克升倍股票场届期批组队班群门科题"
    "篇章句字步笔剂针匹头棵朵根支枝艘架幅盒罐串堆排列轮道级等口]|公[里斤顷]|千[米克]|平方|立方|毫"
)
_LETTER_UNIT = re.compile(r"(?:[kmc]?m|[kmμ]?g|m?l|L|h|[KMGT]B|kWh|Hz|W|V|A)(?![A-Za-z])")
_CAPITALS = frozenset("壹贰叁肆伍陆柒捌玖拾佰仟弌弍弎")
# What follows 一 in words that count nothing: 一样, 一定; 一次性, 进一步.
_ONE_WORDS = frozenset("样般定直起致切些下旦律共旁贯带向味再方面边时会经度并概同体生")
_ONE_MEASURES = frozenset("把口头等道级致步次")
_PLACES = ("四川", "三亚", "九江", "六安")
_POINT_FIVE = Decimal("0.5")


def find_ordinals(tape: Tape) -> list[Mention]:
    """Finds 第三, 第2, 第一百零一; the span holds 第."""
    found: list[Mention] = []
    for match in _ORDINAL.finditer(tape.text):
        numeral = tape.numerals.get(match.end() - 1)
        if numeral is not None and numeral.low is not None:
            found.append(Mention(match.start(), match.end(), "ordinal", NumberValue(numeral.low, numeral.high)))
    return found


def find_numbers(tape: Tape) -> list[Mention]:
    """Finds numbers and fractions: 两万五, 三分之一, 1 3/5, 十几, 3-5万, 一半."""
    found: list[Mention] = []
    last = 0
    for position in tape.numerals:
        if position < last:
            continue
        mention = _read_fraction(tape, position) or _read_number(tape, position)
        if mention is not None:
            found.append(mention)
            last = mention.end
    if "半" in tape.text:
        found.extend(_number(m.start(), m.end(), _POINT_FIVE) for m in _HALF.finditer(tape.text))
    return found


def _number(start: int, end: int, value: Decimal) -> Mention:
    return Mention(start, end, "number", NumberValue(value, value))


def _read_fraction(tape: Tape, position: int) -> Mention | None:
    """三分之一, 三又五分之二, 2/5, 1 2/5; 百分之 with a bare unit is a percentage."""
    match = _SPOKEN_FRACTION.match(tape.text, position) or _FRACTION.match(tape.text, position)
    if match is None:
        return None
    bottom, top = tape.numerals[match.start("bottom")], tape.numerals[match.start("top")]
    whole = tape.numerals[match.start("whole")].low if match.group("whole") else Decimal(0)
    if whole is None or bottom.low is None or top.low is None or not bottom.low:
        return None
    if bottom.form == "bare" and not match.group("whole"):
        return None
    context = Context(prec=20)
    part = context.divide(top.low, bottom.low)
    return _number(position, match.end(), context.subtract(whole, part) if whole < 0 else context.add(whole, part))


def _read_number(tape: Tape, position: int) -> Mention | None:
    text, numeral, end = tape.text, tape.numerals[position], position + 1
    low, high = numeral.low, numeral.high
    if low is None or high is None or (_MARKER.match(text, end) and _LINE_START.search(text, max(0, position - 2), position)):
        return None
    if numeral.text == "一" and text.startswith("半", end):
        return _number(position, end + 1, _POINT_FIVE)
    if text.startswith("打", end) and low == high and numeral.form != "bare" and not _is_han(text[position - 1 : position]):
        return _number(position, end + 1, low * 12)
    if not _counts(tape, position):
        return None
    if numeral.pair and _MEASURE.match(text, end):
        low, high = Decimal(numeral.pair[0]), Decimal(numeral.pair[1])
    to = _TO.match(text, end)
    last = tape.numerals[to.end()] if to else None
    if to is not None and last is not None and last.high is not None and (shared := share_unit(numeral, last, low)) != low:
        return Mention(position, to.end() + 1, "number", NumberValue(shared, last.high, "range"))
    return Mention(position, end, "number", NumberValue(low, high, "eq" if low == high else "range", numeral.approximate))


def _counts(tape: Tape, position: int) -> bool:
    """Whether a numeral is a number of its own and no part of a word."""
    text, numeral = tape.text, tape.numerals[position]
    surface = numeral.text
    before, after = text[position - 1 : position], text[position + 1 : position + 2]
    if before == "第" or (after == "后" and len(surface) == 2) or (numeral.form == "bare" and not numeral.approximate):
        return False
    if numeral.form == "arabic" or surface[0] in "-+负":
        return not (_is_latin(before) or _is_latin(after)) or bool(_LETTER_UNIT.match(text, position + 1))
    if surface[0] in "万千" and not numeral.approximate:
        return False  # 万一
    if len(surface) == 1:
        return _is_lone_digit(tape, position, before, after)
    return not _is_pair_in_word(tape, position, numeral, before, after)


def _is_pair_in_word(tape: Tape, position: int, numeral: Numeral, before: str, after: str) -> bool:
    """Two Chinese digits inside a word or a name: 一二线城市, 三九药业."""
    if numeral.form != "digits" or len(numeral.text) != 2 or _MEASURE.match(tape.text, position + 1):
        return False
    return _is_han(after) and (_is_han(before) or numeral.pair is not None)


def _is_lone_digit(tape: Tape, position: int, before: str, after: str) -> bool:
    """Whether one Chinese digit counts: alone, before a measure word, after 是, in 前三的; not in 一样, 十分, 四川."""
    text, surface = tape.text, tape.numerals[position].text
    if not _is_han(before) and before != NUMERAL and ((not _is_han(after) and after != NUMERAL) or after in ("的", "和")):
        return True
    if surface in _CAPITALS:
        return before == "是" and not _is_han(after)
    if surface == "几":
        return bool(_MEASURE.match(text, position + 1))
    if after == NUMERAL:  # 二两
        return tape.numerals[position + 1].text == "两" != surface and before != NUMERAL
    if before == "是":
        return not (surface == "一" and after in _ONE_WORDS) and surface + after not in _PLACES
    if before == "前" and after in ("的", "名", "位", "强"):
        return True
    if text.startswith("分之", position + 1):
        return not _is_han(text[position + 3 : position + 4]) and text[position + 3 : position + 4] != NUMERAL
    if before in ("唯", "统", "万", "星", "周", "逐", "专", NUMERAL):
        return False
    return bool(_MEASURE.match(text, position + 1)) and not (surface == "一" and after in _ONE_MEASURES)


def _is_latin(char: str) -> bool:
    return char == "_" or (char.isascii() and char.isalpha())


def _is_han(char: str) -> bool:
    return "㐀" <= char <= "鿿"
