"""Whatever a program sends is answered with a problem of its own making: a 4xx, as application/problem+json."""

import gzip
import json
import socket
from http.client import HTTPResponse

import pytest

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
    (406, ["{}", "Accept: text/html"]),
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
