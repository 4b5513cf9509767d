from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.text.redact import PLACEHOLDERS, find_personal, is_id_number, is_luhn, redact

AREAS = ["110105", "310101", "440106", "510104", "320583", "650102", "420111", "230621"]
ROADS = ["人民路", "中山北路", "解放大街", "滨江大道", "建设二路", "文化街", "桃园巷", "长安西街", "学府路", "迎宾大道"]
ESTATES = ["阳光花园", "翠湖小区", "万和家园", "金桂苑", "和平新村", "江南公寓", "锦绣城", "东方大厦"]
REGIONS = ["广东省广州市天河区", "江苏省苏州市昆山市", "北京市朝阳区", "成都市武侯区", "湖南省长沙市岳麓区", "", ""]


def digits(rng: random.Random, n: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(n))


def id_card(rng: random.Random) -> str:
    body = rng.choice(AREAS) + f"{rng.randint(1930, 2015)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}" + digits(rng, 3)
    return next(body + c for c in "0123456789X" if is_id_number(body + c))


def bank_card(rng: random.Random) -> str:
    body = rng.choice(["622848", "621700", "622202", "621661", "436742", "521899", "955880"]) + digits(rng, rng.choice([9, 12]))
    number = next(body + c for c in "0123456789" if is_luhn(body + c))
    return number if rng.random() < 0.6 else " ".join(number[i : i + 4] for i in range(0, len(number), 4))


def mobile(rng: random.Random) -> str:
    number = "1" + rng.choice("3456789") + digits(rng, 9)
    return rng.choice(
        [number, f"{number[:3]}-{number[3:7]}-{number[7:]}", f"{number[:3]} {number[3:7]} {number[7:]}", f"+86{number}"]
    )


def landline(rng: random.Random) -> str:
    code, number = rng.choice(["010", "021", "0755", "0571", "0451"]), rng.choice("2345678") + digits(rng, 7)
    return rng.choice([f"{code}-{number}", f"({code}){number}", f"{code}{number}", f"{code}-{number[:7]}"])


def social_card(rng: random.Random) -> str:
    return rng.choice("ABCDEFGH0123456789") + digits(rng, 8)


def email(rng: random.Random) -> str:
    user = rng.choice(["li.wei", "zhang_san", "wang88", "x-y.z", "135792468"])
    return f"{user}@{rng.choice(['qq.com', '163.com', 'mail.bnu.edu.cn'])}"


def plate(rng: random.Random) -> str:
    tail = rng.choice(["", "D", "A", "K8"])
    body = tail + digits(rng, 5 - len(tail))
    green = rng.choice(["D", "F"]) + digits(rng, 5)
    return rng.choice("京沪粤苏川鲁") + rng.choice("ABCDEF") + rng.choice(["", "·"]) + rng.choice([body, body, green])


def address(rng: random.Random) -> str:
    street = rng.choice(ROADS) + f"{rng.randint(1, 999)}号"
    block = f"{rng.randint(1, 30)}{rng.choice(['栋', '号楼', '幢', '座'])}"
    room = f"{rng.randint(1, 6)}单元{rng.randint(1, 30)}0{rng.randint(1, 9)}{rng.choice(['室', '房', ''])}"
    estate = rng.choice(ESTATES)
    return rng.choice([street, street + estate + block + room, estate + block + room, street + block, estate + block])


MAKERS: dict[str, tuple[Callable[[random.Random], str], tuple[str, ...]]] = {
    "id_card": (id_card, ("身份证号{}，想查社保", "我叫王芳，{}，请帮我查一下", "证件号码：{}。", "本人({})要补缴")),
    "bank_card": (bank_card, ("银行卡号{}没到账", "工资打到{}这张卡", "账户：{}，开户行农行", "请退款到{}")),
    "phone": (mobile, ("电话{}", "请打{}联系我", "手机号是{}，谢谢", "联系人李先生{}")),
    "social_card": (social_card, ("社保卡号{}不能用", "我的社会保障卡号码为{}", "医保卡号：{}", "个人编号{}查不到")),
    "email": (email, ("邮箱{}", "材料发到{}了", "请回复{}，谢谢")),
    "plate": (plate, ("车牌{}被拍了", "一辆{}的车撞了我", "我的车是{}，违章怎么处理")),
    "address": (
        address,
        ("我住在{region}{}，怎么参保", "户口地址：{region}{}。", "家住{region}{}，想办居住证", "寄到{region}{}"),
    ),
}
CLEAN = (
    "北京医保卡在河北不能刷，报销比例是70%",
    "缴费满15年，2024年3月31日前办理",
    "咨询电话12345或者12333，客服4008001234",
    "中发[2002]12号文件和国办发〔2021〕14号",
    "公司拖欠工资13800元，共欠164万元",
    "订单号2024033112345678901234已经支付",
    "第38条第2款规定工伤赔偿标准",
    "统一社会信用代码91110000123456789X",
    "坐地铁3号线到人民路站下车",
    "每月5号发工资，12月20号截止",
    "京A牌照限行，粤B车主怎么办",
    "本市人民路附近的小区停车费太高",
    "三楼服务大厅办理，二号窗口取号",
    "今年社保基数从4494.6元调到4879.2元",
    "合同编号20230101001，金额1234567890元",
    "身份证丢了，受理号是20211234567890123",
    "银行卡被吞，工单号2021123456789012",
)


def test_recall_and_precision_on_generated_texts() -> None:
    rng = random.Random(20261121)
    hits, found, wanted = 0, 0, 0
    for _ in range(2500):
        kind = rng.choice([*MAKERS, "landline", "clean"])
        if kind == "clean":
            found += len(find_personal(rng.choice(CLEAN)))
            continue
        maker, frames = MAKERS["phone"] if kind == "landline" else MAKERS[kind]
        datum = landline(rng) if kind == "landline" else maker(rng)
        region = rng.choice(REGIONS)
        frame = rng.choice(frames)
        start = frame.index("{}") + (len(region) - len("{region}") if "{region}" in frame else 0)
        text = frame.replace("{region}", region).replace("{}", datum)
        spans = [(e.start, e.end, e.type) for e in find_personal(text)]
        hits += (start, start + len(datum), "phone" if kind == "landline" else kind) in spans
        found += len(spans)
        wanted += 1
    assert hits / wanted >= 0.99
    assert hits / found >= 0.98


@pytest.mark.parametrize("text", CLEAN)
def test_clean_texts_stay(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("电话１３９００００１１１１", "电话【电话号码】"),
        ("住在江苏省南京市鼓楼区中央路12号3栋2单元501室，想问低保", "住在江苏省南京市鼓楼区【住址】，想问低保"),
        ("我的邮箱是a.b@qq.com和13900001111", "我的邮箱是【邮箱】和【电话号码】"),
        ("座机0571-87654321转802", "座机【电话号码】"),
        ("电话：87654321", "电话：【电话号码】"),
        ("粤B·D12345和京A8888警", "【车牌号】和【车牌号】"),
        ("红旗村5组16号", "【住址】"),
        ("家在复兴路18号附3号", "家在【住址】"),
        ("家在复兴路18号-4，谢谢", "家在【住址】，谢谢"),
        ("住复兴路18号（丽景苑3号楼2单元西户）", "住【住址】"),
        ("住复兴路18号（丽景苑3-2-501）", "住【住址】"),
        ("丽景苑二期3幢501", "【住址】"),
        ("加我vx13800001111，或Tel.13900001111", "加我vx【电话号码】，或Tel.【电话号码】"),
        ("1.13800001111", "1.【电话号码】"),
        ("138  0000  1111", "【电话号码】"),
        ("身份证ID11010519491231002X", "身份证ID【身份证号】"),
        ("家在解放路西88号2单元301", "家在【住址】"),
        ("住人民路中段56号", "住【住址】"),
        ("", ""),
    ],
)
def test_redacts(text: str, redacted: str) -> None:
    assert redact(text) == redacted


def test_check_digits() -> None:
    # The example of the standard GB 11643-1999, annex A.
    assert is_id_number("11010519491231002X")
    assert is_id_number("440524188001010014")
    assert not is_id_number("110105194912310021")
    assert not is_id_number("11010519491331002X")
    assert not is_id_number("99010519491231002X")
    assert not is_id_number("")
    assert is_luhn("4111111111111111")
    assert not is_luhn("4111111111111112")


@given(
    st.text(
        st.one_of(st.characters(codec=None, exclude_categories=()), st.sampled_from("0123456789-Xx@.号路栋室粤A ")), max_size=60
    )
)
def test_any_text_gives_valid_spans(text: str) -> None:
    end = 0
    for entity in find_personal(text):
        assert end <= entity.start < entity.end <= len(text)
        assert entity.type in PLACEHOLDERS
        end = entity.end
    assert isinstance(redact(text), str)


@pytest.mark.parametrize("piece", ["1", "1-", "粤B", "人民路", "三号", "a@", "a.", "12栋", "路"])
def test_time_is_linear(piece: str) -> None:
    text = piece * (20_000 // len(piece))
    redact(text)
