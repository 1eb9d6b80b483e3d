"""Finding people by what is known of them, at the desk, through the API and in admin; the same on every database."""

import itertools

import pytest
from django.urls import reverse

from patients import numbers
from patients.models import Patient, SearchKey, search_key

LIST, API = reverse("patients:list"), reverse("api:patients")


@pytest.fixture
def find(desk):
    """Search at the desk; return who was found."""
    return lambda text, **more: list(desk.get(LIST, {"search": text} | more).context["patients"])


@pytest.fixture
def short_eras(monkeypatch):
    """Eras of two patients, so that a few fill many."""
    monkeypatch.setattr(search_key, "ERA_BITS", 1)


@pytest.fixture
def people(registered):
    """Register people by name, the oldest first; return them by name."""

    def make(*names):
        return {
            name: registered(full_name=name, email=f"p{count}@example.org", phone=f"+1 202 555 {count:04}")
            for count, name in enumerate(names)
        }

    return make


@pytest.mark.parametrize(
    "typed",
    [
        "ana",
        "ÑANDU",
        "nandu ana",
        "ñ",
        "maría  ANA",
        "Ana@Example",
        "a n",
        "+598 99 123",
        "00598 (99) 123-456",
        "123 456",
        "099123456",
        "59899123456",
        "٩٩١٢٣٤٥٦",
        "ana 099 123 456",
        "099-123-456 ÑANDÚ",
        "nandu ana@example.org",
    ],
)
def test_finds_a_person_by_parts_of_what_is_known(typed, find, registered):
    ana = registered()
    registered(full_name="Juan Pérez", email="juan@example.org", phone="+1 202 555 0123")

    assert find(typed) == [ana]


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("Seán O’Brien-Smith", ["o'brien", "obrien", "brien", "smith", "O’Brien-Smith", "sean smi"]),
        ("Łukasz Żółć", ["lukasz", "zolc", "ŁUKASZ"]),
        ("Søren Ærø", ["soren", "aero", "SØREN"]),
        ("Straße", ["strasse", "STRASSE", "straße"]),
        ("İpek Işık", ["ipek", "isik", "ışık"]),
        ("Nguyễn Thị Hồng", ["nguyen hong", "NGUYỄN", "thi"]),
        ("محمد بن سلمان", ["محمد", "سلمان محمد"]),
        ("王小明", ["王", "王小"]),
        ("Александр Щукарь", ["щукарь", "АЛЕКС"]),
        ("राम शर्मा", ["राम", "शर्मा राम"]),
        ("Ｆｕｌｌ Width", ["full", "ｗｉｄｔｈ"]),
        ("𝐌𝐚𝐫𝐢𝐚 Ǿre", ["maria", "𝐌𝐚𝐫𝐢𝐚", "ore", "øre maria"]),
        ("José Peña", ["Peña, José", "peña,", "pena;jose"]),
    ],
)
def test_finds_names_of_every_script_without_accents_and_case(name, typed, find, people):
    wanted = people(name, "Juan Pérez")[name]

    for text in typed:
        assert find(text) == [wanted], text


def test_finds_an_address_by_a_word_of_it(find, registered):
    ana = registered(email="work.garcia+clinic@hospital.example")
    registered(email="juan@example.org")

    for typed in ("garcia", "clinic", "work.garcia", "ana garcia", "ana @hosp", "@hospital.ex", "Hospital.example"):
        assert find(typed) == [ana], typed
    assert find("@") == []


def test_finds_an_international_domain_as_people_write_it(find, registered):
    ana = registered(email="ana@bücher.example")
    registered(email="juan@example.org")

    for typed in ("ana@bücher.example", "@bücher", "BUCHER.ex", ana.email, "@xn--bcher"):
        assert find(typed) == [ana], typed


def test_finds_a_phone_number_by_its_beginning_without_the_countrys_code(find, registered):
    ana = registered(phone="+598 99 123 456")
    registered(email="juan@example.org", phone="+1 202 555 0123")

    assert find("099 12") == find("99 1234") == find("+598 99") == [ana]


def test_every_word_must_be_there(find, people):
    found = people("Ana Ñandú", "Ana Pérez", "Juan Ñandú")

    assert find("ana") == [found["Ana Pérez"], found["Ana Ñandú"]]
    assert find("ana nandu") == [found["Ana Ñandú"]]
    assert find("ana lopez") == find("juan perez") == []


def test_finds_a_corrected_name_and_not_the_old_one(find, registered, receptionist):
    ana = registered()
    ana.full_name = "Ana Pérez"
    ana.correct(["full_name"], by=receptionist)

    assert find("perez") == [ana] and find("nandu") == []


def test_finds_a_person_by_number_however_written(find, registered):
    ana = registered()
    registered(email="juan@example.org")

    for typed in (
        ana.number,
        ana.display_number.lower(),
        ana.display_number[:4],
        ana.display_number[5:],
        ana.display_number.replace("-", " "),
    ):
        assert ana in find(typed)


def test_finds_a_person_whose_name_could_be_a_number(find, people):
    mary = people("Mary Hall")["Mary Hall"]
    assert numbers.normalize("Mary Hall")

    assert find("Mary Hall") == [mary]


@pytest.mark.parametrize(
    "typed",
    [
        "xyz",
        "ana xyz",
        "¨",
        "'; DROP TABLE patients_patient; --",
        "%",
        "_",
        "\x00",
        "a" * 5000,
        "0000",
        "(((",
        "a " * 3000,
    ],
)
def test_finds_nobody_and_says_so(typed, desk, registered):
    registered(full_name="Juan Pérez", email="juan@example.org")

    response = desk.get(LIST, {"search": typed})

    assert response.status_code == 200 and list(response.context["patients"]) == []
    assert "Nobody found" in response.content.decode()


def test_finds_words_that_are_longer_than_a_key(find, people):
    name = "Wolfeschlegelsteinhausenbergerdorffvoralternwarengewissenhaftschafers Ana"
    wolf = people(name, name[:50])[name]

    assert find(name) == find(f"{name[:66]} ana") == [wolf]


def test_a_mark_alone_finds_nobody(find, registered):
    registered()

    assert find("¨") == find(" ´ ") == []


@pytest.mark.usefixtures("short_eras")
def test_pages_through_all_of_many_newest_first(desk, api, registered):
    for count in range(34):
        registered(full_name=f"{'Ana' if count % 3 else 'Juan'} Pérez {count}", email=f"p{count}@example.org")
    wanted = [p.full_name for p in Patient.objects.newest_first() if p.full_name.startswith("Ana")]

    seen, before = [], ""
    while True:
        context = desk.get(LIST, {"search": "perez ana", "before": before}).context
        seen += [patient.full_name for patient in context["patients"]]
        if not context["has_more"]:
            break
        before = context["patients"][-1].display_number
    assert seen == wanted

    pages, url = [], f"{API}?search=ana"
    while url:
        pages.append(api.get(url).json())
        url = pages[-1]["next"]
    assert [p["full_name"] for page in pages for p in page["results"]] == wanted
    back = api.get(pages[-1]["previous"]).json()
    assert back["results"] == pages[-2]["results"] and back["previous"] is None and back["next"]


@pytest.mark.usefixtures("short_eras")
def test_finds_from_any_place_in_either_direction_what_reading_everybody_finds(people):
    first, last = ["Ana", "Juan", "Aníbal", "Luz"], ["Pérez", "López", "Pérez López", "Paz"]
    people(*(" ".join(names) for names in itertools.product(first, last)))
    words = {
        p.pk: p.full_name.lower().translate(str.maketrans("éóí", "eoi")).split() + [p.email]
        for p in Patient.objects.all()
    }

    for text in ("ana", "a", "ana perez", "p ana", "perez lopez", "example", "p1@"):
        wanted = [
            pk
            for pk in sorted(words, reverse=True)
            if all(any(word.startswith(term) for word in words[pk]) for term in text.split())
        ]
        for place, most in itertools.product([None, *sorted(words)[::3]], [1, 3, 100]):
            older = [pk for pk in wanted if place is None or pk < place]
            assert SearchKey.find(text, most, before=place) == older[:most], (text, place)
            if place is not None:
                newer = [pk for pk in wanted if pk > place]
                assert SearchKey.find(text, most, after=place) == newer[-most:], (text, place)


def test_a_word_that_begins_another_has_no_key_of_its_own(find, registered):
    maria = registered(full_name="Maria Marianne", email="maria.mar@example.org")

    assert find("mar") == find("maria") == find("marianne mar") == [maria]
    words = {key.key for key in maria.search_keys.all() if key.key.startswith("w")}
    assert words == {"wmaria.mar@example.org", "wmarianne"}


@pytest.mark.usefixtures("short_eras")
def test_a_page_takes_a_few_queries_however_many_patients(people, django_assert_max_num_queries):
    people(*(f"Ana Pérez {count}" for count in range(16)))
    # Ever longer windows of eras, of which there are more when the database has given out more primary keys before.
    windows = len(list(SearchKey._windows(None, None)))
    assert windows < 12

    for text in ("ana", "ana perez", "pérez ana 1", "nobody", "ana nobody"):
        with django_assert_max_num_queries(windows + 11):
            SearchKey.find(text, 21)


@pytest.mark.usefixtures("short_eras")
def test_two_common_words_of_nobody_cost_no_look_at_those_who_have_one(people, django_assert_num_queries):
    common = [f"{name} {count}" for name in ("Ana Pérez", "Juan López") for count in range(8)]
    people("Ana López", "Anabel Lope", *common)
    windows = len(list(SearchKey._windows(None, None)))

    with django_assert_num_queries(1 + windows):  # the newest era, and in each window those who have both
        assert SearchKey.find("juan perez", 21) == []
    for text, count in {"ana lop": 2, "lope ana": 2, "lopez ana": 1, "ana ana perez": 8, "an lo": 2}.items():
        assert len(SearchKey.find(text, 21)) == count, text


@pytest.mark.usefixtures("short_eras")
def test_a_number_beside_two_words_is_what_is_looked_up(people, django_assert_num_queries):
    ana = next(iter(people(*(f"Ana Pérez {'abcdefghijklmnop'[count]}" for count in range(16))).values()))
    windows = len(list(SearchKey._windows(None, None)))

    with django_assert_num_queries(1 + 6 + windows + 1):  # with a count of each range, and the one found looked at
        assert SearchKey.find(f"ana perez {ana.phone[-6:]}", 21) == [ana.pk]


def test_admin_finds_the_same(back_office, registered):
    ana = registered()
    registered(full_name="Juan", email="juan@example.org", phone="+1 202 555 0123")

    for typed in ("nandu", "ANA@example", "123 456", ana.display_number, "ana 099 123 456"):
        response = back_office.get(reverse("admin:patients_patient_changelist"), {"q": typed})
        assert list(response.context["cl"].result_list) == [ana]
