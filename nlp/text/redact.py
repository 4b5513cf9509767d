"""Personal data in Chinese text: identity cards, telephones, bank and social-security cards, e-mail, exact addresses, plates.

`find_personal` gives spans of the original text, `redact` puts a word in their place: `电话13900001111` → `电话【手机号】`. The
region of an address stays (`广东省广州市天河区【住址】`), since the answer to a question depends on it. Numbers of offices and
hotlines (12345, 400 numbers) are not personal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date

from nlp.schema import Entity
from nlp.text.normalize import normalize
from nlp.text.places import find_places

PLACEHOLDERS = {
    "id_card": "【身份证号】",
    "bank_card": "【银行卡号】",
    "social_card": "【社保卡号】",
    "phone": "【电话号码】",
    "email": "【邮箱】",
    "plate": "【车牌号】",
    "address": "【住址】",
}
"""Type of an entity → what stands for it in a redacted text."""

_PROVINCES = frozenset(range(11, 16)) | {
    21,
    22,
    23,
    *range(31, 38),
    *range(41, 47),
    *range(50, 55),
    *range(61, 66),
    71,
    81,
    82,
    83,
}
_CHECK_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"
_BEFORE = r"(?<![0-9A-Za-z.])"
# A number may follow the word for it without a space (vx138…, Tel.138…, No.110…), and the number of a list (1.138…).
_AFTER_WORD = (
    r"(?:(?<![A-Za-z])|(?i:(?<=vx|wx|qq|id|no)|(?<=tel)|(?<=phone|email)|(?<=mobile|wechat|weixin)|(?<=(?<![a-z])[vmt])))"
)
_BEFORE_PERSON = rf"(?<![0-9])(?<![0-9]{{2}}\.){_AFTER_WORD}"
_AFTER = r"(?![0-9A-Za-z]|\.[0-9])"
_ID_CARD = re.compile(
    rf"{_BEFORE_PERSON}[1-8][0-9](?:[ -]?[0-9]){{15}}[ -]?[0-9Xx]{_AFTER}|{_BEFORE_PERSON}[1-8][0-9]{{14}}{_AFTER}"
)
_ID_TYPED = re.compile(rf"{_BEFORE_PERSON}[1-8][0-9]{{14,17}}[Xx]?{_AFTER}")
# What a number is called by stands last before it: 身份证过期了，受理号是… is no identity number.
_CALLED = "(?:号码?)?[^号]{0,12}$"
_ID_WORD = re.compile(rf"(?:身份证|证件号|公民身份|社会保障号|社保号|ID ?(?:card|号)){_CALLED}", re.IGNORECASE)
_BANK_CARD = re.compile(rf"{_BEFORE}(?:[345689][0-9]{{3}}(?:[ -]?[0-9]{{4}}){{3}}(?:[ -]?[0-9]{{1,3}})?){_AFTER}")
# First digits of cards issued in China: UnionPay, Visa, Mastercard, JCB, American Express, and old cards of single banks.
_BANK_PREFIX = re.compile(r"62|60|65|68|69|4|5[1-5]|35|37|9558|9559|9843|87|8[48]|90")
_BANK_WORD = re.compile(
    rf"(?:银行卡|储蓄卡|信用卡|借记卡|工资卡|卡号|账号|账户|帐号|帐户|开户行|农行|工行|建行|中行|收款){_CALLED}"
)
_SOCIAL_CARD = re.compile(
    "(?:社保卡?|社会保障卡?|社会保险|医保卡?|医疗保险|参保|个人)(?:卡)?(?:编号|号码|卡号|号)[为是: ]{0,4}"
    rf"([A-Za-z0-9][0-9]{{6,17}}[0-9Xx]?){_AFTER}"
)
_MOBILE = re.compile(
    rf"{_BEFORE_PERSON}(?:(?:\+|00)?86[ -]?)?1[3-9][0-9](?:(?: {{0,2}}|-)[0-9]{{4}}){{2}}"
    r"(?![0-9]|\.[0-9]|[万亿元块]|[A-Za-z]+[0-9])"
)
_LANDLINE = re.compile(
    r"(?<![0-9A-Za-z.\-])(?:\+?86[ -]?)?(?:\(0[1-9][0-9]{1,2}\) ?|0[1-9][0-9]{1,2}[ -]?)[2-9][0-9]{3}[ -]?[0-9]{3,4}"
    r"(?: ?(?:转|分机|-) ?[0-9]{1,5})?(?![0-9]|\.[0-9])"
)
_LOCAL_PHONE = re.compile(
    r"(?:电话|座机|固话|联系方式|致电|手机|[Tt][Ee][Ll])(?:号码?|是|为|:| ){0,4}([2-9][0-9]{2,3}[ -]?[0-9]{4})"
    r"(?![0-9]|\.[0-9]|[万元])"
)
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9_][A-Za-z0-9._%+\-]{0,63}@(?:[A-Za-z0-9][A-Za-z0-9\-]{0,62}\.){1,4}[A-Za-z]{2,10}(?![A-Za-z0-9])"
)
# GA 36-2018: province, issuing office (no I, O), then five characters, six for cars with new energy.
_PLATE = re.compile(
    r"(?<![A-Za-z0-9])[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Za-hj-np-z][·.\- ]?"
    r"(?:[A-HJ-Ka-hj-k][A-HJ-NP-Za-hj-np-z0-9][0-9]{4}|[0-9]{5}[A-HJ-Ka-hj-k]|[A-HJ-NP-Za-hj-np-z0-9]{4}[A-HJ-NP-Za-hj-np-z0-9挂学警港澳])"
    r"(?![A-Za-z0-9])"
)
_MIN_PLATE_DIGITS = 3

# An address runs from a street with a house number, or an estate with a block, down to the room. Spaces may stand between.
_NUMBER = (
    r"(?:[甲乙丙丁]?[0-9]{1,5}|[一二三四五六七八九十百零〇]{1,6}|[A-Za-z][0-9]{0,4}|[甲乙丙丁东西南北])"
    r"(?:[-#][0-9A-Za-z]{1,5}){0,3}[#]?"
)
_NAME = r"(?:和[平谐美顺]|[万祥颐人]和|[^\W\d_的在是和与及或了住到于至从为有个我你他她它这那寄送搬请址来该每将已等对]){1,10}?"
_SITE = (
    "(?:小区|花园|花苑|苑|家园|嘉园|新村|公寓|大厦|大楼|综合楼|广场|名都|城|府|园|庭|湾|院|宿舍|山庄|里|邨|居|宅|厦|中心|村|郡|墅|轩|阁|坊|邸)"
    " ?(?:[一二三四五六七八九十0-9]{1,3}期)? ?(?:[A-Za-z东西南北][区苑门])?"
)
_NO = "号(?![线口文令公通码店机])"
_PART = "(?:之[0-9一二三四五六七八九十]{1,2}|-[0-9]{1,3}(?![0-9号])|附[0-9一二三四五六七八九十]{1,3}号)"
_ROAD = "(?:路|街|大道|道)(?:[东南西北中]段?)?"
_HOUSE = rf"{_NUMBER} ?(?:号楼|号院|{_NO}{_PART}?)"
_LANE = rf"{_NUMBER} ?(?:弄|巷|组|社|队)"
_BLOCK = rf"{_NUMBER} ?(?:号楼|栋|幢|座|单元|门|层|楼|室|房|{_NO})"
_ROOM = rf"(?: ?-? ?{_BLOCK}| ?-?[A-Za-z]?[0-9]{{3,4}}(?![0-9年元万%])| ?[东西南北中]边?户)"
_DASHED = r"[0-9]{1,3}(?:-[0-9A-Za-z]{1,5}){1,3}"
_INSIDE = rf"(?: ?{_NAME}{_SITE} ?{_DASHED}|(?: ?{_NAME}{_SITE})? ?{_BLOCK}{_ROOM}{{0,4}})"
_ADDRESS = re.compile(
    rf"(?!(?:.?[道马公铁网线]路))(?P<street>{_NAME}(?:{_ROAD}|巷|弄|胡同|里|条|村|屯|组|社区)) ?(?:{_LANE} ?)?{_HOUSE}"
    rf"(?:{_INSIDE}|\({_INSIDE}\))?"
    rf"|(?P<site>{_NAME}{_SITE}) ?(?:{_NUMBER} ?(?:号楼|栋|幢|座|单元|{_NO}|[Ff层]){_ROOM}{{0,4}}"
    rf"|{_DASHED}|[0-9]{{0,3}}[A-Za-z][0-9]{{2,5}})"
    rf"|{_NUMBER} ?(?:号楼|栋|幢|座|楼(?=[0-9A-Za-z]{{1,3}}单元))(?! ?{_NUMBER}层){_ROOM}{{1,4}}"
)


def redact(text: str) -> str:
    """Replaces personal data by a word for its kind, such as `【身份证号】`; all else stays as it came.

    Args:
        text: Any text.
    """
    pieces, last = [], 0
    for entity in find_personal(text):
        pieces += [text[last : entity.start], PLACEHOLDERS[entity.type]]
        last = entity.end
    return "".join((*pieces, text[last:]))


def find_personal(text: str) -> list[Entity]:
    """Finds personal data.

    Args:
        text: Any text.

    Returns:
        Entities in text order, without overlap, with offsets of `text`; the types are the keys of `PLACEHOLDERS`.
    """
    normalized = normalize(text)
    taken = bytearray(len(normalized.text))
    found: list[tuple[int, int, str]] = []
    for kind, finder in _FINDERS:
        for start, end in finder(normalized.text):
            if not any(taken[start:end]):
                taken[start:end] = b"\1" * (end - start)
                found.append((start, end, kind))
    return [Entity(*normalized.to_original(start, end), kind) for start, end, kind in sorted(found)]


def is_id_number(number: str) -> bool:
    """Whether a string is an identity number of GB 11643: 18 characters with a right check digit, or 15 of the old form.

    Check digit by ISO 7064 MOD 11-2. Province and date of birth must be possible.
    """
    if len(number) not in (15, 18) or not number[:-1].isdecimal() or int(number[:2]) not in _PROVINCES:
        return False
    born = number[6:14] if len(number) == 18 else "19" + number[6:12]
    if not _is_birthday(born):
        return False
    if len(number) == 15:
        return number[-1].isdecimal()
    total = sum(int(digit) * weight for digit, weight in zip(number, _CHECK_WEIGHTS, strict=False))
    return number[-1].upper() == _CHECK_DIGITS[total % 11]


def is_luhn(number: str) -> bool:
    """Whether the digits of a card number pass the Luhn check of ISO/IEC 7812-1."""
    total = 0
    for i, digit in enumerate(reversed(number)):
        doubled = int(digit) * (1 + i % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _is_birthday(digits: str) -> bool:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return 1800 <= born.year <= 2099


def _plain(number: str) -> str:
    return number.replace(" ", "").replace("-", "")


def _follows(text: str, start: int, word: re.Pattern[str]) -> bool:
    """Whether one of the words stands shortly before `start`."""
    return word.search(text, max(0, start - 16), start) is not None


def _id_cards(text: str) -> Iterator[tuple[int, int]]:
    """Numbers that pass the check, and mistyped ones behind 身份证."""
    for match in _ID_CARD.finditer(text):
        if is_id_number(_plain(match.group())) or _follows(text, match.start(), _ID_WORD):
            yield match.span()
    for match in _ID_TYPED.finditer(text):
        if _follows(text, match.start(), _ID_WORD):
            yield match.span()


def _bank_cards(text: str) -> Iterator[tuple[int, int]]:
    for match in _BANK_CARD.finditer(text):
        number = _plain(match.group())
        known = _BANK_PREFIX.match(number) is not None and is_luhn(number)
        if known or _follows(text, match.start(), _BANK_WORD):
            yield match.span()


def _plates(text: str) -> Iterator[tuple[int, int]]:
    for match in _PLATE.finditer(text):
        if sum(c.isdecimal() for c in match.group()) >= _MIN_PLATE_DIGITS:
            yield match.span()


def _phones(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (_MOBILE, _LANDLINE):
        for match in pattern.finditer(text):
            yield match.span()
    for match in _LOCAL_PHONE.finditer(text):
        yield match.span(1)


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    """From the street or estate to the room; a region that runs into the name of the street is left out."""
    places = [(p.start, p.end) for p in find_places(text)] if _ADDRESS.search(text) else []
    for match in _ADDRESS.finditer(text):
        named = match.end("street" if match["street"] else "site") if match.lastgroup else match.start()
        yield max((b for _, b in places if match.start() < b < named), default=match.start()), match.end()


def _spans(pattern: re.Pattern[str], group: int = 0) -> Callable[[str], Iterator[tuple[int, int]]]:
    return lambda text: (match.span(group) for match in pattern.finditer(text))


# Earlier kinds win: an identity number also looks like a card number, and a card number holds a telephone number.
_FINDERS: tuple[tuple[str, Callable[[str], Iterator[tuple[int, int]]]], ...] = (
    ("email", _spans(_EMAIL)),
    ("id_card", _id_cards),
    ("social_card", _spans(_SOCIAL_CARD, 1)),
    ("bank_card", _bank_cards),
    ("phone", _phones),
    ("plate", _plates),
    ("address", _addresses),
)
