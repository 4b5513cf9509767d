"""The words around a value: comparators (不低于, 以内), periods and bearers (每人每月, /月), and what they say of it.

All functions look at a tape (see `nlp.text.tape`) and no further than the clause that the value stands in.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import cast

from nlp.schema import Comparator
from nlp.text.tape import CODE, DATE, NUMERAL, Tape

RANGE = r"(?:[-~～—–−〜―]{1,2}|到|至)"
_WINDOW = 48  # characters before a value in which its words are looked for
_PAUSE = re.compile(rf"[,。;；:！!?？、\n{NUMERAL}]")
_ASIDE = re.compile(r"\([^()]*\)")

_NOT = r"不(?:得|能|可|应|会|再)?"
_NO_NAME = "(?!工资|生活|标准|保障|人民|法院|检察|级|档|价|气温|学历|缴费|费率)"  # 最低工资 compares nothing
# What may stand before a value; the nearest wins. 不低于 goes before 低于, which it holds.
_BEFORE = re.compile(
    rf"(?P<ge>{_NOT}(?:低于|少于|小于|下于|短于)|不下|至少|最少|最低{_NO_NAME}|起码|[大多]于(?:或)?等于|[≥≧]|>=)"
    rf"|(?P<le>{_NOT}(?:超过|高于|多于|大于|长于|超出|超|高过|多过)|最高{_NO_NAME}|[最至顶]多|上限|封顶线?|限额|[小少]于(?:或)?等于|[≤≦]|<=)"
    r"|(?P<gt>超过|高于|大于|多于|超出|逾|>)|(?P<lt>低于|少于|小于|不足|不到|不满|未满|未达到?|未超过|<)"
)
_LIMITED = re.compile(r"限(?:额|为|在)?$")
_AFTER = re.compile(
    r"(?:元|钱)?(?:\(含\)|\(含本数\))?(?:(?P<ge>[及或和含]?以上|起(?![付诉步草薪义初码来])|封底)"
    r"|(?P<le>[及或和含]?以下|以内|之内|封顶|为(?:限|上限|最高))|(?P<about>左右|上下))"
)
# Words that may part a comparator from its value.
_FILLER = re.compile(
    r"(?:了|过|到|达到?|为|是|在|按|约|的|可达?|可以|能够?|支持|补贴|补助|奖励|资助|救助|给予|报销|支付|享受|领取?|贷款?|罚款?|处|金额|总额|合计|共"
    r"|每[人年月户次]|人民币|一次性|[(:\"“])*$"
)
_FAR = ("不", "低于", "少于", "限额", "上限", "最高", "最多")  # reach over any words: 不超过租金总额的50%
_FULL = re.compile(r"满了?$")
_ABOUT = re.compile(r"(?:大约|约|大概|差不多|近|将近|接近|大致|估计)[有为是在]?$")


def read_comparator(tape: Tape, start: int, end: int, reach: int) -> Comparator:
    """What the words around a value say of its bounds.

    Args:
        tape: The folded text.
        start: First position of the value on the tape.
        end: Position after the value.
        reach: How many characters may part 不超过 and the like from the value within the clause.
    """
    after = _AFTER.match(tape.text, end)
    if after and not after.group("about"):
        return "ge" if after.group("ge") else "le"
    left = _clause(tape.text, start)
    found = list(_BEFORE.finditer(left))
    if not found:
        return "le" if _LIMITED.search(left) else "eq"
    gap = left[found[-1].end() :]
    if _FILLER.match(gap) or (len(gap) <= reach and found[-1].group().startswith(_FAR)):
        return cast(Comparator, found[-1].lastgroup)
    return "eq"


def read_condition(tape: Tape, start: int, end: int) -> Comparator:
    """What the words around an age or a length of time say: 满15年 and 年满50周岁 are lower bounds, 已经满7岁了 is a fact."""
    text = tape.text
    comparator = read_comparator(tape, start, end, reach=6)
    if comparator == "eq" and text.startswith("内", end):
        return "le"
    if comparator == "eq" and _FULL.search(text, max(0, start - 2), start) and not text.startswith("了", end):
        return "ge"
    return comparator


def _clause(text: str, start: int) -> str:
    """What stands before a position in its clause, without remarks in brackets and after the last numeral."""
    left = text[max(0, start - _WINDOW) : start]
    if ")" in left:
        left = _ASIDE.sub("", left)
    cut = 0
    for pause in _PAUSE.finditer(left):
        cut = pause.end()
    return left[cut:]


def is_about(tape: Tape, start: int, end: int) -> bool:
    """Whether 约 or 左右 stands beside the value."""
    after = _AFTER.match(tape.text, end)
    return bool(after and after.group("about")) or bool(_ABOUT.search(tape.text, max(0, start - 6), start))


def bound(low: Decimal | None, high: Decimal | None, comparator: Comparator) -> tuple[Decimal | None, Decimal | None]:
    """The bounds that a comparator leaves: 不低于50 has no upper one."""
    if comparator in ("ge", "gt"):
        return low, None
    if comparator in ("le", "lt"):
        return None, high
    return low, high


_PER_NAMES = {
    word: name
    for name, words in {
        "person": "人 名 位 生 个人 职工",
        "household": "户 家庭",
        "child": "孩 胎 孩子 个孩子",
        "time": "次 回 人次",
        "hour": "小时 个小时 钟头",
        "day": "天 日 晚",
        "week": "周 星期 个星期",
        "month": "月 个月 月度",
        "quarter": "季 季度 个季度",
        "term": "期 学期 个学期",
        "school_year": "学年 个学年",
        "year": "年 年度",
        "mu": "亩",
        "square_metre": "平方米 平米 平方 ㎡",
        "ton": "吨",
        "kilogram": "公斤 千克",
        "jin": "斤",
        "unit": "辆 台",
    }.items()
    for word in words.split()
}
_PER = "|".join(sorted(_PER_NAMES, key=len, reverse=True))
_EACH = re.compile(rf"每{NUMERAL}?({_PER})|([人户月年日亩]均)|(?:^|[^当上今同])(年度)(?=.{{0,2}}$)")
_AVERAGES = {
    "人均": "person",
    "户均": "household",
    "月均": "month",
    "年均": "year",
    "日均": "day",
    "亩均": "mu",
    "年度": "year",
}
_PER_AFTER = re.compile(rf"[/·]({_PER})|\(?每({_PER})")
_ONE_AFTER = re.compile(rf"\(?({NUMERAL})({_PER})(?!性)")
_ONE_BEFORE = re.compile(rf"({NUMERAL})(个?(?:月|年|天|人|次|学期|季度))(?:要|交|给|收|才|就|只|的?工资|了)*$")
_BREAK = re.compile(rf"[,。;；！!?？、\n{DATE}{CODE}]")
_SENTENCE = re.compile(r"[。;；！!?？\n]")
_AND = re.compile("[、和与及]")


def read_per(tape: Tape, start: int, end: int) -> tuple[str, ...]:
    """What an amount is paid per; empty where nothing is said.

    ("person", "month") for 每人每月50元, 50元/人·月 and 50元每人每月; ("day",) for 110元一天.
    """
    found = _per_before(tape, start)
    text, position = tape.text, end
    while match := _PER_AFTER.match(text, position):
        found.append(_PER_NAMES[match.group(1) or match.group(2)])
        position = match.end()
    while (match := _ONE_AFTER.match(text, position)) and _is_one(tape, match.start(1)):
        found.append(_PER_NAMES[match.group(2)])
        position = match.end()
    return tuple(dict.fromkeys(found))


def _is_one(tape: Tape, position: int) -> bool:
    return position in tape.numerals and tape.numerals[position].text in ("一", "1")


def _per_before(tape: Tape, start: int) -> list[str]:
    """每人, 人均 … in the clause, after any other number in it."""
    text = tape.text
    first = max(0, start - _WINDOW)
    for cut in _BREAK.finditer(text, first, start):
        first = cut.end()
    last = start
    while (last := text.rfind(NUMERAL, first, last)) >= 0:
        if not _is_one(tape, last):
            first = last + 1
            break
    left = text[first:start]
    shared = _per_respective(text, start)
    found = shared + _names(left.rpartition("分别")[2])
    one = _ONE_BEFORE.search(left)
    if not found and one and _is_one(tape, first + one.start(1)):
        found.append(_PER_NAMES[one.group(2).removeprefix("个")])
    return found


def _names(words: str) -> list[str]:
    return [_PER_NAMES[m.group(1)] if m.group(1) else _AVERAGES[m.group(2) or m.group(3)] for m in _EACH.finditer(words)]


def _per_respective(text: str, start: int) -> list[str]:
    """总额、人均收入分别为A、B: each amount belongs to the subject in the same place of the list."""
    before = text[max(0, start - 2 * _WINDOW) : start]
    before = _SENTENCE.split(before)[-1]
    subjects, respectively, between = before.rpartition("分别")
    if not respectively:
        return []
    listed = _AND.split(subjects.rpartition(",")[2])
    place = between.count(NUMERAL) if len(listed) > 1 else 0
    return _names(listed[place]) if place < len(listed) else []
