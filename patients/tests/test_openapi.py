"""The OpenAPI document is true: what it promises is answered, and nothing else."""

import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from django.urls import reverse

from registration.problems import KINDS

PATIENTS = reverse("api:patients")


@pytest.fixture
def document(client, db):
    return client.get(reverse("schema"), headers={"Accept": "application/json"}).json()


@pytest.fixture
def operations(document):
    """Return the document's operations by their id."""
    return {operation["operationId"]: operation for path in document["paths"].values() for operation in path.values()}


@pytest.fixture
def matches(document):
    """Tell whether a value is what the document says in the schema, or the answer, that `reference` names."""

    def check(value, reference):
        schema = {"$ref": reference, "components": document["components"]}
        jsonschema.Draft202012Validator(schema).validate(value)
        return True

    return check


def test_the_example_can_be_sent_as_it_is(operations, api, matches):
    register = operations["register_patient"]
    body = register["requestBody"]["content"]["application/json"]["example"]

    answer = api.post_json(PATIENTS, body)

    assert answer.status_code == 201 and matches(answer.json(), "#/components/schemas/Patient")
    promised = register["responses"]["201"]["content"]["application/json"]["example"]
    same = {"number", "registered_at", "document_photo"}
    assert {k: v for k, v in answer.json().items() if k not in same} == {
        k: v for k, v in promised.items() if k not in same
    }
    for name in register["responses"]["201"]["headers"]:
        assert name in answer or name == "Idempotent-Replayed"


def test_every_example_of_an_answer_matches_its_schema(operations, matches, document):
    for operation in operations.values():
        for answer in operation["responses"].values():
            for content in answer.get("content", {}).values():
                if "example" in content:
                    schema = {**content["schema"], "components": document["components"]}
                    jsonschema.Draft202012Validator(schema).validate(content["example"])
    for answer in document["components"]["responses"].values():
        for example in answer["content"]["application/problem+json"]["examples"].values():
            assert matches(example["value"], "#/components/schemas/Problem")


def test_every_kind_of_problem_is_documented_and_has_its_page(document, client):
    described = {
        slug
        for answer in document["components"]["responses"].values()
        for slug in answer["content"]["application/problem+json"]["examples"]
    }

    assert described | {"method-not-allowed"} == set(KINDS)  # a call that is not there has no place to name it
    for slug in KINDS:
        assert client.get(reverse("problem", args=[slug])).status_code == 200


def test_what_is_answered_matches(api, registered, matches):
    url = f"{PATIENTS}{registered().display_number}/"

    assert matches(api.get(PATIENTS).json(), "#/components/schemas/PaginatedPatientList")
    assert matches(api.get(url).json(), "#/components/schemas/Patient")
    assert all(matches(message, "#/components/schemas/Message") for message in api.get(f"{url}messages/").json())
    assert matches(api.post_json(PATIENTS, {}).json(), "#/components/schemas/Problem")


def test_says_which_scopes_there_are(document):
    assert all(scope in document["info"]["description"] for scope in ("patients:register", "patients:read"))


@pytest.mark.slow
@pytest.mark.once
def test_made_up_requests_get_what_is_documented(service, tmp_path, request):
    """Schemathesis makes requests of the document, right and wrong ones, and judges the answers by it."""
    service.manage("create_api_client", f"fuzz{os.getpid()}", "patients:register", "patients:read", "patients:change")
    # Of the few numbers that were answered, it would soon have made every request that it can think of.
    (tmp_path / "schemathesis.toml").write_text("[phases.fuzzing.extra-data-sources]\nresponses = false\n")
    command = [
        Path(sys.executable).with_name("schemathesis"),
        "run",
        f"{service.url}/api/schema/",
        f"--header=Authorization: Bearer {service.token(f'fuzz{os.getpid()}')}",
        "--seed=1",
        f"--max-examples={request.config.getoption('--cases')}",
        "--checks=all",
        # Rules that a schema can't say (a date that has been, a decodable photo) refuse what matches it.
        "--exclude-checks=positive_data_acceptance",
        "--phases=examples,coverage,fuzzing",
        "--continue-on-failure",
        "--generation-database=none",
        "--warnings=off",
        "--no-color",
    ]

    run = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    assert run.returncode == 0, run.stdout
    cases = re.search(r"(\d[\d,]*) generated", run.stdout)[1]
    print(f"{cases} requests")
    assert int(cases.replace(",", "")) > 5 * request.config.getoption("--cases")
