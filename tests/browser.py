"""A person at the pages without scripts: reads the HTML, fills its forms as they stand, presses its buttons."""

from __future__ import annotations

import contextvars
import io
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, TreeBuilder

from factories import person
from flask import Flask
from houses import House
from werkzeug.test import TestResponse

from app import db
from app.demo.people import PASSWORD

VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.builder = TreeBuilder()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.builder.start(tag, {name: value or "" for name, value in attrs})
        if tag in VOID:
            self.builder.end(tag)
        else:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.builder.start(tag, {name: value or "" for name, value in attrs})
        self.builder.end(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.open:
            return
        while (last := self.open.pop()) != tag:
            self.builder.end(last)
        self.builder.end(tag)

    def handle_data(self, data: str) -> None:
        if self.open:
            self.builder.data(data)


def read(html: str) -> Element:
    """Return the tree of a page."""
    reader = _Reader()
    reader.feed(html)
    while reader.open:
        reader.builder.end(reader.open.pop())
    return reader.builder.close()


def plain(rule: str) -> str:
    """Return an address of the URL map without its converters: ``/applications/<number>/…``."""
    return re.sub(r"<(?:[^<>]+:)?(\w+)>", r"<\1>", rule)


def words(element: Element) -> str:
    """Return what an element says, with single spaces."""
    return " ".join("".join(element.itertext()).split())


class Page:
    """One answer."""

    def __init__(self, answer: TestResponse) -> None:
        self.answer = answer
        self.status = answer.status_code
        self.headers = answer.headers
        self.content = answer.get_data()
        self.text = self.content.decode("utf-8", "replace")
        self._root: Element | None = None

    @property
    def root(self) -> Element:
        """The tree of the page."""
        if self._root is None:
            self._root = read(self.text)
        return self._root

    @property
    def location(self) -> str:
        """Where the answer leads to: path, query and fragment."""
        target = urlsplit(self.headers.get("Location", ""))
        return target.path + (f"?{target.query}" if target.query else "")

    def all(self, **attributes: str) -> list[Element]:
        """Return the elements with these attributes; ``data_key`` is written for ``data-key``."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [item for item in self.root.iter() if all(item.get(name) == value for name, value in wanted.items())]

    def one(self, **attributes: str) -> Element:
        """Return the first element with these attributes."""
        found = self.all(**attributes)
        assert found, f"no {attributes} on the page: {words(self.root)[:400]}"
        return found[0]

    def says(self, **attributes: str) -> str:
        """Return what the first such element says."""
        return words(self.one(**attributes))

    def terms(self) -> set[str]:
        """Return the ``data-key`` of everything on the page."""
        return {item.get("data-key", "") for item in self.root.iter()} - {""}

    def error(self, path: str) -> str:
        """Return what stands as the error of a field."""
        return self.says(data_error_for=path)

    @property
    def main(self) -> str:
        """What the page itself says, without header, menu and footer."""
        return words(self.one(id="content"))

    def links(self) -> Iterator[str]:
        """Yield the addresses that the page leads to."""
        for item in self.root.iter():
            target = item.get("href") or item.get("src") or ""
            if target.startswith("/"):
                yield target

    def form(self, action: str) -> dict[str, list[str]]:
        """Return what the form of an address would send as it stands, without any button."""
        form = next(
            (item for item in self.root.iter("form") if item.get("action") == action),
            None,
        )
        assert form is not None, f"no form {action}: {[item.get('action') for item in self.root.iter('form')]}"
        return fields_of(form)


def fields_of(form: Element) -> dict[str, list[str]]:
    """Return what a form would send, as browsers do it."""
    found: dict[str, list[str]] = {}
    for item in form.iter():
        name = item.get("name")
        if not name or "disabled" in item.attrib:
            continue
        if item.tag == "input":
            kind = item.get("type", "text")
            if kind in ("submit", "button", "file", "image", "reset"):
                continue
            if kind in ("radio", "checkbox") and "checked" not in item.attrib:
                continue
            found.setdefault(name, []).append(item.get("value", ""))
        elif item.tag == "textarea":
            found.setdefault(name, []).append("".join(item.itertext()).removeprefix("\n"))
        elif item.tag == "select":
            options = list(item.iter("option"))
            chosen = [option.get("value", "") for option in options if "selected" in option.attrib]
            found.setdefault(name, []).append(chosen[0] if chosen else options[0].get("value", ""))
    return found


class Browser:
    """One person's browser at one house."""

    def __init__(self, app: Flask, language: str = "kk", address: str = "127.0.0.1") -> None:
        self.client = app.test_client()
        self.headers = {"Accept-Language": language}
        self.address = address
        self.token = ""

    def open(self, method: str, path: str, **kwargs: Any) -> Page:
        """Send a request in a context of its own: the test's application context does not shine through."""
        db.session.commit()
        db.session.expunge_all()  # what the test holds keeps what it knows
        environ = {"REMOTE_ADDR": self.address}

        def send() -> TestResponse:
            headers = {**self.headers, **kwargs.pop("headers", {})}
            return self.client.open(path, method=method, headers=headers, environ_base=environ, **kwargs)

        page = Page(contextvars.Context().run(send))
        if page.answer.mimetype == "text/html" and 'name="csrf_token"' in page.text:
            self.token = page.one(name="csrf_token").get("value", "")
        return page

    def get(self, path: str, **kwargs: Any) -> Page:
        """Fetch a page."""
        return self.open("GET", path, **kwargs)

    def post(self, path: str, data: Mapping[str, Any] | None = None, **kwargs: Any) -> Page:
        """Send a form with the token of the last page."""
        return self.open("POST", path, data={"csrf_token": self.token, **(data or {})}, **kwargs)

    def send(self, page: Page, action: str, press: str = "", value: str = "yes", **typed: Any) -> Page:
        """Send a form of ``page`` as it stands, with some fields typed anew and one button pressed.

        ``typed`` maps names to texts, to lists, or to (file name, bytes) pairs; write ``name__kk`` for ``name-kk``.
        """
        data: dict[str, Any] = dict(page.form(action))
        for name, content in typed.items():
            name = name.replace("__", "-")
            if isinstance(content, tuple):
                data[name] = (io.BytesIO(content[1]), content[0])
            elif content is None:
                data.pop(name, None)
            else:
                data[name] = content
        if press:
            data[press] = value
        return self.open("POST", action, data=data)

    def follow(self, page: Page) -> Page:
        """Go where an answer leads."""
        assert page.status in (302, 303), f"{page.status}: {words(page.root)[:600]}"
        return self.get(page.location)

    def sign_in(self, email: str, password: str, *, next_: str = "") -> Page:
        """Sign in through the page of the door."""
        self.get("/login")
        return self.post("/login", {"email": email, "password": password, "next": next_})


def signed_in(house: House, key: str = "", language: str = "kk") -> Browser:
    """Return a browser at ``house``; with ``key`` the account has signed in."""
    found = Browser(house.app, language)
    if key:
        answer = found.sign_in(person(key).email, PASSWORD)
        assert answer.status == 303, answer.status
        found.get("/profile")
    return found
