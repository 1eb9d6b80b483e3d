"""Every URL, every method, every kind of actor: as permission_table.txt says."""

import pytest

from patients.models import Patient
from patients.tests.conftest import ANA
from patients.tests.permission_table import METHODS, World, as_written, routes, table


@pytest.fixture
def world(db, safe_photo):
    return World(lambda: Patient(**ANA, document_photo=safe_photo()))


def test_every_url_has_its_rule_and_every_rule_its_url():
    assert sorted(table()) == sorted(routes())


def test_every_rule_is_about_every_method_and_actor(world):
    for route, cells in table().items():
        assert sorted(cells) == sorted(METHODS), route
        assert {len(statuses) for statuses in cells.values()} == {len(world.actors)}, route


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("route", routes())
def test_each_is_answered_as_its_rule_says(world, route):
    found = {method: [world.ask(actor, method, route) for actor in world.actors] for method in METHODS}

    assert as_written(route, found) == as_written(route, {method: table()[route][method] for method in METHODS})


NOT_OURS = ("api/", "admin/r/", "admin/autocomplete/")  # which take no form


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("route", [route for route in routes() if not route.startswith(NOT_OURS)])
def test_no_deed_without_the_token_of_its_form(world, route):
    forger = world.door("Administrator", enforce_csrf_checks=True)

    assert forger.post(world.path(route), world.body(route)).status_code in (403, 405)
