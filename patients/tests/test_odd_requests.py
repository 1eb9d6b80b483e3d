"""Whatever a program sends is answered with a problem of its own making: a 4xx, as application/problem+json."""

import gzip
import json
import socket
import urllib.request
from http.client import HTTPConnection, HTTPResponse

import pytest

from patients.models import Patient
from registration import gunicorn
from registration.problems import KINDS

PATIENTS = "/api/v1/patients/"
FORM = "multipart/form-data; boundary=X"


def parts(count, disposition='name="f{}"'):
    each = "--X\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\n1\r\n"
    return "".join(each.format(number) for number in range(count)) + "--X--\r\n"


@pytest.fixture(scope="module")
def key(service):
    return service.token()


@pytest.fixture
def send(service, key):
    """Send bytes as they are; return the status of the answer, which must be a problem."""

    def make(body=b"{}", *headers, start=f"POST {PATIENTS}", content_type="application/json", length=None, host=None):
        body = body.encode() if isinstance(body, str) else body
        lines = [
            f"{start} HTTP/1.1",
            f"Host: {host or '127.0.0.1'}",
            "Connection: close",
            f"Authorization: Bearer {key}",
            f"Content-Type: {content_type}",
            *([] if length == "" else [f"Content-Length: {len(body) if length is None else length}"]),
            *headers,
        ]
        with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
            connection.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
            with HTTPResponse(connection) as answer:
                answer.begin()
                assert answer.headers["Content-Type"] == "application/problem+json"
                assert {"X-Request-ID", "X-Content-Type-Options", "Cache-Control"} < set(answer.headers)
                problem = json.loads(answer.read())
                assert problem["status"] == answer.status
                assert problem["type"] in {f"{service.url}/api/problems/{slug}" for slug in KINDS}
                return answer.status

    return make


ODD = [
    (400, ["[" * 200_000]),
    (400, ['{"a":' * 100_000]),
    (400, ['{"phone": ' + "9" * 1_000_000 + "}"]),
    (400, ['{"full_name": "' + "9" * 1_000_000 + '"}']),
    (400, ['{"a": NaN}']),
    (400, ['{"a": -Infinity}']),
    (400, ['{"a": 1e999}']),
    (400, ['{"a": 1, "a": 2}']),
    (400, ["{" + ",".join(f'"k{number}": 1' for number in range(10_000)) + "}"]),
    (400, ['{"full_name": "a\\u0000b"}']),
    (400, ['{"full_name": "a\\ud800b"}']),
    (400, ['{"\\ud800": 1}']),
    (400, ["{}".encode("utf-16")]),
    (400, [b"\xef\xbb\xbf{}"]),
    (400, ["{}", "Transfer-Encoding: chunked"], {"length": ""}),
    (400, ["{}", "Idempotency-Key: \xf1"]),
    (400, ["{}", "Content-Length: -5"], {"length": ""}),
    (400, ["{}", "Transfer-Encoding: gzip"], {"length": ""}),
    (400, ["{}"], {"host": "elsewhere.example"}),
    (415, ["{}"], {"content_type": "application/json; charset=utf-16"}),
    (415, ["{}"], {"content_type": "application/json; charset*=nonsense''%ff"}),
    (415, ["{}"], {"content_type": "text/plain"}),
    (415, ["{}"], {"content_type": "*/*"}),
    (415, [parts(2)], {"content_type": f"{FORM}; charset=utf-16"}),
    (415, [parts(2)], {"content_type": f"{FORM}; charset=nonsense"}),
    (415, [gzip.compress(b"{}"), "Content-Encoding: gzip"]),
    (400, [parts(2)], {"content_type": "multipart/form-data"}),
    (415, [parts(2).replace("1\r\n", "ñ\r\n")], {"content_type": f"{FORM}; charset=punycode"}),
    (400, [parts(10_000)], {"content_type": FORM}),
    (400, [parts(10_000, 'name="f{}"; filename="a"')], {"content_type": FORM}),
    (400, [parts(2)[:-10]], {"content_type": FORM}),
    (400, [parts(2)[:-4]], {"content_type": FORM}),
    (406, ["{}", "Accept: text/html"]),
    (406, ["{}", "Accept: application/json;q=0"]),
    (406, ["{}", "Accept: text/html, */* ; q=0.0"]),
    (413, ["{}"], {"length": 99_999_999_999}),
    (400, [""], {"start": f"GET {PATIENTS}?cursor=%ff"}),
    (400, [""], {"start": f"GET {PATIENTS}?cursor="}),
    (400, [""], {"start": f"GET {PATIENTS}?cursor=%00"}),
    (400, [""], {"start": f"GET {PATIENTS}?page_size=999999999999999999999"}),
    (400, [""], {"start": f"GET {PATIENTS}?registered_after=2026-02-30T00:00:00Z"}),
    (400, [""], {"start": f"GET {PATIENTS}?registered_after=0001-01-01T00:00:00%2B23:59"}),
    (400, [""], {"start": f"GET {PATIENTS}?registered_after=9999-12-31T23:59:59-23:59"}),
    (400, [""], {"start": f"GET {PATIENTS}?registered_after="}),
    (400, [""], {"start": f"GET {PATIENTS}?nothing=%C3%B1", "content_type": "text/plain; charset=hex"}),
    (400, [""], {"start": f"GET {PATIENTS}?serach=Ana"}),
    (400, [""], {"start": f"GET {PATIENTS}?search=a&search=b"}),
    (414, [""], {"start": f"GET {PATIENTS}?search={'a' * 10_000}"}),
    (417, ["{}", "Expect: miracles"]),
    (431, ["{}", f"Accept-Language: {'a' * 10_000}"]),
    (431, ["{}", *(f"X-{number}: 1" for number in range(101))]),
    (404, [""], {"start": f"GET {PATIENTS}%00/"}),
    (404, ["{}"], {"start": "POST /api/v1/patients"}),
    (404, [""], {"start": "GET /api/"}),
    (400, [""], {"start": f"GET {PATIENTS}?registered_after=2026-11-23T11111111Z"}),
    (400, [""], {"start": f"GET {PATIENTS}?registered_after=2026-11-23T14:03:11.Z"}),
    (405, [""], {"start": f"TRACE {PATIENTS}"}),
    (405, [""], {"start": f"OPTIONS {PATIENTS}"}),
    (405, [""], {"start": f"WHATEVER {PATIENTS}"}),
    (405, [""], {"start": "POST /api/problems/invalid"}),
    (405, [""], {"start": "DELETE /api/schema/"}),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(ODD)))
def test_is_refused_with_a_problem(send, number):
    status, sent, *how = ODD[number]

    assert send(*sent, **(how[0] if how else {})) == status


def test_a_body_of_countless_values_is_not_even_read(api):
    problem = api.post(PATIENTS, '{"a": [' + "{}," * 20_000 + "{}]}", content_type="application/json")

    assert problem.status_code == 400 and "errors" not in problem.json()


@pytest.fixture
def whole(ana, photo):
    """A registration as multipart/form-data, the address last; it is sent, and cut, by each test."""
    fields = {name: value for name, value in ana.items() if name not in ("address", "document_photo")}
    head = "--X\r\nContent-Disposition: form-data; name="
    texts = [*fields.items(), ("address", "Rincón 487, Montevideo")]
    parts = [f'{head}"{name}"\r\n\r\n{text}\r\n' for name, text in texts]
    file = f'{head}"document_photo"; filename="a"\r\n\r\n'.encode() + photo + b"\r\n"
    return file + "".join(parts).encode() + b"--X--\r\n"


@pytest.mark.parametrize("left", [5, 15], ids=["within the address", "within the last delimiter"])
def test_what_arrives_of_a_body_whose_sender_went_away_is_nobody(left, api, desk, whole):
    cut = whole[: -len("Montevideo\r\n--X--\r\n") + left]
    for client, path in ((api, PATIENTS), (desk, "/patients/register/")):
        assert client.post(path, cut, content_type=FORM).status_code == 400
    assert not Patient.objects.exists()


def test_a_body_shorter_than_announced_is_refused_though_its_end_is_there(service, key, whole):
    head = f"POST {PATIENTS} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\nContent-Type: {FORM}\r\n"
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(f"{head}Content-Length: {len(whole) + 1}\r\n\r\n".encode() + whole)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1000).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "header",
    ["Content-Disposition: form-data", 'Content-Disposition: form-data; filename="x"', "Content-Type: text/plain", ""],
)
def test_a_part_that_has_no_name_is_refused(header, api, whole):
    odd = f"--X\r\n{header}\r\n\r\nlost\r\n".encode() + whole

    problem = api.post(PATIENTS, odd, content_type=FORM)

    assert problem.status_code == 400 and "must have a name" in problem.json()["detail"]
    assert api.post(PATIENTS, whole, content_type=FORM).status_code == 201


def test_after_chunks_nothing_more_is_said(service, key):
    for body in (b"zz\r\n{}\r\n0\r\n\r\n", b"2\r\n{}\r\n0\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
            head = f"POST {PATIENTS} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
            connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + body)
            said = b"".join(iter(lambda connection=connection: connection.recv(10_000), b""))
        assert said.count(b"HTTP/1.1 400") == 1 and b"connection: close" in said.lower()


@pytest.mark.parametrize(
    ("length", "is_wrong", "is_closed"),
    [
        (gunicorn.READ_OFF_MOST - 1, False, False),
        (gunicorn.READ_OFF_MOST, False, True),
        (300_000, False, True),
        (300_000, True, True),
    ],
)
def test_a_connection_is_kept_or_said_to_be_closed(length, is_wrong, is_closed, service, key):
    headers = {"Authorization": f"Bearer {'wrong' if is_wrong else key}", "Content-Type": "text/plain"}
    connection = HTTPConnection("127.0.0.1", service.port, timeout=20)

    for _ in range(2):  # a closed one is opened again, since it was said
        connection.request("POST", PATIENTS, b"x" * length, headers)
        answer = connection.getresponse()
        answer.read()
        assert (answer.status, answer.will_close) == (401 if is_wrong else 415, is_closed)
    connection.close()


def test_where_no_body_is_read_its_coding_is_of_no_account(api):
    assert api.get(PATIENTS, headers={"Content-Encoding": "gzip"}).status_code == 200


@pytest.mark.parametrize("text", ["11z", "11.1234567Z", "11.123456789+00:00", "11.5-03:00"])
def test_takes_every_form_of_a_time(text, api):
    assert api.get(PATIENTS, {"registered_after": f"2026-11-23t14:03:{text}"}).status_code == 200


def test_what_nobody_can_do_needs_no_permission(api, registered, receptionist):
    url = f"{PATIENTS}{registered().number}/messages/"
    receptionist.groups.clear()

    answer = api.post_json(url, {})

    assert answer.status_code == 405 and answer["Allow"] == "GET, HEAD" and api.get(url).status_code == 403


def test_what_is_no_http_is_answered_in_the_clinics_language(service):
    odd = {"Host": "127.0.0.1", "Accept-Language": "es"}
    for _ in range(12):
        urllib.request.urlopen(urllib.request.Request(f"{service.url}/livez", headers=odd)).close()
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(f"GET {PATIENTS} HTTP/1.1\r\nno colon\r\n\r\n".encode())
        with HTTPResponse(connection) as answer:
            answer.begin()
            assert answer.headers["Date"] and b"values that cannot be accepted" in answer.read()
