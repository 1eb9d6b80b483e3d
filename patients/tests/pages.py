"""Every address that the service has, with what is there put in; what a page is made of; and what is put in it."""

import re
from collections import Counter
from html.parser import HTMLParser

from django.apps import apps
from django.urls import get_resolver

from patients.messages import links


def every_url(patient):
    """Return an address for each pattern of the URLconf."""
    values = {"number": patient.display_number, "token": links.address_link(patient).split("/")[-2], "slug": "invalid"}
    return sorted({_filled(route, values) for route in _routes(get_resolver())})


def _routes(resolver, prefix="/"):
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        yield from _routes(pattern, route) if hasattr(pattern, "url_patterns") else [route]


def _filled(route, values):
    route = route.replace("(?P<url>.*)$", "nowhere/")
    route = re.sub(r"\^\(\?P<app_label>(\w+).*?\)/\$", r"\1/", route)
    _, _, app, model, *_ = [*route.split("/"), "", ""]
    if model := apps.all_models.get(app, {}).get(model):
        first = model._default_manager.order_by("pk").first()
        values = values | {name: str(first.pk if first else 1) for name in ("object_id", "id")}
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda match: values.get(match[1], "1"), route)


def together(texts):
    """Yield them joined to few that are short enough for a name."""
    joined = ""
    for text in texts:
        if len(joined) + len(text) > 190:
            yield joined
            joined = ""
        joined += text
    yield joined


class Page(HTMLParser):
    """The elements and the attributes of a page, counted; and what a strict content security policy would not run."""

    def __init__(self, response):
        super().__init__()
        self.elements, self.inline = Counter(), []
        self._script = False
        self.feed(response.content.decode())

    def handle_starttag(self, tag, attributes):
        self.elements[tag] += 1
        for name, value in attributes:
            self.elements[f"{tag} {name}"] += 1
            if name == "style" or name.startswith("on") or (value or "").strip().lower().startswith("javascript:"):
                self.inline.append(f"{tag} {name}")
        names = dict(attributes)
        self._script = tag == "style" or (
            tag == "script" and "src" not in names and "json" not in names.get("type", "")
        )

    def handle_data(self, data):
        if self._script and data.strip():
            self.inline.append(data.strip()[:60])
        self._script = False
