"""People who don't exist: believable names in several scripts, addresses and numbers that reach nobody.

Given and family names stand by frequency and are drawn by Zipf's law, as names are given: the first of twenty is
drawn in one case of four. Email addresses are of the domains of RFC 2606; phone numbers begin as no subscriber's do.
"""

import datetime
import itertools
from typing import NamedTuple

from patients import search


class People(NamedTuple):
    """Those of a country: their share, the pattern of their names (g given, f family), names and phone numbers."""

    share: int
    pattern: str
    given: list
    family: list
    phones: list  # the beginnings of their numbers
    digits: int  # that follow


def _people(share, pattern, given, family, phones, digits):
    return People(share, pattern, given.split(), family.split(), phones.split(), digits)


PEOPLES = [
    _people(
        30, "ggff",
        "María José Ana Juan Carmen Luis Laura Carlos Lucía "
        "Antonio Marta Javier Elena Miguel Sofía Pedro Paula Diego "
        "Isabel Jorge Rosa Sergio Pilar Andrés Beatriz Fernando "
        "Inés Martín Nuria Álvaro Camila Joaquín Ximena Tomás "
        "Milagros Íñigo Yolanda Hugo Zoe Begoña",
        "García Rodríguez González Fernández López Martínez Sánchez "
        "Pérez Gómez Ñandú Ruiz Díaz Moreno Muñoz Álvarez "
        "Romero Alonso Gutiérrez Navarro Torres Vázquez Ramos "
        "Gil Ramírez Serrano Blanco Molina Suárez Ortega Delgado "
        "Castro Ortiz Rubio Núñez Medina Iglesias Cortés "
        "Garrido Santos Castillo Peña Ibáñez Zúñiga Echeverría Bermúdez",
        "+5981", 7,
    ),
    _people(
        28, "ggf",
        "James Mary John Patricia Robert Jennifer Michael "
        "Linda William Elizabeth David Barbara Richard Susan Joseph "
        "Jessica Thomas Sarah Charles Karen Christopher Lisa "
        "Daniel Nancy Matthew Betty Anthony Sandra Mark Margaret "
        "Niamh Siobhán Seán Zoë Chloë Dwayne Latoya Xavier Quentin Ursula",
        "Smith Johnson Williams Brown Jones Miller Davis Wilson "
        "Anderson Taylor Thomas Moore Jackson Martin Lee White "
        "Thompson Harris Clark Lewis Robinson Walker Hall Young "
        "King Wright Hill Scott Green Baker Adams Nelson Carter "
        "O'Brien O'Connor Smith-Jones McDonald MacLeod Fitzgerald "
        "Van-Buren Whitaker Ashworth Okafor Underwood Quigley",
        " ".join(f"+1{area}555" for area in range(201, 290) if area != 211), 4,
    ),
    _people(
        12, "fgg",
        "Thị Văn Anh Hồng Minh Hùng Lan Dũng Hương Tuấn Mai "
        "Đức Linh Quang Thảo Long Ngọc Nam Phương Hải Trang Sơn "
        "Thu Khánh Yến Bình Hạnh Đạt Vy Phúc",
        "Nguyễn Trần Lê Phạm Huỳnh Hoàng Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Đinh Trịnh Đoàn Mạc",
        "+8410", 7,
    ),
    _people(
        12, "gff",
        "محمد فاطمة أحمد مريم علي زينب حسن عائشة يوسف خديجة "
        "إبراهيم سارة عمر ليلى خالد هدى مصطفى نور سعيد أمينة كريم "
        "رانيا طارق سلمى ياسر",
        "محمد حسن علي إبراهيم محمود السيد عبدالله يوسف سالم الشريف "
        "خليل منصور العلي حداد ناصر البكري قاسم عثمان فارس الزهراني",
        "+2013", 8,
    ),
    _people(
        8, "fg",
        "伟 芳 娜 敏 静 丽 强 磊 军 洋 勇 艳 杰 娟 涛 "
        "明 超 秀英 霞 平 刚 桂英 小明 建国 志强 婷婷 子涵 雨欣 浩然 思远",
        "王 李 张 刘 陈 杨 黄 赵 吴 周 徐 孙 马 朱 胡 郭 何 高 林 罗 欧阳 司马",
        "+86120", 8,
    ),
    _people(
        6, "gf",
        "Александр Елена Сергей Ольга Дмитрий Наталья Алексей Анна "
        "Андрей Мария Максим Ирина Иван Светлана Михаил Юлия "
        "Артём Екатерина Никита Фёдор Зоя Щукарь",
        "Иванов Смирнов Кузнецов Попов Васильев Петров "
        "Соколов Михайлов Новиков Фёдоров Морозов Волков Алексеев "
        "Лебедев Семёнов Егоров Павлов Козлов Степанов Щербаков",
        "+7200", 7,
    ),
    _people(
        4, "gf",
        "राम सीता आरव प्रिया अर्जुन अनन्या विकास नेहा राहुल पूजा अमित सुनीता संजय कविता विवेक ज्योति",
        "शर्मा वर्मा गुप्ता सिंह कुमार पटेल यादव मिश्रा जोशी अग्रवाल चौहान त्रिपाठी नायर रेड्डी",
        "+9150", 8,
    ),
]  # fmt: skip
_DOMAINS = ["example.com", "example.org", "example.net", "mail.example.com", "post.example.org"]
_FIRST_BIRTH, _BIRTHS = datetime.date(1930, 1, 1), 34_000  # days


def people(random, start):
    """Yield for ever the values of Patient's fields full_name, email, phone, address and date_of_birth.

    Their addresses differ by numbers from `start` on.
    """
    shares = list(itertools.accumulate(people.share for people in PEOPLES))
    weights = {len(names): _zipf(len(names)) for people in PEOPLES for names in (people.given, people.family)}

    def draw(names):
        return random.choices(names, cum_weights=weights[len(names)])[0]

    for count in itertools.count(start):
        own = random.choices(PEOPLES, cum_weights=shares)[0]
        pattern = own.pattern if random.random() < 0.4 else own.pattern.replace("gg", "g").replace("ff", "f")
        words = list(dict.fromkeys(draw(own.given if letter == "g" else own.family) for letter in pattern))
        given, family = search.fold(words[0]), search.fold(words[-1])
        local = f"{given}.{family}" if given.isascii() and family.isascii() else own.phones[0][1:]
        yield {
            "full_name": ("" if own.family[0] == "王" else " ").join(words),
            "email": f"{local.replace(chr(39), '')}{_base36(count)}@{random.choice(_DOMAINS)}",
            "phone": random.choice(own.phones) + f"{random.randrange(10**own.digits):0{own.digits}}",
            "address": f"{random.randrange(1, 400)} {draw(own.family)}" if random.random() < 0.5 else "",
            "date_of_birth": (
                _FIRST_BIRTH + datetime.timedelta(random.randrange(_BIRTHS)) if random.random() < 0.85 else None
            ),
        }


def _zipf(count):
    return list(itertools.accumulate(1 / rank for rank in range(1, count + 1)))


def _base36(number):
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits
