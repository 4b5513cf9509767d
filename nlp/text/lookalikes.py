"""What looks like a place and is none: words that run through a name, streets, goods, persons, organisations.

All functions read normalised text. They judge by the characters around a name, so they hold for names that no table knows.
"""

from __future__ import annotations

import re

from nlp.text.gazetteer import CITY_STANDING, Gazetteer

HAN = "\u4e00-\u9fff"
# Characters that do not occur inside a name: particles, pronouns, prepositions, verbs of common questions.
FUNCTION = (
    "的了在是有和与及或对为从到被把给让向将要能可会请问我你您他她它们这那哪什么吗呢吧啊就也都还又已没不去来买办交缴报说看想做领取"
    "以于等但因且如则跟同才却很最更每各某该其"
)
UNIT_SUFFIXES = frozenset("省市县区州旗盟")

_ROAD = "[城东南西北中上下内外一二三四五]{0,3}(?:路|街(?!道)|大道|大街|巷(?!战)|弄堂|胡同)"
_STREET = re.compile(
    f"{_ROAD}|桥|大厦|广场|花园|花苑|小区|公寓|大?酒店|宾馆|饭店|雅苑|名都|公馆|豪庭|华庭|华府|水岸|商贸城|百货"
    "|大市场|山庄|新村|家园|嘉园|国际(?!机场|医|化|学|大|贸)"
)
_ROAD_ALONE = re.compile(_ROAD)
_GOODS = re.compile(
    "牌(?!照)|话(?!题)|菜(?!市)|方言|口音|烤鸭|火锅|拉面|米粉|鸡饭|板鸭|扒鸡|啤酒|香醋|白药|大曲|特曲|卫视|晚报|日报"
)
# Behind the short name of a county: it is the name of a village, a school, a river.
_SMALLER = re.compile("[村镇乡河江湖山岩窑塔寺]|社区|居委会|街道|[中小]学|实验|商城|驾校|码头|水库|煤矿|地产")
# The short name of a county stands free on one side at least; between two other characters it is a piece of a longer word.
_SIDE_BEFORE = re.compile(rf"[^{HAN}]|[{FUNCTION}住居籍赴抵至返离驻往市县省区州家自知嫁询映诉及位本全]")
_SIDE_AFTER = re.compile(
    rf"$|[^{HAN}]|[{FUNCTION}一二三四五六七八九十两医社户居农市县区籍参养低工住生失退单城当地企政公落积民人]"
)
_SURNAMES = frozenset(
    "李王张刘陈杨赵吴徐孙朱胡郭何林罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁叶蒋杜苏魏程"
    "吕丁沈姚卢姜崔钟谭陆汪范廖贾韦付邱侯邹熊孟秦"
)
_BEFORE_PERSON = re.compile(rf"[^{HAN}A-Za-z0-9]|[叫是名为和与找告]")
_AFTER_PERSON = re.compile(
    rf"$|[^{HAN}]|先生|女士|同志|同学|老师|医生|律师|主任|经理|[说是的在和与为因向被系于已未不把给借欠去来]"
)
# Legal categories of persons that a place begins: 港澳居民, 台湾同胞 are groups, not places.
_COMPATRIOTS = re.compile("青年|居民|同胞|人士|人才|学生|专业人士|籍|事务")
_COMPATRIOT_PLACES = frozenset({"港澳", "港澳台", "台港澳", "台湾", "香港", "澳门", "台湾地区"})

_DEPARTMENTS = (
    "人力资源和社会保障|发展和改革|住房和城乡建设|卫生和计划生育|自然资源和规划|规划和自然资源|文化和旅游|工业和信息化"
)
_NOT_IN_ORGANISATION = "的了在是有和与及或对从到被把给让向将要能请问我你您他她它们这哪什么吗呢吧啊已没不买缴报内籍户人等路街号"
_ORGANISATION = re.compile(
    rf"(?:{_DEPARTMENTS}|街道|有限|人[民力才社事口防大]|不动产|[^{_NOT_IN_ORGANISATION}\W\d_]){{0,12}}?"
    r"(?:委员会|公司|集团|法院|检察院|医院|卫生院|服务中心|(?<!副)中心(?![城区])|大学(?![生城])|学院|[中小]学(?!生|教|老|开)|幼儿园|学校"
    r"|酒店|宾馆|饭店|银行|[支分]行|部门|厅(?!级)|局(?![面势限部])|派出所|[大支总]队(?!长)|[医社]保[所办]|税务所|司法所|管理[部所处]"
    r"|研究[院所]|事务所|[协学商工]会|残联|妇联|总站|车站|揽投站|电视台|[日晚]报|出版社|基金会|俱乐部|博物馆|图书馆|监狱|看守所"
    r"|[计信]\w办|厂(?![房家长商]))"
    r"|(?:[市县区镇乡]|人民|党委)?(?:政府(?!补|采购|工作)|党委|纪委|政协)"
)
_NO_ORGANISATION = re.compile(
    "工作|参保|退休|居住|户口|户籍|就医|报销|落户|上班|打工|生活|住院|看病|缴费|结算|备案|医保卡|社保卡|小区|花园|大道|村"
    "|[一二三四五六七八九十两几多数各]+(?:个|家|所|部门|医院|学校|级)|一些|如何|怎|进入|如果|服役|供应"
)
# Public bodies and hospitals: a place before one is part of its name. Before a shop or a factory it may be where that stands.
_INSTITUTION = re.compile(
    "(?:医院|卫生院|部门|局|委员会|政府|法院|检察院|[医社]保所|派出所|税务所|司法所|管理[部所处]|[大支总]队)$"
)
_NO_INSTITUTION = re.compile("[某那这哪任各家个老同级上进住开里的附近去找对当本县校看]|公立|私立|三甲|定点")
_GENERIC = re.compile(
    "(?:三甲|定点|基层|公立|私立|民营|大|一家|本地|当地|外资|国有|私营|几家|所有|有关|相关|普通|正规|大型|中型|小型|小)*"
    "(?:医院|卫生院|卫生所|公司|单位|学校|企业|机构|工厂|机场|幼儿园|小学|中学|高中|初中|药店|诊所|超市|门诊|商场|小区"
    "|社区(?!卫生))"
)


def is_lookalike(text: str, start: int, end: int, tables: Gazetteer, *, inner: bool = False) -> bool:
    """Whether the name `text[start:end]` is part of another word, of a street, of goods or of a person's name.

    Args:
        text: Normalised text.
        start: Where the name begins.
        end: Where it ends.
        tables: The gazetteer.
        inner: Whether a place that contains it stands before, so that what is before is no part of another word.
    """
    name = text[start:end]
    before, after = text[start - 1 : start], text[end : end + 1]
    if before and not inner and before in tables.left.get(name, ""):
        return True
    if after and after in tables.right.get(name, ""):
        return True
    if name[-1] in UNIT_SUFFIXES and len(name) > 2:
        return False
    if _STREET.match(text, end) or _GOODS.match(text, end) or _is_person(text, start, end):
        return True
    if tables.names[name][0].weight >= CITY_STANDING:
        return False
    glued = not inner and start > 0 and not _SIDE_BEFORE.match(before) and not _SIDE_AFTER.match(text, end)
    return glued or _SMALLER.match(text, end) is not None


def is_street(text: str, end: int) -> bool:
    """Whether what ends at `end` goes on as the name of a street."""
    return _ROAD_ALONE.match(text, end) is not None


def organisation_end(text: str, start: int, end: int, tables: Gazetteer) -> int | None:
    """Where the name of an organisation or group ends that the place `text[start:end]` begins; None where it begins none.

    A generic word (`A市医院`) makes no name, except that of a bank or university (`北京银行`).
    """
    group = _COMPATRIOTS.match(text, end) if text[start:end] in _COMPATRIOT_PLACES else None
    if group:
        return group.end()
    if _GENERIC.match(text, end):
        return None
    match = _ORGANISATION.match(text, end)
    if match is None or _NO_ORGANISATION.search(text, end, match.end()) or _names_city(text, end + 1, match.end(), tables):
        return None
    return match.end()


def is_institution(text: str, start: int, end: int, tables: Gazetteer) -> bool:
    """Whether the place `text[start:end]` begins the name of a public body or of a hospital: 江西省 in 江西省税务部门."""
    last = organisation_end(text, start, end, tables)
    rest = text[end:last] if last else ""
    return _INSTITUTION.search(rest) is not None and _NO_INSTITUTION.search(rest) is None


def _names_city(text: str, start: int, end: int, tables: Gazetteer) -> bool:
    """Whether a province or city is named inside, so that what follows belongs to that one."""
    for i in range(start, end - 1):
        for length in tables.lengths.get(text[i : i + 2], ()):
            word = text[i : i + length]
            readings = tables.names.get(word)
            if readings and readings[0].weight >= CITY_STANDING and word not in tables.weak:
                return not is_lookalike(text, i, i + length, tables)
    return False


def _is_person(text: str, start: int, end: int) -> bool:
    """A surname before a name of two characters, between the borders that a person's name has: 李宁夏先生."""
    if end - start != 2 or start == 0 or text[start - 1] not in _SURNAMES:
        return False
    opened = start == 1 or _BEFORE_PERSON.match(text, start - 2) is not None
    return opened and _AFTER_PERSON.match(text, end) is not None
