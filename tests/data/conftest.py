"""A small data set folder of each kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

PLAN = 'title = "T"\ndescription = "D"\nlicence = "L"\norigin = "O"\n'
SCHEMA = """
[topics.medical]
name = "医保"
[topics.labour]
name = "劳动"
[types.region]
name = "地区"
value = "region"
roles = ["insured", "work"]
[types.amount]
name = "金额"
value = "amount"
[types.insurance]
name = "险种"
"""
MARKED = """
#topic medical
#register question
{沈阳|ri}的{医保|i}交{三千元|m}够不够
门诊的药费一年最多能报多少呢
{大连|ri}{医保|i}断了两个月还能补吗
+{鞍山|ri}{医保|i}断了两个月还能补吗
#topic labour
#register story
我在{长春|rw}干了半年，老板欠我{8000元|m}不给
加班到晚上十点没有加班费合理吗
"""
ENTRIES = [
    {"question": "沈阳医保断缴几个月清零？", "answer": "断缴不会清零。", "topic": "medical", "regions": ["210100"]},
    {"question": "被拖欠工资去哪里投诉？", "answer": "到劳动监察大队。", "topic": "labour", "regions": ["national"]},
]
BLOCKS = """
@ 沈阳医保断缴几个月清零？
~ 在沈阳社保停了仨月，之前攒的年头还算吗
~ 停保以后以前交的白交了？铁西区的
!region 大连医保断缴几个月清零
!policy 沈阳医保断缴以后怎么补

// a note
@ 被拖欠工资去哪里投诉？
~ 老板不发钱找谁管
!topic 快递被拖延去哪里投诉
"""


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """Examples in marked text."""
    folder = tmp_path / "questions"
    (folder / "source").mkdir(parents=True)
    tags = '[tags]\nri = "region:insured"\nrw = "region:work"\nm = "amount"\ni = "insurance"\n'
    (folder / "dataset.toml").write_text(PLAN + "dev = 0.3\ntest = 0.3\n" + tags, encoding="utf-8")
    (folder / "schema.toml").write_text(SCHEMA, encoding="utf-8")
    (folder / "source" / "a.txt").write_text(MARKED, encoding="utf-8")
    return folder


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    """An archive of entries."""
    folder = tmp_path / "answers"
    (folder / "source").mkdir(parents=True)
    (folder / "dataset.toml").write_text(PLAN, encoding="utf-8")
    lines = [json.dumps(entry, ensure_ascii=False) for entry in ENTRIES]
    (folder / "source" / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture
def pairs(tmp_path: Path, answers: Path) -> Path:
    """Question pairs in blocks, beside the archive."""
    folder = tmp_path / "pairs"
    (folder / "source").mkdir(parents=True)
    (folder / "dataset.toml").write_text(PLAN + 'archive = "../answers"\n', encoding="utf-8")
    (folder / "source" / "a.txt").write_text(BLOCKS, encoding="utf-8")
    return folder
