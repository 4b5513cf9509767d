"""What the router says to the asker, in Chinese, with the names of the places concerned."""

from __future__ import annotations

from collections.abc import Sequence

from nlp.schema import NATIONAL
from nlp.text.regions import name, parents

EMPTY = "没有看到问题，请写出您想问的事情。"
OUT_OF_SCOPE = "这个问题不在政策和法律咨询的范围内，暂时无法回答。"
NO_ANSWER = "资料库里没有找到能回答这个问题的内容，建议转人工或拨打12345咨询。"
SUGGEST = "没有十分把握，下面几条可能与您的问题有关，请看哪一条是您想问的。"
_SHOWN = 5


def answered(local: Sequence[str], *, asked: bool) -> str:
    """For an answer; says whose rule it is where the asker named no place."""
    if local and not asked:
        return f"找到了对应的答案，注意这是{_names(local)}的规定，其他地方可能不同。"
    return "找到了对应的答案。"


def other_region(asked: Sequence[str], stated: Sequence[str]) -> str:
    """The archive has the policy, but of other places."""
    return f"资料库里只有{_names(stated)}的相关规定，没有{_names(asked)}的，不能照搬，建议咨询当地主管部门。"


def where(stated: Sequence[str]) -> str:
    """The rule differs by place and none was named."""
    return f"各地规定不同，请问您问的是哪个地方？资料库里有{_names(stated)}的规定。"


def which(surface: str, codes: Sequence[str]) -> str:
    """A place name has several readings."""
    return f"“{surface}”可能是{'、'.join(map(full_name, codes[:_SHOWN]))}，请问是哪一个？"


def _names(codes: Sequence[str]) -> str:
    shown = "、".join(dict.fromkeys(full_name(code) for code in codes[:_SHOWN]))
    return shown + "等地" if len(codes) > _SHOWN else shown


def full_name(code: str) -> str:
    """A name that stands for itself: 辽宁省朝阳市, 北京市朝阳区; a masked name as it is."""
    if not code.isdigit():
        return "全国" if code == NATIONAL else code
    around = dict.fromkeys(name(parent) for parent in reversed(parents(code)))
    own = name(code) or code
    return "".join(part for part in around if part not in ("", own)) + own
