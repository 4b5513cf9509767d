"""Scraped pages → records: what is a record, what is chrome, and nothing in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from nlp.data.pages import read_text_page, read_web_page
from nlp.schema import NATIONAL, Entry

ADVICE = """退休后医保还要继续交吗?

我明年到年龄退休,医保只交了十八年,想知道还要不要补。
王某某执业律师
已帮助 12 人解决法律问题

要看当地规定的最低年限。


不够年限的可以一次性补足,也可以按月交到够为止。

相关问题

为您推荐2个最新问题

工资卡丢了能补发工资吗?

我的工资卡丢了,公司说要等一个月才能补发,这样合法吗?请问该怎么处理。

试用期可以不签合同吗?

公司说试用期三个月不签合同,我担心权益没有保障,想了解有什么规定。
"""
NEWS = """医保断缴三个月有什么影响

断缴期间不能享受统筹待遇,续缴后恢复。

  1. 职工医保

    • 次月停止报销 :续缴后次月恢复。

提示:本内容不能代替面诊,如有不适请尽快就医。
相关推荐

居民医保每年什么时候交

一般在每年九月到十二月集中缴费。 特殊人群可以中途参保 新生儿九十天内办理。

健康新闻 2025-04-01

生育津贴发到哪里

发到单位账户或者个人银行账户,各地不同。 申请材料 身份证、出生证明。

健康新闻 2025-04-02
生育津贴发到哪里
"""


def spans(text: str, entries: list[Entry]) -> list[str]:
    return [text[entry.start : entry.end] for entry in entries]


def test_a_law_page() -> None:
    entries, report = read_text_page(ADVICE, "advice.txt")
    assert [entry.id for entry in entries] == ["advice-01", "advice-02", "advice-03"]
    first, second, third = entries
    assert first.question == "退休后医保还要继续交吗?\n我明年到年龄退休,医保只交了十八年,想知道还要不要补。"
    assert first.answer == "要看当地规定的最低年限。\n不够年限的可以一次性补足,也可以按月交到够为止。"
    assert second.question == "工资卡丢了能补发工资吗?"
    assert third.answer.startswith("公司说试用期三个月")
    assert {entry.source for entry in entries} == {"advice.txt"}
    assert {s.reason: s.lines for s in report.stretches if s.reason} == {"byline": 2, "heading of a list": 2}


def test_a_news_page() -> None:
    entries, report = read_text_page(NEWS, "news.txt")
    assert [entry.question for entry in entries] == ["医保断缴三个月有什么影响", "居民医保每年什么时候交", "生育津贴发到哪里"]
    assert [(entry.category, entry.date) for entry in entries[1:]] == [("健康新闻", "2025-04-01"), ("健康新闻", "2025-04-02")]
    assert entries[0].answer.endswith("• 次月停止报销 :续缴后次月恢复。")
    reasons = [s.reason for s in report.stretches if s.reason]
    assert reasons == ["disclaimer", "heading of a list", "category and date", "category and date", "repeated title"]


@pytest.mark.parametrize("text", [ADVICE, NEWS, ADVICE.replace("\n", "\r\n"), "\u3000" + NEWS])
def test_offsets_are_those_of_the_file_and_every_line_has_a_fate(text: str) -> None:
    entries, report = read_text_page(text, "page.txt")
    for entry, piece in zip(entries, spans(text, entries), strict=True):
        assert piece.startswith(entry.question.split("\n")[0])
        assert piece.split()[-1] == entry.answer.split()[-1]
    shown = [number for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    told = {number for s in report.stretches for number in range(s.first, s.last + 1)}
    assert set(shown) <= told
    assert report.lines == len(shown)


@pytest.mark.parametrize("text", ["", "\n\n", "只有一行", "相关问题", "健康新闻 2025-04-01"])
def test_pages_without_an_article_give_no_record_but_a_report(text: str) -> None:
    entries, report = read_text_page(text, "page.txt")
    assert entries == []
    assert report.entries == 0
    assert sum(s.lines for s in report.stretches) == report.lines


def page(body: str, meta: str = "") -> str:
    menu = "".join(f"<li><a href='/{n}'>栏目{n}</a></li>" for n in range(20))
    foot = "<div>网站标识码：4400000000 版权所有：某某网</div>"
    head = f"<title>标题 - 某市人民政府网站</title>{meta}<script>var a = '不是，正文。';</script>"
    return f"<html><head>{head}</head><body><ul>{menu}</ul>{body}{foot}"


def test_a_government_page() -> None:
    meta = '<meta name="ArticleTitle" content="杭州市高龄津贴&#x53D1;放办法"><meta name="PubDate" content="2025-03-01 08:00">'
    meta += '<meta name="ColumnName" content="通知公告">'
    text = page(
        "<div id=a><p>来源：民政局</p><p>年满八十周岁的老人，可以申请&nbsp;津贴。<br>每人每月一百元，按月发放。</p></div>", meta
    )
    (entry,), report = read_web_page(text, "notice.html")
    assert entry.question == "杭州市高龄津贴发放办法"
    assert entry.answer == "年满八十周岁的老人，可以申请 津贴。\n每人每月一百元，按月发放。"
    assert (entry.category, entry.date, entry.regions) == ("通知公告", "2025-03-01", ("330100",))
    assert text[entry.start : entry.end].startswith("年满八十")
    assert text[entry.start : entry.end].endswith("发放。")
    assert {"outside the article", "byline"} == {s.reason for s in report.stretches if s.reason}
    assert "1 records" in str(report)
    assert "notice.html" in str(report)


def test_questions_of_an_article_become_records() -> None:
    body = "<div><p>一、谁可以申请补贴？</p><p>答：本市户籍的老人，都可以申请。</p>"
    body += "<p>2.2025年度每月发多少？</p><p>每人每月一百元，按月发。</p></div>"
    entries, _ = read_web_page(page(body), "faq.html")
    assert [entry.question for entry in entries] == ["谁可以申请补贴？", "2025年度每月发多少？"]
    assert entries[0].answer == "本市户籍的老人，都可以申请。"


def test_long_articles_are_split_at_their_headings() -> None:
    text = "本办法适用于全市范围内的各类单位，由主管部门负责解释。" * 40
    body = f"<div><h2>第一章 总则</h2><p>{text}</p><h2>第二章 申请条件</h2><p>{text}</p></div>"
    entries, _ = read_web_page(page(body, '<meta name="articletitle" content="中华人民共和国某某条例">'), "law.html")
    assert [entry.question for entry in entries] == ["中华人民共和国某某条例：总则", "中华人民共和国某某条例：申请条件"]
    assert entries[0].regions == (NATIONAL,)


def test_hidden_text_forms_and_menus_are_chrome() -> None:
    article = "<p>符合条件的居民，可以到窗口办理。</p><p>窗口周一到周五办公，周末休息。</p>"
    body = f"<nav>首页，政务，服务大厅，办事指南</nav><div style='display: none'>{article}</div>"
    body += f"<div>{article}</div><form>请输入，您要找的内容。</form>"
    (entry,), report = read_web_page(page(body), "x.html")
    assert entry.answer.count("窗口办理") == 1
    assert {"menu", "hidden", "form"} <= {s.reason for s in report.stretches}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<",
        "<p",
        "<div><div><p>一句话，没有结束",
        "</p></div>只有，结束标签。",
        "<!-- 注释",
        "&#99999999;&bogus;",
        "\ud800<p>\x00",
    ],
)
def test_broken_markup_is_no_failure(text: str) -> None:
    entries, report = read_web_page(text, "broken.html")
    assert len(entries) == report.entries


def test_deep_nesting_takes_no_longer_than_it_must() -> None:
    text = "<div>" * 20_000 + "<p>一句话，在很深的地方，没有人看得到。</p>" * 2_000
    entries, _ = read_web_page(text, "deep.html")
    assert len(entries) == 1


def test_the_shared_pages(shared: Path) -> None:
    folder = shared / "data" / "archives" / "pages"
    for name in ("health_page.txt", "law_page.txt"):
        text = (folder / name).read_text(encoding="utf-8")
        entries, _ = read_text_page(text, name)
        assert len(entries) == 21
        assert all(entry.question in text[entry.start : entry.end].replace("\n\n", "\n") for entry in entries)
