"""Greetings, thanks, pleas and wishes around a question, which say nothing of what is asked.

A vector is a mean over a text: ten words of politeness around six words of a question turn it to other polite letters.
"""

from __future__ import annotations

import re

_LONGEST = 40  # characters of a clause that may be a courtesy
_SHORTEST = 4  # characters of what a courtesy may stick to without a stop
_STOP = "，。！？；：、,.!?;:~～…\\s"
_WHO = "(?:各位|诸位|领导|书记|[省市县区镇乡局厅院]长|主任|工作人员|老师|律师|同志|客服|专家|小编|朋友|大家|们)"
_HELLO = "(?:[您你]们?好|大家好|[早中下晚]上?[安午]?好|打扰(?:一?下|您|了)*|不好意思|冒昧(?:打扰|来信)|hello|hi)"
_ASK = (
    "(?:我|本人|俺)?们?(?:有个?(?:事|问题))?[想要来]*(?:向|跟)?(?:[您你]们?)?(?:麻烦)?(?:请教|请问|咨询|打听|了解|问)问?(?:[您你]们?)?"
    "(?:一?下)?(?:(?:一|几)?个?(?:问题|事儿?|情况))?"
)
_ANSWER = "(?:回复|答复|解答|回答|解惑|答疑|指点|指教|告知|帮助|帮忙|解决|处理|关注|重视|支持|理解|[复覆])"
_FILLER = (
    "(?:[您你]们?|领导|各位|大家|贵[局院所单部][位门]?|有关部门|百忙之中|抽空|[能可]以?|尽快|早日|及时|给予|予以|给个?|为?我们?|得到|一?下|"
    "详细|耐心|宝贵|时间|不尽|为盼|[的有到了啦])"
)
_THANKS = f"(?:非常|十分|万分|真诚|衷心|先|在此|不胜|深表|多)*(?:感谢|谢谢|多谢|拜谢|谢了|感激)(?:{_FILLER}|{_ANSWER})*"
_PLEA = f"(?:请|望|盼|期盼|期待|希望|恳请|敬请|恳求|麻烦|烦请|劳烦|有劳|辛苦){_FILLER}*+{_ANSWER}(?:{_FILLER}|{_ANSWER})*"
_WISH = (
    "(?:顺)?祝?(?:愿|[您你]们?|各位|领导|大家|全家)*(?:工作|身体|万事|生活|一切|事业|阖家|新年|节日|心想)(?:顺利|健康|如意|愉快|幸福|安康|进步|快乐|事成)"
    "|此致|敬礼|顺祝商祺"
)
_HURRY = "急|在线等|很急|急用|跪求|求助|求解答?|求告知|求大神"
_COURTESY = f"{_HELLO}|{_WHO}++好?|{_ASK}|{_THANKS}|{_PLEA}|{_WISH}|{_HURRY}"
# Atomic: what may be read in several ways (问问问…) is read in one, so that time grows with length alone.
_CLAUSE = re.compile(f"(?:尊敬|敬爱|亲爱)的.{{0,16}}|(?>{_COURTESY})++", re.IGNORECASE)
_FRONT = re.compile(f"(?>{_HELLO})++", re.IGNORECASE)
_BACK = re.compile(f"(?>{_THANKS}|{_PLEA}|{_HURRY})++$", re.IGNORECASE)
_CLAUSES = re.compile(f"([^{_STOP}]+)([{_STOP}]*)")


def without_courtesies(text: str) -> str:
    """A question without the clauses that are nothing but courtesy, and without what of it sticks to others; the text if nothing is left.

    >>> without_courtesies("尊敬的领导您好！我想咨询一下：医保断了两个月怎么补？盼复，谢谢！")
    '医保断了两个月怎么补？'
    """
    clauses = [(_bare(words), stop) for words, stop in _CLAUSES.findall(text)]
    return "".join(words + stop for words, stop in clauses if words).strip() or text


def _bare(words: str) -> str:
    if len(words) <= _LONGEST and _CLAUSE.fullmatch(words):
        return ""
    front = _FRONT.match(words)
    if front and len(words) - front.end() >= _SHORTEST:
        words = words[front.end() :]
    back = _BACK.search(words, max(_SHORTEST, len(words) - _LONGEST))
    return words[: back.start()] if back else words
