"""Amounts of money in running text, with currency, range, comparator, period and bearer."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from nlp.schema import AmountValue, Comparator
from nlp.text.currencies import CURRENCY_PREFIXES, CURRENCY_WORDS, MINOR_WORDS
from nlp.text.modifiers import RANGE, bound, is_about, read_comparator, read_per
from nlp.text.numerals import BIG_UNITS, LATIN_UNITS, SMALL_UNITS, Numeral
from nlp.text.tape import CODE, DATE, NUMERAL, Mention, Tape


def _either(words: dict[str, str]) -> str:
    return "|".join(re.escape(w) for w in sorted(words, key=len, reverse=True))


# What after the unit makes it another word: 元旦, 角度, 毛病, 分钟.
_UNIT = re.compile(
    rf"(?P<word>{_either(CURRENCY_WORDS)})|(?P<cent>{_either(MINOR_WORDS)})|(?P<yuan>[元圆](?!旦|宵|月份|月{NUMERAL}))|(?P<kuai>块)"
    r"|(?P<jiao>角(?![形落度色膜逐楼星洲梁铁钢阀巷亭池尺])|毛(?![病坯驴巾衣发泽孩主笔线豆]))"
    r"|(?P<fen>分(?![之析别钟公店部支区局会类级配成数时校院期子秒]))"
)
# What comes in pieces: 三块地, but 三块地铁票 is money again.
_PIECES = re.compile("[土石砖布肉板糖豆骨皮木牌田屏表]|地(?!铁)|[手]表|宅基|[菜林]地|玻璃|巧克力|蛋糕|硬盘|招牌|区域")
_YUAN = {"word": 0, "yuan": 0, "kuai": 0, "jiao": 1, "fen": 2, "cent": 2}  # decimal places below the whole unit
_PREFIX = re.compile(rf"({_either(CURRENCY_PREFIXES)}):?$")
_SUFFIX = re.compile(r"(?:整|正(?![常式在确好规处])|钱)?(?P<currency>人民币|日币|港币|美金)?")
_TO = re.compile(rf"(?:\(含\))?{RANGE}(?:人民币)?(?={NUMERAL})")
_MINOR = re.compile(rf"[又零]?(?P<count>{NUMERAL})(?P<unit>角|毛|美?分)")
_MINOR_PLACES = {"角": 1, "毛": 1, "分": 2, "美分": 2}
_CAPITALS = frozenset("壹贰叁肆伍陆柒捌玖拾佰仟")
_COUNTED = frozenset("个次天月年人斤件桶亩包份条张瓶")


@dataclass(frozen=True, slots=True)
class _Money:
    """What stands on the tape; `currency` is None where no unit is written."""

    start: int
    end: int
    low: Decimal | None
    high: Decimal | None
    currency: str | None
    numeral: Numeral
    ranged: bool = False


def find_amounts(tape: Tape) -> list[Mention]:
    """Finds money on a tape: 50元, 3万到5万元, 五块六, 人民币壹仟元整, $100; 拖欠两万工资, 欠款164万, 工资八千多."""
    found: list[Mention] = []
    last, limited = 0, False
    for position in tape.numerals:
        if position < last:
            continue
        money = _read_range(tape, position) or _read_by_context(tape, position)
        if money is None:
            continue
        value = _value(tape, money, limited and _is_list(tape.text[last : money.start]))
        limited = value.comparator == "le"
        found.append(Mention(money.start, money.end, "amount", value))
        last = money.end
    return found


def read_plain_amount(tape: Tape, position: int) -> AmountValue:
    """Takes the numeral at a position of the tape for yuan, with the comparator and period around it."""
    numeral = tape.numerals[position]
    return _value(tape, _Money(position, position + 1, numeral.low, numeral.high, "CNY", numeral), False)


def _value(tape: Tape, money: _Money, limited: bool) -> AmountValue:
    start, end, low, high = money.start, money.end, money.low, money.high
    comparator: Comparator = read_comparator(tape, start, end, reach=16)
    if comparator == "eq" and limited:
        comparator = "le"
    if comparator == "eq" and money.numeral.form == "bare" and tape.text[start - 1 : start] == "上":
        comparator = "ge"  # 上万元
    fuzzy = low != high and not money.ranged
    if money.ranged or (comparator == "eq" and fuzzy):
        comparator = "range"
    low, high = bound(low, high, comparator)
    per = read_per(tape, start, end)
    return AmountValue(low, high, money.currency or "CNY", comparator, per, is_about(tape, start, end) or fuzzy)


def _is_list(between: str) -> bool:
    """Whether two amounts are one list of payers, so that a limit holds for both: 限额为职工每月200元、居民每月150元."""
    return "、" in between and "每" in between and not any(c in between for c in ",。;；\n")


def _read_range(tape: Tape, position: int) -> _Money | None:
    """An amount, or two that a range sign joins; the unit may stand once."""
    first = _read_money(tape, position)
    to = _TO.match(tape.text, first.end)
    if to is not None and to.end() in tape.numerals:
        last = _read_money(tape, to.end())
        if last.currency is not None and last.high is not None and first.low is not None:
            low = first.low if first.currency else share_unit(first.numeral, last.numeral, first.low)
            if low <= last.high:
                return replace(last, start=first.start, low=low, ranged=True)
    return first if first.currency is not None else None


def share_unit(first: Numeral, last: Numeral, low: Decimal) -> Decimal:
    """3-5万: the first number takes the unit of the last, unless it exceeds the last one's own count (8500到3万).

    Args:
        first: The first numeral.
        last: The numeral after the range sign.
        low: The value of the first one as it stands.
    """
    final = last.text[-1]
    unit = LATIN_UNITS.get(final) or (SMALL_UNITS[final] if final in "百佰千仟" else 1)
    for char in reversed(last.text):
        if char not in BIG_UNITS:
            break
        unit *= BIG_UNITS[char]
    if unit == 1 or last.low is None or last.low == unit or any(c in first.text for c in "千万亿仟kKwW"):
        return low
    return low * unit if low < last.low / unit else low


def _read_money(tape: Tape, position: int) -> _Money:
    """The money whose numeral stands at a position."""
    text, numeral = tape.text, tape.numerals[position]
    prefix = _PREFIX.search(text, max(0, position - 8), position)
    if prefix is not None and text[prefix.start() - 1 : prefix.start()] == NUMERAL:
        prefix = None  # 4人民币5美元
    currency = CURRENCY_PREFIXES[prefix.group(1)] if prefix else None
    money = _Money(position, position + 1, numeral.low, numeral.high, currency, numeral)
    if numeral.pair:
        money = replace(money, low=Decimal(numeral.pair[0]), high=Decimal(numeral.pair[1]))
    unit = _UNIT.match(text, position + 1)
    if unit is not None and _is_money(tape, position, unit, prefix is not None):
        money = _read_unit(tape, money, unit)
    if money.currency is None:
        return replace(money, low=numeral.low, high=numeral.high)
    return replace(money, start=prefix.start()) if prefix and money.currency == currency else money


def _read_unit(tape: Tape, money: _Money, unit: re.Match[str]) -> _Money:
    """Adds what follows the numeral: the unit, smaller units, 整 or 钱, the currency once more."""
    word, kind = unit.group(), str(unit.lastgroup)
    own = CURRENCY_WORDS.get(word) or MINOR_WORDS.get(word)
    places = _YUAN[kind]
    money = replace(money, end=unit.end(), currency=own or money.currency or "CNY")
    money = replace(money, low=shift_point(money.low, places), high=shift_point(money.high, places))
    if places < 2:
        money = _read_minor(tape, money, places, kind in ("kuai", "jiao"))
    suffix = _SUFFIX.match(tape.text, money.end)
    if suffix is None or suffix.end() == money.end:
        return money
    again = suffix.group("currency")
    return replace(money, end=suffix.end(), currency=CURRENCY_WORDS[again] if again and own is None else money.currency)


def _read_minor(tape: Tape, money: _Money, places: int, spoken: bool) -> _Money:
    """3角5分 after 元; 六 after 五块; 三美分 after 美元."""
    text = tape.text
    while (match := _MINOR.match(text, money.end)) is not None:
        count, below = tape.numerals[match.start("count")].low, _MINOR_PLACES[match.group("unit")]
        if below <= places or count is None or count >= 100:
            return money
        money, places = _add(money, shift_point(count, below), match.end()), below
    digit = tape.numerals.get(money.end)
    if (
        spoken
        and digit is not None
        and len(digit.text) == 1
        and digit.whole
        and text[money.end + 1 : money.end + 2] not in _COUNTED
    ):
        money = _add(money, shift_point(digit.low, places + 1), money.end + 1)
    return money


def _add(money: _Money, part: Decimal | None, end: int) -> _Money:
    """Adds a smaller unit, away from zero: 负零元壹角 is -0.1."""
    if money.low is None or money.high is None or part is None:
        return replace(money, end=end)
    part = -part if money.low.is_signed() else part
    return replace(money, low=money.low + part, high=money.high + part, end=end)


def shift_point(value: Decimal | None, places: int) -> Decimal | None:
    """Divides by a power of ten, exactly at any length."""
    if value is None or places == 0:
        return value
    sign, digits, exponent = value.as_tuple()
    return Decimal((sign, digits, int(exponent) - places))


def _is_money(tape: Tape, position: int, unit: re.Match[str], prefixed: bool) -> bool:
    """Whether a unit that has other meanings as well is money here: not 三元里, 扣3分, 冰山一角, 在一块."""
    text, surface = tape.text, tape.numerals[position].text
    kind, after = unit.lastgroup, text[unit.end() : unit.end() + 1]
    if prefixed or not _CAPITALS.isdisjoint(surface):
        return True
    if kind == "fen":
        return after == "钱" or (position == 0 and not after)
    if kind == "yuan":
        return not (surface in "一二三四五" and after in tuple("里区桥论化次方村镇路街店山坝庙寺巷宫"))
    if kind == "kuai":
        if surface in ("一", "1"):
            return after in ("钱", NUMERAL) or (position == 0 and not after)
        number = tape.numerals[position].low
        return number is None or number >= 10 or not _PIECES.match(text, unit.end())
    if kind == "jiao":
        if unit.group() == "角" and surface == "一" and after != "钱" and _is_han(text[position - 1 : position]):
            return False
        return (
            not (surface in "三四五六八两" and _is_han(after) and after not in "钱左以起至到")
            and text[position - 1 : position] != "第"
        )
    return True


def _is_han(char: str) -> bool:
    return "一" <= char <= "鿿"


_SPENT = (
    "欠|借|贷|赔偿?|罚|花|交|缴|付|给|转[账走给了出入过]|骗|退|还[了款给过清]|收|扣|补|报|发|领|挣|赚|拿|汇|充|[费款金薪酬价钱资]|工资|收入|房租|彩礼|网贷|利息"
    "|金额|余额|月供|起付线?|封顶线?|限额|门诊|住院|名额|到手|补贴|补助|报销|区区"
)
_LINK = (
    "给|了|过|的|我们?|[他她你]们?|人家|大?约|大概|差不多|将?近|高达|达到?|到|共计?|合计|总共|累计|为何|为什么|怎么|为|是|就|才|只|要|有|能|得|出|人民币|现在"
    '|每[月年]|一共|不到|不足|超过|至少|最多|[:"“]'
)
_MONEY_BEFORE = re.compile(rf"还$|(?:{_SPENT})(?:{_LINK})*$")
_MONEY_AFTER = re.compile(
    r"(?:块|左右|以上|的|左右的|多的)?(?:工资|[月年]薪|薪水|[押定订]金|保证金|彩礼|学费|违约金|罚款|[存贷欠借货房]款|首付|现金|.{0,4}[基资]金|费用"
    r"|医[药疗]费|赔偿|本金|利息|[租房][金租])|都?[付赔还拿交借]不"
)
_WANTED = re.compile(rf"(?:要|{NUMERAL}次性|每[年月人户次][≤≥]?)$")
_NO_MONEY_BEFORE = re.compile(rf"[第0-9./:\-]$|{NUMERAL}[年月]$")
_CLAUSE_END = re.compile(r"$|[,。;；!！?？、)\n×这那了]")
_OTHER_UNIT = re.compile(
    "[个名位人员年月日天周时分秒次件台套亩户家平米公斤吨号岁度级期%‰折成倍点层楼栋间张条只头颗粒箱瓶桶份项款章节页届等组班口克升里多几余第]"
    rf"|[~/:.\-{DATE}{CODE}A-Za-z]|小时|学期|工作|[到至]{NUMERAL}"
)


def _read_by_context(tape: Tape, position: int) -> _Money | None:
    """A number without a unit that the words around it make money."""
    numeral, text = tape.numerals[position], tape.text
    large = (
        numeral.text[-1] in "百千万亿kKwW多余" or numeral.form == "masked" or (numeral.low is not None and numeral.low >= 50)
    )
    if not large or (numeral.form == "bare" and not numeral.approximate):
        return None
    money = _Money(position, position + 1, numeral.low, numeral.high, "CNY", numeral)
    to = _TO.match(text, money.end)
    last = tape.numerals.get(to.end()) if to else None
    if to is not None and last is not None and last.high is not None and money.low is not None:
        low = share_unit(numeral, last, money.low)
        money = replace(money, end=to.end() + 1, low=low, high=last.high, ranged=True)
        if low > last.high:
            return None
    if _OTHER_UNIT.match(text, money.end) or _NO_MONEY_BEFORE.search(text, max(0, position - 2), position):
        return None
    return money if _speaks_of_money(tape, money) else None


def _speaks_of_money(tape: Tape, money: _Money) -> bool:
    text, start, end = tape.text, money.start, money.end
    near = max(0, start - 16)
    if _MONEY_BEFORE.search(text, near, start) or _MONEY_AFTER.match(text, end):
        return True
    spoken = any(c in money.numeral.text for c in "百千万亿wW")
    return spoken and bool(_WANTED.search(text, near, start) and _CLAUSE_END.match(text, end))
