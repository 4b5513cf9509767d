"""Typing as people do it: characters that sound alike, punctuation left out or doubled, wide digits, traditional characters.

Everything is an edit of a text; an edit replaces a non-empty span, so that offsets of entities stay exact whatever is edited.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from functools import cache
from importlib import resources
from random import Random

from nlp.schema import Example

Edit = tuple[int, int, str]
"""First code point, code point after the last, what stands there instead; spans are not empty and do not overlap."""

# What pinyin input gives when the first candidate is taken unread: word → the same length, the same sound.
HOMOPHONES = dict(
    re.findall(
        r"(\w+):(\w+)",
        "医保:衣保 社保:射保 报销:报消 备案:备按 异地:异第 住院:住远 缴费:交费 缴纳:交纳 补贴:补帖 "
        "补助:补住 津贴:金贴 退休:退修 养老:养牢 低保:底保 工伤:公伤 合同:合通 辞退:词退 赔偿:陪偿 "
        "仲裁:仲才 工资:公资 拖欠:托欠 加班:加斑 劳动:老动 申请:申清 办理:办里 政策:正策 户口:户扣 "
        "证明:正明 账户:帐户 转移:转义 参保:餐保 失业:失页 生育:生于 离婚:离昏 抚养:扶养 继承:既承 "
        "借条:介条 欠款:欠宽 起诉:起述 法院:法苑 房产:房铲 拆迁:拆千 物业:物叶 交通:交同 事故:是故 "
        "怎么:咋么 请问:请文 需要:须要 可以:可已 已经:以经 应该:因该 什么:什莫 现在:线在 知道:之道 "
        "时候:时后 再:在 在:再 做:作 那:哪 的:得 得:的",
    )
)
_SOUNDS = re.compile("|".join(sorted(HOMOPHONES, key=len, reverse=True)))
_PUNCTUATION = re.compile(r"[，。？！、；：,?!;~～…]")
_DOUBLED = "。？！?!~…"
_WIDE = {ord(str(digit)): chr(ord("０") + digit) for digit in range(10)}
# Where a simplified character stands for several traditional ones, the one that these texts mean most often.
_USUAL = dict(zip("发当复历尽获汇钟签坏台脏团纤", "發當復歷盡獲匯鐘簽壞臺髒團纖", strict=True))


def apply_edits(example: Example, edits: Sequence[Edit]) -> Example:
    """The example with its text edited and its entities moved along; values are taken off, since they may change.

    Raises:
        ValueError: An edit is empty, overlaps another, or crosses the edge of an entity.
    """
    parts: list[str] = []
    last = 0
    ordered = sorted(edits)
    for start, end, new in ordered:
        if not last <= start < end <= len(example.text):
            raise ValueError(
                f"edit [{start}, {end}) is empty, overlaps another or leaves the text ({len(example.text)} characters)"
            )
        parts += (example.text[last:start], new)
        last = end
    entities = []
    for entity in example.entities:
        if any(start < edge < end for start, end, _ in ordered for edge in (entity.start, entity.end)):
            raise ValueError(f"an edit crosses the edge of the entity [{entity.start}, {entity.end})")
        before = sum(len(new) - (end - start) for start, end, new in ordered if end <= entity.start)
        upto = sum(len(new) - (end - start) for start, end, new in ordered if end <= entity.end)
        entities.append(replace(entity, start=entity.start + before, end=entity.end + upto, value=None))
    return replace(example, text="".join((*parts, example.text[last:])), entities=tuple(entities))


def typing_edits(example: Example, rate: float, closed: Set[int], chance: Random) -> list[Edit]:
    """Slips of the writer, one at each fitting place with probability `rate`.

    Args:
        example: The text with its entities.
        rate: Probability in [0, 1] that a word is mistyped or a mark of punctuation is left out or doubled.
        closed: Code points that must stay, such as those of amounts and places.
        chance: Source of randomness.
    """
    edges = {edge for e in example.entities for edge in (e.start, e.end)}
    edits: list[Edit] = []
    for match in _SOUNDS.finditer(example.text):
        span = range(match.start(), match.end())
        if chance.random() < rate and closed.isdisjoint(span) and edges.isdisjoint(span[1:]):
            edits.append((match.start(), match.end(), HOMOPHONES[match.group()]))
    for match in _PUNCTUATION.finditer(example.text):
        inside = any(e.start <= match.start() < e.end for e in example.entities)
        if not inside and chance.random() < rate:
            edits.append((match.start(), match.end(), chance.choice(("", match.group() * (1 + (match.group() in _DOUBLED))))))
    return edits


def widened(text: str) -> str:
    """ASCII digits as wide ones: 2024 → ２０２４."""
    return text.translate(_WIDE)


def traditional(text: str) -> str:
    """Simplified characters as traditional ones, where that is one to one in everyday use; the length stays."""
    return "".join(map(_traditional().get, text, text))


@cache
def _traditional() -> Mapping[str, str]:
    """Simplified → traditional: the table of `nlp.text.normalize` turned round, without rare and ambiguous characters."""
    table = resources.files("nlp.text").joinpath("data/simplified.tsv").read_text(encoding="utf-8")
    readings: dict[str, list[str]] = defaultdict(list)
    for line in table.splitlines():
        if not line.startswith("#"):
            for pair in line.split(" "):
                if _in_big5(pair[0]):
                    readings[pair[1]].append(pair[0])
    # A character that traditional texts use too (后, 里, 干) has two meanings there, so it stays.
    clear = {new: olds[0] for new, olds in readings.items() if len(olds) == 1 and not _in_big5(new)}
    return {**clear, **{new: old for new, old in _USUAL.items() if old in readings[new]}}


def _in_big5(character: str) -> bool:
    """Whether a character is in everyday use in traditional texts, which is what that old code of 13,000 characters holds."""
    try:
        character.encode("big5")
    except UnicodeEncodeError:
        return False
    return True
