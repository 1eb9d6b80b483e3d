"""Who may be the same person: found by index among everybody, with reasons, asked once, shown to nobody else."""

from datetime import date

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from patients import matching
from patients.models import AuditEvent, KnownApart, Patient, Resemblance
from patients.tests import pictures
from patients.tests.conftest import ANA as SENT

REGISTER, MATCHES = reverse("patients:register"), reverse("patients:matches")
ANA = SENT | {"asks": "1"}  # by the desk's page, which can ask
NOBODY = {"full_name": "", "email": "", "phone": "", "date_of_birth": None}
OTHER = {"email": "other@example.net", "phone": "+12025550123", "date_of_birth": None}


@pytest.fixture
def other_photo(upload):
    """Another photo than everybody else's in these tests."""
    return lambda: upload(pictures.encoded(pictures.picture((901, 600))))


@pytest.fixture
def reasons(registered):
    """Register Ana, and return why somebody with these values may be her, as words."""
    ana = registered()

    def find(**values):
        found = Resemblance.of(Patient(**NOBODY | values))
        assert [resemblance.patient for resemblance in found] in ([], [ana])
        return [str(reason) for reason in found[0].reasons] if found else []

    return find


SLIP = {"phone": "+59899123465"}
PHONE, BORN, EMAIL = {"phone": "+59899123456"}, {"date_of_birth": date(1984, 2, 29)}, {"email": "Ana@example.org"}


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({"full_name": "Ana María Ñandú", **PHONE}, ["same name", "same phone number"]),
        ({"full_name": "ÑANDU ana maria", **PHONE}, ["same name", "same phone number"]),
        ({"full_name": "Ñandú Ana", **PHONE}, ["similar name", "same phone number"]),
        ({"full_name": "Anna Mara Nadnu", **PHONE}, ["similar name", "same phone number"]),
        ({"full_name": "Anamaría Ñandú", **PHONE}, ["same name", "same phone number"]),
        ({"full_name": "Ana María Ñandú", **SLIP}, ["same name", "phone number with one digit different"]),
        ({"full_name": "Ana María Ñandú", **BORN}, ["same name", "same date of birth"]),
        ({"full_name": "Ana Maria Nandú", "date_of_birth": date(1984, 2, 28)}, ["same name", "similar date of birth"]),
        ({"full_name": "Anna María Ñandú", **BORN}, ["similar name", "same date of birth"]),
        ({"full_name": "Ana María Ñandú", "email": "ana@example.com"}, ["same name"]),
        ({"full_name": "Ana Ñandú", **EMAIL}, ["similar name", "same email address"]),
        ({"full_name": "Ana Pérez", **PHONE, **BORN}, ["same phone number", "same date of birth"]),
        ({**PHONE, **BORN}, ["same phone number", "same date of birth"]),
        ({"full_name": "Ana María Ñandú"}, ["same name"]),
    ],
)  # fmt: skip
def test_finds_the_same_person_by_two_things_of_which_one_may_be_a_slip(typed, why, reasons):
    assert reasons(**typed) == why


@pytest.mark.parametrize(
    "typed",
    [
        {"full_name": "Luis Ñandú", **PHONE},  # a family shares a phone and an address
        {"full_name": "Luis Ñandú", **PHONE, **EMAIL},
        {**PHONE},
        {"full_name": "Ana Pérez"},
        {"full_name": "Ana"},
        {"full_name": "Ñandú"},
        {"full_name": "Eva Peña", **BORN},
        {"full_name": "Ana María Ñandú", "date_of_birth": date(1950, 7, 15)},  # the same name is not the same person
        {"full_name": "Anna María Ñandú", "date_of_birth": date(1950, 7, 15), **PHONE},
        {"full_name": "Anna María Ñandú", **SLIP},  # two slips, nothing that is the same
        {},
    ],
)
def test_asks_about_nobody_for_less(typed, reasons):
    assert reasons(**typed) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("garcia", "gracia"),
        ("garcia", "garsia"),
        ("jimenez", "gimenes"),
        ("vazquez", "basques"),
        ("stephen", "stefan"),
        ("catherine", "katharina"),
        ("hernandez", "ernandes"),
        ("wilson", "willson"),
        ("дмитрий", "дмитри"),
        ("محمد", "محمود"),
    ],
)
def test_a_slip_or_another_spelling_leaves_the_skeleton(one, other):
    assert matching.skeleton(one) == matching.skeleton(other)


@pytest.mark.parametrize("name", ["王小明", "राम शर्मा", "Io", "X Æ", "O'Brien-Smith", "12 3", "ee aa"])
def test_every_name_has_keys_and_resembles_itself(name, registered):
    patient = registered(full_name=name)

    assert [found.patient for found in Resemblance.of(Patient(**NOBODY | PHONE | {"full_name": name}))] == [patient]


def test_a_common_name_alone_is_no_reason(registered):
    for count in range(matching.NAMESAKES_MOST + 1):
        assert len(Resemblance.of(Patient(**NOBODY | {"full_name": "María García"}))) == count
        registered(
            full_name="María García", email=f"m{count}@example.org", phone=f"+1 202 55{count} {count * 1111:04}"
        )

    assert Resemblance.of(Patient(**NOBODY | {"full_name": "María García"})) == []
    assert len(Resemblance.of(Patient(**NOBODY | {"full_name": "María García", "phone": "+12025500000"}))) == 1


def test_compares_those_who_share_most_when_many_share_something(registered, monkeypatch):
    monkeypatch.setattr(matching, "COMPARED_MOST", 2)
    same = registered(full_name="María José García Pérez", phone="+12025550112", email="one@example.org")
    line = registered(full_name="María Peña", phone="+12025550111", email="two@example.org")
    for count in range(3):
        registered(full_name="María García", email=f"m{count}@example.org", phone=f"+1202555900{count}")

    typed = {"full_name": "María José García Pérez", "email": "", "phone": "+12025550111", "date_of_birth": None}

    assert [found.patient for found in Resemblance.of(Patient(**typed))] == [same]
    assert [found.patient for found in Resemblance.of(Patient(**typed | {"full_name": "Maria Penna"}))] == [line]


def test_a_date_that_many_have_hides_nobody(registered, monkeypatch):
    monkeypatch.setattr(matching, "COMPARED_MOST", 2)
    same = registered(full_name="Lucía Fernández", date_of_birth="1900-10-01", phone="+12025550112", email="one@x.org")
    for count in range(3):
        registered(
            full_name="Lucía Paz",
            date_of_birth="1900-01-10",
            email=f"m{count}@x.org",
            phone=f"+1202555900{count}",
        )

    typed = {"full_name": "Lucia Fernandez", "email": "", "phone": "", "date_of_birth": date(1900, 1, 10)}

    assert [found.patient for found in Resemblance.of(Patient(**typed))] == [same]


def test_takes_a_few_queries_however_many_patients(registered, django_assert_max_num_queries):
    for count in range(12):
        registered(email=f"p{count}@example.org")

    with django_assert_max_num_queries(16):
        assert len(Resemblance.of(Patient(**SENT | PHONE | {"date_of_birth": None}))) == 5


def test_the_desk_asks_and_keeps_everything_that_was_entered(desk, registered, other_photo, errors):
    ana = registered()

    asked = desk.post(REGISTER, ANA | OTHER | PHONE | {"date_of_birth": "", "document_photo": other_photo()})

    page = asked.content.decode()
    assert asked.status_code == 422 and Patient.objects.count() == 1
    assert "may be registered already" in errors(asked)[0]
    assert f'href="{ana.get_absolute_url()}"' in page and "same name, same phone number" in page
    assert "Photo kept" in page and 'value="other@example.net"' in page


def test_a_different_person_is_registered_and_not_asked_about_again(desk, registered, other_photo, receptionist):
    ana = registered()
    typed = ANA | OTHER | PHONE | {"date_of_birth": ""}

    done = desk.post(REGISTER, typed | {"document_photo": other_photo(), "apart_from": ana.display_number})

    twin = Patient.objects.newest_first()[0]
    assert done.status_code == 302 and twin != ana
    pair = KnownApart.objects.get()
    assert (pair.earlier, pair.later, pair.said_by) == (ana, twin, receptionist)
    noted = AuditEvent.objects.filter(action="told_apart").values_list("patient_number", "detail")
    assert set(noted) == {(twin.number, ana.display_number), (ana.number, twin.display_number)}
    for one, other in ((ana, twin), (twin, ana)):
        url = f"{one.get_absolute_url()}change/"
        assert (
            desk.post(url, typed | {"email": one.email, "full_name": "Ana M Ñandú", "version": 1}).status_code == 302
        )
        assert "Is this the same person?" not in desk.get(other.get_absolute_url()).content.decode()


def test_only_who_was_ticked_is_a_different_person(desk, registered, other_photo):
    ana, anna = registered(), registered(full_name="Anna María Ñandú", email="anna@example.org")
    typed = ANA | {"email": "other@example.net"}

    asked = desk.post(REGISTER, typed | {"document_photo": other_photo(), "apart_from": anna.display_number})

    page = asked.content.decode()
    assert asked.status_code == 422 and not KnownApart.objects.exists()
    assert f'value="{anna.display_number}" checked' in page and f'value="{ana.display_number}">' in page


def test_asks_together_with_all_errors(desk, registered, errors):
    registered()

    asked = desk.post(REGISTER, ANA | {"email": "no address"})

    assert len(errors(asked)) == 3 and "same name" in asked.content.decode()


def test_who_shares_the_address_is_asked_about_once(desk, registered, other_photo):
    registered()

    asked = desk.post(REGISTER, ANA | {"full_name": "Juan", "document_photo": other_photo()})
    assert "They share this address" in asked.content.decode() and "Is this the same" not in asked.content.decode()

    done = desk.post(REGISTER, ANA | {"full_name": "Juan", "document_photo": other_photo(), "shared_email": "on"})
    assert done.status_code == 302 and KnownApart.objects.count() == 1


def test_the_same_photo_is_a_reason_and_one_to_ask_with_a_name(desk, registered, upload):
    registered()
    typed = ANA | OTHER | {"date_of_birth": ""}

    asked = desk.post(REGISTER, typed | {"full_name": "Ana Ñandú", "document_photo": upload()})
    done = desk.post(REGISTER, typed | {"full_name": "Eve", "document_photo": upload()}, follow=True)

    assert asked.status_code == 422 and "same photo of the document, similar name" in asked.content.decode()
    assert "same photo of the document" in done.content.decode() and Patient.objects.count() == 2


def test_what_comes_from_no_page_is_not_asked_about(desk, registered, upload):
    registered()

    done = desk.post(REGISTER, SENT | {"email": "other@example.net", "document_photo": upload()}, follow=True)

    assert "Is this the same person?" in done.content.decode() and Patient.objects.count() == 2


def test_a_record_shows_whose_photo_is_the_same(desk, registered):
    ana = registered()
    eve = registered(full_name="Eve", email="eve@example.net", phone="+1 202 555 0123", date_of_birth=None)

    page = desk.get(ana.get_absolute_url()).content.decode()
    assert eve.display_number in page and "same photo of the document" in page


def test_a_correction_that_makes_them_alike_asks_too(desk, registered):
    ana = registered()
    eve = registered(full_name="Eve", email="eve@example.net", phone="+1 202 555 0123", date_of_birth=None)
    url, typed = f"{eve.get_absolute_url()}change/", {"full_name": "Eve", "email": "eve@example.net", "asks": "1"}
    KnownApart.objects.all().delete()
    Patient.objects.filter(pk=eve.pk).update(photo_fingerprint="x")

    elsewhere = desk.post(url, typed | {"phone": "+1 202 555 0123", "address": "Elsewhere", "version": 1})
    alike = typed | {"phone": ANA["phone"], "date_of_birth": ANA["date_of_birth"], "version": 2}
    asked = desk.post(url, alike)
    done = desk.post(url, alike | {"apart_from": ana.number})

    assert (elsewhere.status_code, asked.status_code, done.status_code) == (302, 422, 302)


def test_asks_quietly_and_says_why(desk, registered):
    ana = registered()

    page = desk.post(
        MATCHES, {"full_name": "Ana Maria Nandu", "phone": "099 123", "email": "ana@", "date_of_birth": ""}
    )
    assert page.status_code == 200 and "same name" in page.content.decode() and "<html" not in page.content.decode()
    assert AuditEvent.objects.filter(action="looked_up").count() == 1
    assert desk.post(MATCHES, {"full_name": "Eve"}).content.strip() == b""
    own = reverse("patients:matches", args=[ana.display_number])
    assert desk.post(own, {"full_name": ana.full_name, "phone": ana.phone}).content.strip() == b""
    assert desk.get(MATCHES).status_code == 405


def test_tells_quietly_who_has_the_address(desk, registered, new_patient, receptionist):
    ana = registered()

    page = desk.post(MATCHES, {"full_name": "Juan Pérez", "email": "ANA@example.org"}).content.decode()

    assert "Registered with this address:" in page and ana.display_number in page
    assert ana.number in AuditEvent.objects.get(action="looked_up").detail
    shares = new_patient(full_name="Eve", email=ana.email, phone="+12025550123")
    shares.register(by=receptionist, source=Patient.Source.FORM, shared_email=True)
    for patient in (ana, shares):
        own = reverse("patients:matches", args=[patient.display_number])
        assert "Registered with" not in desk.post(own, {"email": ana.email}).content.decode()
    own = reverse("patients:matches", args=[ana.display_number])
    assert "Registered with" not in desk.post(own, {"email": ana.email.upper()}).content.decode()
    both = desk.post(MATCHES, {"full_name": ana.full_name, "email": ana.email}).content.decode()
    assert "same email address" in both and "Registered with" not in both


def test_of_two_who_are_told_apart_one_may_be_erased_meanwhile(registered, receptionist):
    ana, twin = registered(), registered(email="twin@example.org")
    gone = Patient.objects.get(pk=twin.pk)
    twin.erase(by=receptionist)

    with pytest.raises(Patient.DoesNotExist):
        gone.tell_apart([ana], by=receptionist)
    ana.tell_apart([gone], by=receptionist)

    assert not KnownApart.objects.exists() and not AuditEvent.objects.filter(action="told_apart").exists()


def test_shows_nothing_to_those_who_may_not_see_patients(client, registered, upload, django_user_model):
    registered()
    kiosk = django_user_model.objects.create_user("kiosk")
    kiosk.user_permissions.add(Permission.objects.get(codename="add_patient"))
    client.force_login(kiosk)

    assert client.post(MATCHES, {"full_name": ANA["full_name"]}).status_code == 403
    assert "likely-matches" not in client.get(REGISTER).content.decode()
    done = client.post(REGISTER, ANA | {"email": "ana@example.net", "document_photo": upload()})
    assert done.status_code == 302 and Patient.objects.count() == 2


def test_other_doors_are_not_held_up_and_told_nothing(api, back_office, registered, ana, upload):
    registered()

    answer = api.post_json(reverse("api:patients"), ana | {"email": "two@example.org"})
    added = back_office.post(
        reverse("admin:patients_patient_add"), SENT | {"email": "three@example.org", "document_photo": upload()}
    )

    assert answer.status_code == 201 and added.status_code == 302 and Patient.objects.count() == 3


def test_a_record_shows_who_resembles_it_until_somebody_tells_them_apart(desk, registered, member, client):
    ana, twin = registered(), registered(email="twin@example.org")
    page = desk.get(twin.get_absolute_url()).content.decode()
    assert "Is this the same person?" in page and ana.display_number in page

    url = reverse("patients:tell_apart", args=[twin.display_number])
    client.force_login(member("Reader"))
    assert client.post(url, {"other": ana.display_number}).status_code == 403
    assert desk.post(url, {"other": "x"}).status_code == desk.post(url, {}).status_code == 404
    assert desk.post(url, {"other": twin.number}).status_code == 302
    desk.post(url, {"other": ana.display_number})
    desk.post(reverse("patients:tell_apart", args=[ana.display_number]), {"other": twin.display_number})

    assert KnownApart.objects.count() == 1 and AuditEvent.objects.filter(action="told_apart").count() == 2
    for patient in (ana, twin):
        assert "Is this the same person?" not in desk.get(patient.get_absolute_url()).content.decode()


def test_what_is_known_of_somebody_goes_with_the_record(desk, registered, receptionist):
    ana, twin = registered(), registered(email="twin@example.org")
    ana.tell_apart([twin], by=receptionist)

    twin.erase(by=receptionist)

    assert not KnownApart.objects.exists() and desk.get(ana.get_absolute_url()).status_code == 200
