"""A line of a page, and what makes it chrome: bylines, page controls, headings of link lists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """A line that a reader of the page sees.

    Attributes:
        text: With runs of white space made one.
        start: Offset of its first character in the decoded file, in code points.
        end: Offset after its last character.
        first: Number of the line of the file on which it begins, from 1.
        last: Number of the line of the file on which it ends.
        reason: Why it is taken for chrome; empty where it is not.
    """

    text: str
    start: int
    end: int
    first: int
    last: int
    reason: str = ""


CATEGORY_AND_DATE = re.compile(r"(?P<category>[^\s\d]{2,12})\s+(?P<date>\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2})日?")
RELATED = re.compile(
    r"(相关|为您|为你|猜您?你?|更多|热门|最新|其他|推荐)\S{0,4}(问题|推荐|阅读|文章|内容|资讯|问答|链接|喜欢|咨询)(\d+个)?\S{0,6}"
)
_DAY = r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?"
_SOURCES = "作者|责任?编辑?|校对|审核|信息来源|文章来源|来源|稿源|供稿"
_CONTROLS = "字体|字号|打印|关闭|分享|收藏|点赞|返回|上一篇|下一篇|展开|收起|加载更多|扫一扫|手机看|朗读|语音播报"
# What a line of chrome looks like, and what the report calls it. The whole line must match.
_CHROME = tuple(
    (reason, re.compile(pattern))
    for reason, pattern in (
        ("category and date", CATEGORY_AND_DATE.pattern),
        ("heading of a list", rf"{RELATED.pattern}|为[您你]推荐\d*[个条篇]\S{{2,8}}"),
        ("byline", rf"\S{{2,10}}律师|已帮助\s*\d+\s*人\S*|.{{0,10}}(?:{_SOURCES})\s*[:：].{{0,60}}"),
        ("disclaimer", r"(温馨|特别)?(提示|声明|免责声明)[:：].*(不能代替|不构成|仅供参考|如有不适).*"),
        ("date", rf"(发布|更新|发文|成文|发表)?(时间|日期)\s*[:：]\s*{_DAY}.{{0,12}}|{_DAY}(\s+\d{{1,2}}:\d{{2}}(:\d{{2}})?)?"),
        ("page control", rf"[【\[]?({_CONTROLS}|点击\S{{0,6}}下载).{{0,30}}|(浏览|阅读|点击)(次数|量|数)?\s*[:：].{{0,12}}"),
        ("page control", r"[大中小\s]{1,7}|[-=_*·\s|]{2,}|首页|登录|注册|(查看)?更多\S{0,2}|(您)?当前(所在的?)?位置\s*[:：].*"),
        ("copyright", r".*(版权所有|ICP备|公网安备|网站标识码|[Cc]opyright|©).*"),
    )
)


def one_line(text: str) -> str:
    """Makes runs of white space, also wide and non-breaking ones, one space."""
    return " ".join(text.replace("\u200b", "").replace("\ufeff", "").split())


def chrome_reason(text: str) -> str:
    """What kind of chrome a line is by its words; empty for none."""
    return next((reason for reason, pattern in _CHROME if pattern.fullmatch(text)), "")


def text_lines(text: str) -> Iterator[Line]:
    """The lines of a plain text that are not blank."""
    offset = 0
    for number, raw in enumerate(text.split("\n"), 1):
        shown = one_line(raw)
        if shown:
            start = offset + len(raw) - len(raw.lstrip("\ufeff \t\r\u3000\xa0"))
            yield Line(shown, start, offset + len(raw.rstrip()), number, number)
        offset += len(raw) + 1
