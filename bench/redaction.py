"""How much personal data `nlp.text.redact` finds in generated letters, and how much else it takes for such: recall and precision by kind.

    python bench/redaction.py [--rows 4000] [--seed 1] [--show 10] [--out bench/results]

Every letter is put together from an opening, sentences with data, sentences with numbers that are nobody's, and an end. Data come
from the rules of their standards (GB 11643 check digits, Luhn, GA 36 plates), written as people write them. A datum counts as
found where all of it is covered; a find counts as right where it holds nothing but a datum (an address may begin behind its region).
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from nlp.text.redact import find_personal

Make = Callable[[random.Random], str]
Piece = tuple[str, str]  # kind of datum, or "" for plain text; the text

SURNAMES = "王李张刘陈杨黄赵周吴徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹"
REGIONS = (
    "",
    "",
    "",
    "北京市海淀区",
    "上海市浦东新区",
    "浙江省杭州市余杭区",
    "山东省青岛市市南区",
    "四川省成都市金牛区",
    "河南省郑州市中原区",
    "陕西省西安市雁塔区",
    "福建省厦门市",
    "湖北省武汉市洪山区",
    "安徽省合肥市蜀山区",
    "辽宁省沈阳市铁西区",
    "贵州省贵阳市南明区",
    "广西南宁市青秀区",
)
STREETS = (
    "清河路",
    "育才街",
    "复兴大道",
    "工农北路",
    "望江西路",
    "劳动路",
    "东风三路",
    "槐荫大街",
    "沿河街",
    "龙泉大道",
    "和平里",
    "柳荫胡同",
    "枣园巷",
    "体育场路",
)
ESTATES = (
    "绿洲花园",
    "丽景苑",
    "水岸名都",
    "春晖小区",
    "南苑新村",
    "紫金嘉园",
    "香樟公寓",
    "碧水湾",
    "书香门第小区",
    "盛世华庭",
    "铁路宿舍",
    "金色家园",
    "湖畔山庄",
)
TOWNS = ("", "", "", "五里镇", "清水街道", "马桥镇", "东湖乡", "石门街道")
VILLAGES = ("大李村", "上王庄村", "石桥村", "柳树屯", "新丰村", "前张村")


def digits(rng: random.Random, count: int, first: str = "0123456789") -> str:
    return rng.choice(first) + "".join(rng.choices("0123456789", k=count - 1))


def checked_id(rng: random.Random) -> str:
    area = rng.choice(("110108", "310115", "330110", "370202", "510106", "410102", "610113", "350203", "420111", "340104"))
    born = date(1935, 1, 1) + timedelta(days=rng.randrange(30_000))
    body = f"{area}{born:%Y%m%d}{digits(rng, 3)}"
    # The check character makes the weighted sum 1 modulo 11; the weight of place i from the right is 2 to the power i.
    rest = sum(int(c) * 2 ** (17 - i) for i, c in enumerate(body)) % 11
    return body + "0123456789X"[(1 - rest) % 11]


def id_card(rng: random.Random) -> str:
    number = checked_id(rng)
    spaced = f"{number[:6]} {number[6:14]} {number[14:]}"
    wide = number.translate({ord("0") + n: ord("０") + n for n in range(10)})
    return rng.choice((number, number, number, number.lower(), spaced, wide))


def bank_card(rng: random.Random) -> str:
    prefix, length = rng.choice(
        (
            ("621226", 19),
            ("622848", 19),
            ("621799", 19),
            ("622588", 16),
            ("436742", 16),
            ("625955", 16),
            ("528856", 16),
            ("621483", 19),
        )
    )
    body = prefix + digits(rng, length - len(prefix) - 1)
    doubled = sum(sum(divmod(int(c) * 2, 10)) if i % 2 == 0 else int(c) for i, c in enumerate(reversed(body)))
    number = body + str(-doubled % 10)
    grouped = [number[n : n + 4] for n in range(0, length, 4)]
    return rng.choice((number, number, " ".join(grouped), "-".join(grouped)))


def mobile(rng: random.Random) -> str:
    number = rng.choice(("138", "139", "150", "158", "177", "186", "191", "199", "133", "166")) + digits(rng, 8)
    parted = (number[:3], number[3:7], number[7:])
    return rng.choice(
        (number, number, number, " ".join(parted), "-".join(parted), f"+86 {number}", f"86-{number}", f"+86-{'-'.join(parted)}")
    )


def landline(rng: random.Random) -> str:
    code, number = rng.choice(("010", "021", "0531", "0755", "028", "0851")), digits(rng, 8, "2345678")
    return rng.choice(
        (
            f"{code}-{number}",
            f"{code}{number}",
            f"（{code}）{number}",
            f"({code}){number}",
            f"{code} {number}",
            f"{code}-{number}-{digits(rng, 3)}",
            f"{code}-{number}转{digits(rng, 3)}",
        )
    )


def social_card(rng: random.Random) -> str:
    return rng.choice((digits(rng, 9), digits(rng, 10, "123456789"), rng.choice("ABCDEFGHK") + digits(rng, 8), digits(rng, 12)))


def email(rng: random.Random) -> str:
    user = rng.choice(
        (
            f"{rng.choice(('liu', 'chen', 'zhao'))}.{rng.choice(('fang', 'jun'))}{digits(rng, 2)}",
            digits(rng, 9, "123456789"),
            "a_b-c",
            "Xiao.Ming",
            "wang+social",
        )
    )
    return f"{user}@{rng.choice(('163.com', 'qq.com', 'sina.com.cn', 'outlook.com', 'mail.tsinghua.edu.cn', 'vip.126.com'))}"


def plate(rng: random.Random) -> str:
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
    head = rng.choice("京津沪渝冀豫云辽黑湘皖鲁苏浙赣鄂桂甘晋陕吉闽贵粤川琼") + rng.choice(letters[:12])
    body = list(digits(rng, 5))
    for place in rng.sample(range(5), rng.choice((0, 1, 1, 2))):
        body[place] = rng.choice(letters)
    plain = "".join(body)
    tail = rng.choice((plain, plain, "D" + digits(rng, 5), "F" + digits(rng, 5), digits(rng, 4) + rng.choice("学挂警")))
    return head + rng.choice(("", "", "·", " ", "-", ".")) + tail


def chinese(rng: random.Random) -> str:
    return rng.choice(("一", "二", "三", "五", "八", "十一", "十六"))


def room(rng: random.Random) -> str:
    block, unit, number = rng.randint(1, 40), rng.randint(1, 6), f"{rng.randint(1, 28)}0{rng.randint(1, 8)}"
    forms = (
        f"{block}号楼{unit}单元{number}室",
        f"{block}栋{unit}单元{number}",
        f"{block}幢{number}室",
        f"{block}座{number}房",
        f"{block}-{unit}-{number}",
        f"{chinese(rng)}栋{chinese(rng)}单元{number}号",
        f"{chinese(rng)}号楼{chinese(rng)}单元{chinese(rng)}楼东户",
        f"{block}号楼{number}",
        f"{block}栋",
        f"{rng.choice('东西南北')}区{block}号楼{unit}门{number}",
        f"{rng.choice('ABCD')}座{number}",
        f"{rng.choice('ABCD')}{block}栋{number}",
        f"{chinese(rng)}期{block}幢{unit}单元{number}室",
    )
    return rng.choice(forms)


def street_address(rng: random.Random) -> str:
    street = f"{rng.choice(STREETS)}{rng.randint(1, 899)}号"
    estate = rng.choice(ESTATES) + room(rng)
    forms = (
        street,
        f"{street}附{rng.randint(1, 9)}号",
        f"{street}-{rng.randint(1, 9)}",
        street + estate,
        f"{street}（{estate}）",
        estate,
        f"{rng.choice(STREETS)}{rng.randint(10, 900)}弄{rng.randint(1, 99)}号{flat(rng)}",
        f"{rng.choice(STREETS)}{rng.randint(1, 99)}巷{rng.randint(1, 99)}号",
        f"{rng.choice(VILLAGES)}{rng.randint(1, 12)}组{rng.randint(1, 120)}号",
        f"{rng.choice(VILLAGES)}{chinese(rng)}组{rng.randint(1, 120)}号",
        f"{street}{rng.randint(1, 9)}楼{flat(rng)}",
        f"{street}院{rng.randint(1, 9)}号楼{flat(rng)}",
        f"{street}{rng.randint(1, 30)}号楼{rng.randint(1, 30)}层{flat(rng)}",
    )
    return rng.choice(forms)


def flat(rng: random.Random) -> str:
    return f"{rng.randint(1, 28)}0{rng.randint(1, 8)}室"


DATA: dict[str, tuple[Make, tuple[str, ...]]] = {
    "id_card": (
        id_card,
        (
            "我的身份证号码是{}",
            "身份证：{}",
            "（{}）请帮忙查一下缴费记录",
            "本人{name}，{}，户口在农村",
            "孩子的身份证{}一直录入不进去",
            "公民身份号码{}",
        ),
    ),
    "bank_card": (
        bank_card,
        (
            "养老金发到{}这张卡上",
            "卡号{}",
            "银行卡（{}）被冻结了",
            "钱应打入我的储蓄卡{}",
            "收款账号：{}",
            "建行卡{}三个月没进账",
        ),
    ),
    "phone": (mobile, ("请回电{}", "手机{}", "我的联系方式：{}", "联系人{name}，{}", "加我微信{}也行", "打{}找我")),
    "landline": (landline, ("家里电话{}", "可拨{}找我", "单位座机是{}", "联系电话：{}")),
    "social_card": (
        social_card,
        ("社保卡号{}", "我的社保编号是{}", "医保卡号码为{}", "社会保障卡卡号：{}", "个人编号：{}", "参保号{}查不到"),
    ),
    "email": (email, ("结果请发到{}", "邮箱：{}", "我用{}注册的账号登录不上", "发邮件至{}，没人回")),
    "plate": (plate, ("车牌号{}", "我的车{}昨天被贴了条", "{}占道停车", "牌照为{}的货车", "肇事车辆是{}")),
    "address": (
        street_address,
        (
            "我家在{region}{}",
            "住址：{region}{}",
            "本人住{region}{}",
            "房子位于{region}{}",
            "请寄到{region}{}",
            "户籍地址{region}{}",
        ),
    ),
}
NOBODYS: tuple[Make, ...] = (
    lambda r: f"单位欠我工资{r.randint(1000, 99999)}元",
    lambda r: f"总价{r.randint(100, 900)}.{r.randint(1, 99)}万元，首付{r.randint(100000, 999999)}元",
    lambda r: f"按照国办发〔{r.randint(2005, 2025)}〕{r.randint(1, 99)}号文件",
    lambda r: f"人社部发[{r.randint(2005, 2025)}]{r.randint(1, 99)}号第{r.randint(1, 30)}条",
    lambda r: f"我{r.randint(1990, 2024)}年{r.randint(1, 12)}月{r.randint(1, 28)}日参保",
    lambda r: f"登记日期是{r.randint(1990, 2024)}{r.randint(1, 12):02}{r.randint(1, 28):02}",
    lambda r: f"打{r.choice(('12345', '12333', '12366', '12315', '96315', '110', '12393'))}一直占线",
    lambda r: f"客服{r.choice(('400', '800'))}{r.choice(('-', ''))}{digits(r, 3)}{r.choice(('-', ''))}{digits(r, 4)}",
    lambda r: f"订单号{r.randint(2020, 2025)}{digits(r, r.choice((16, 18, 20)))}",
    lambda r: f"受理编号{r.choice(('SL', 'WT', 'GD'))}{r.randint(2020, 2025)}{digits(r, 8)}",
    lambda r: f"（{r.randint(2015, 2025)}）{r.choice('京沪粤川')}{digits(r, 4, '123456789')}民初{digits(r, 4, '123456789')}号",
    lambda r: f"统一社会信用代码91{digits(r, 6)}MA{digits(r, 8)}",
    lambda r: f"每月{r.randint(1, 28)}号发工资，{r.randint(2, 28)}号扣社保",
    lambda r: f"坐{r.randint(1, 20)}号线再换{r.randint(1, 900)}路公交",
    lambda r: f"从G{r.randint(1, 90)}高速下来，走K{r.randint(100, 900)}国道",
    lambda r: f"小区一共{r.randint(3, 40)}栋楼，每栋{r.randint(6, 33)}层",
    lambda r: f"去{r.randint(1, 30)}号窗口，在{r.randint(2, 9)}楼大厅排队",
    lambda r: f"人口{r.randint(1, 90)}.{r.randint(1, 9)}万，参保率{r.randint(50, 99)}%",
    lambda r: f"缴费基数{r.randint(3000, 9000)}.{r.randint(10, 99)}到{r.randint(10000, 30000)}",
    lambda r: f"{r.choice('京沪粤浙')}{r.choice('ABCD')}牌照限行吗",
    lambda r: f"QQ群有{r.randint(100, 2000)}人，转发{digits(r, 5, '123456789')}次",
    lambda r: f"版本{r.randint(1, 9)}.{r.randint(0, 20)}.{r.randint(0, 20)}打不开",
    lambda r: f"{r.choice(STREETS)}附近的{r.choice(ESTATES)}停车难",
    lambda r: f"{r.choice(ESTATES)}业主群里{r.randint(10, 300)}户都没交",
    lambda r: f"发票号{digits(r, 8)}，税额{digits(r, 4, '123456789')}.{digits(r, 2)}",
    lambda r: f"药品批号{digits(r, 6)}{r.choice('ABC')}，国药准字H{digits(r, 8)}",
    lambda r: f"病历号{digits(r, r.choice((6, 7, 8)))}，住院{r.randint(3, 90)}天",
    lambda r: f"楼高{r.randint(6, 33)}层，共{r.randint(100, 900)}套",
    lambda r: f"银行卡丢了，工单号{r.randint(2020, 2025)}{digits(r, 12)}",
    lambda r: f"身份证过期了，受理号是{r.randint(2020, 2025)}{digits(r, 13)}",
    lambda r: f"电话里说要交{digits(r, 7, '123456789')}元",
    lambda r: f"手机套餐{digits(r, 3, '123456789')}元包{r.randint(100, 999)}G流量",
    lambda r: f"快递单号{r.choice(('SF', 'YT', 'JD'))}{digits(r, 13)}",
    lambda r: f"申请表第{r.randint(1, 30)}页{r.randint(1, 9)}号栏怎么填",
    lambda r: f"{r.choice(STREETS)}到{r.choice(STREETS)}的{r.randint(1, 99)}路车停运了",
    lambda r: f"{r.choice(STREETS)}{r.choice(('地铁站B口', '派出所', '菜市场', '小学'))}不受理",
    lambda r: f"{r.choice(VILLAGES)}{r.randint(100, 999)}户{r.randint(1000, 9999)}亩地",
    lambda r: f"第{r.randint(1, 40)}号楼道灯坏了" if r.random() < 0.3 else f"住建部令第{r.randint(1, 40)}号",
    lambda r: f"社保断了{r.randint(1, 9)}年，医保余额{digits(r, 4, '123456789')}.{digits(r, 2)}元",
    lambda r: f"社保代码{digits(r, 3)}，险种{digits(r, 3)}，费率{r.randint(1, 9)}.{r.randint(1, 9)}%",
    lambda r: f"面积{r.randint(60, 200)}.{r.randint(10, 99)}平方米，单价{digits(r, 5, '123456789')}",
    lambda r: (
        f"时间是{r.randint(2020, 2025)}-{r.randint(1, 12):02}-{r.randint(1, 28):02} {r.randint(8, 18)}:{r.randint(10, 59)}"
    ),
)
OPENINGS = ("您好，", "领导好！", "请问一下，", "", "", "咨询：", "我想反映一个问题，")
ENDS = ("。", "，请尽快处理。", "，谢谢！", "，该怎么办？", "。希望给个说法。")


def letter(rng: random.Random) -> list[Piece]:
    """The pieces of a letter; pieces of an address are the region (`region`) and the rest."""
    pieces: list[Piece] = [("", rng.choice(OPENINGS))]
    for number in range(rng.randint(1, 4)):
        pieces.append(("", rng.choice(("，", "；", "，", " ")) if number else ""))
        pieces += [("", rng.choice(NOBODYS)(rng))] if rng.random() < 0.5 else sentence(rng)
    return [*pieces, ("", rng.choice(ENDS))]


def sentence(rng: random.Random) -> list[Piece]:
    kind = rng.choice(list(DATA))
    make, frames = DATA[kind]
    before, _, after = (
        rng.choice(frames).replace("{name}", rng.choice(SURNAMES) + rng.choice("伟芳娜敏静丽强磊")).partition("{}")
    )
    region = before.endswith("{region}")
    pieces = [("", before.removesuffix("{region}")), ("region", rng.choice(REGIONS) + rng.choice(TOWNS) if region else "")]
    return [*pieces, ("phone" if kind == "landline" else kind, make(rng)), ("", after)]


def compare(pieces: list[Piece], counts: Counter[tuple[str, str]]) -> list[str]:
    """Counts what was found of a letter, and tells what was missed or wrong."""
    text = "".join(piece for _, piece in pieces)
    found = find_personal(text)
    taken = {place for entity in found for place in range(entity.start, entity.end)}
    private: set[int] = set()
    faults: list[str] = []
    start = 0
    for kind, piece in pieces:
        span = range(start, start := start + len(piece))
        if kind:
            private.update(span)
        if kind and kind != "region":
            counts[kind, "wanted"] += 1
            if taken.issuperset(span):
                counts[kind, "covered"] += 1
                counts[kind, "exact"] += any((e.start, e.end, e.type) == (span.start, span.stop, kind) for e in found)
            else:
                faults.append(f"missed {kind} {piece!r} in {text!r}")
    for entity in found:
        right = private.issuperset(range(entity.start, entity.end))
        counts[entity.type, "found"] += 1
        counts[entity.type, "right"] += right
        if not right:
            faults.append(f"wrong {entity.type} {text[entity.start : entity.end]!r} in {text!r}")
    return faults


def figures(counts: Counter[tuple[str, str]]) -> dict[str, dict[str, float]]:
    """Recall, precision, and the share of data found with their very span and kind; by kind and for all."""
    kinds = sorted({kind for kind, _ in counts})
    for name in ("wanted", "covered", "exact", "found", "right"):
        counts["all", name] = sum(counts[kind, name] for kind in kinds)
    return {
        kind: {
            "data": counts[kind, "wanted"],
            "recall": round(counts[kind, "covered"] / max(counts[kind, "wanted"], 1), 4),
            "precision": round(counts[kind, "right"] / max(counts[kind, "found"], 1), 4),
            "exact": round(counts[kind, "exact"] / max(counts[kind, "wanted"], 1), 4),
        }
        for kind in [*kinds, "all"]
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=4000, help="letters to generate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=0, help="faults to print")
    parser.add_argument("--out", type=Path, help="folder for redaction.json")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    counts: Counter[tuple[str, str]] = Counter()
    faults = [fault for _ in range(arguments.rows) for fault in compare(letter(rng), counts)]
    for fault in faults[: arguments.show]:
        print(fault)
    result = {"rows": arguments.rows, "seed": arguments.seed, "kinds": figures(counts)}
    for kind, row in result["kinds"].items():
        print(
            f"{kind:12} {row['data']:6.0f}  recall {row['recall']:.4f}  precision {row['precision']:.4f}  exact {row['exact']:.4f}"
        )
    if arguments.out:
        (arguments.out / "redaction.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
