"""Generated cases of values: sentence frames with a gap, values with their canonical form, and texts without any."""

from __future__ import annotations

from datetime import date
from itertools import product
from typing import Any

Case = dict[str, Any]
REFERENCE = date(2026, 11, 21)
KINDS = ("number", "ordinal", "percent", "amount", "age", "duration", "date", "region")

# Kind → frames with a gap for the value, and values with their canonical form (bounds, ISO 8601, codes).
FRAMES: dict[str, tuple[str, ...]] = {
    "number": ("{}", "全县共有{}户", "去年办了{}件"),
    "ordinal": ("{}", "排在{}位的是他", "写在{}条里"),
    "percent": ("{}", "门诊能报销{}", "自己要付{}吗"),
    "amount": ("{}", "罚款{}合理吗", "每人每月发{}", "押金要交{}，不退"),
    "age": ("{}", "我爸今年{}了", "{}的老人能领吗"),
    "duration": ("{}", "一共干了{}", "要等{}才能办"),
    "date": ("{}", "我是{}参保的", "{}的工资没发"),
    "region": ("{}", "我在{}参保", "户口是{}的"),
}
VALUES: dict[str, dict[str, Any]] = {
    "number": {
        **{"三百六十五": 365, "两万五": 25000, "一千零八": 1008, "廿三": 23, "1.2万": 12000, "12,500": 12500, "壹佰贰拾": 120},
        **{
            "７８０": 780,
            "三分之二": "0.6666666666667",
            "5e3": 5000,
            "4百": 400,
            "百二": 120,
            "九十万零三百": 900300,
            "1万2": 12000,
        },
    },
    "ordinal": {"第三": 3, "第12": 12, "第一百零二": 102, "第二十": 20},
    "percent": {
        **{
            "65%": "0.65",
            "百分之七十": "0.7",
            "七成五": "0.75",
            "八折": "0.8",
            "九五折": "0.95",
            "0.3‰": "0.0003",
            "１２％": "0.12",
        },
        **{
            "三个百分点": "0.03",
            "60%-80%": ("0.6", "0.8"),
            "百分之二十到三十": ("0.2", "0.3"),
            "百分百": 1,
            "两三成": ("0.2", "0.3"),
        },
    },
    "amount": {
        **{
            "300元": 300,
            "两万块钱": 20000,
            "五块六": "5.6",
            "壹仟伍佰元整": 1500,
            "1.5万元": 15000,
            "3万到5万元": (30000, 50000),
        },
        **{
            "八千多元": (8000, 9000),
            "三五百块": (300, 500),
            "￥1,280.50": "1280.5",
            "２００元": 200,
            "十几万元": (110000, 190000),
        },
        **{"2-4万元": (20000, 40000), "一毛五": "0.15", "100美元": 100, "人民币叁拾元": 30, "6千元": 6000},
    },
    "age": {"50周岁": 50, "六十五岁": 65, "3-6岁": (3, 6), "七八十岁": (70, 80), "四岁半": "4.5", "18岁": 18},
    "duration": {
        **{"15年": "P15Y", "两年半": "P2Y6M", "三个月零五天": "P3M5D", "90天": "P90D", "半年": "P6M", "一个半月": "P1.5M"},
        **{"3~6个月": ("P3M", "P6M"), "两三年": ("P2Y", "P3Y"), "6周": "P6W", "15个工作日": "P15D", "2小时30分": "PT2H30M"},
    },
    "date": {
        **{"2024年3月31日": "2024-03-31", "二〇二三年五月": "2023-05", "2024-06-01": "2024-06-01", "去年4月": "2025-04"},
        **{
            "98年7月": "1998-07",
            "上个月": "2026-10",
            "昨天": "2026-11-20",
            "2008年至2012年": "2008/2012",
            "今年国庆节": "2026-10-01",
        },
        **{
            "去年除夕": "2026-02-16",
            "2024年上半年": "2024-01/2024-06",
            "下周三": "2026-11-25",
            "2019年2月到9月": "2019-02/2019-09",
        },
    },
    "region": {
        **{
            "广西": "450000",
            "甘孜州": "513300",
            "呼和浩特市": "150100",
            "江苏省溧阳市": "320481",
            "深圳南山": "440305",
            "内蒙古": "150000",
        },
        **{
            "云南保山": "530500",
            "沪": "310000",
            "黑龙江省肇州县": "230621",
            "京津冀": ["110000", "120000", "130000"],
            "義烏": "330782",
        },
    },
}
# Sentences without any value of the kind: what is found in them is wrong.
EMPTY: dict[str, tuple[str, ...]] = {
    "number": ("十分感谢", "万一不行呢", "统一办理", "一样的手续"),
    "percent": ("三成年子女", "比分1:3", "打折商品"),
    "amount": ("2000年出生", "住在三元里", "扣了6分", "电话13812345678", "门口三块地"),
    "duration": ("2015年", "三年级", "每三个月一次", "要判几年？"),
    "date": ("每周三", "15号楼", "满15年", "三年"),
    "region": ("长春花", "海南鸡饭", "朝阳产业"),
}


def build_cases() -> list[Case]:
    cases: list[Case] = []
    for kind in KINDS:
        for frame, (surface, value) in product(FRAMES[kind], VALUES[kind].items()):
            start = frame.index("{}")
            gold = [{"start": start, "end": start + len(surface), "value": canonical(kind, value)}]
            cases.append({"kind": kind, "text": frame.format(surface), "gold": gold})
        cases.extend({"kind": kind, "text": text, "gold": []} for text in EMPTY.get(kind, ()))
    return cases


def canonical(kind: str, value: Any) -> Any:
    if kind in ("date", "region"):
        return value
    low, high = value if isinstance(value, tuple) else (value, value)
    return {"low": str(low), "high": str(high)}
