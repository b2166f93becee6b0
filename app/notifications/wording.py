"""What a mail says: sections of sentences in one language, as plain text and as simple HTML.

A mail is kept as ``content``: ``{"sections": [{"title", "sentences", "facts", "link", "url"}], "foot": [[words,
url]]}``, all words already said in the mail's language.  Both texts are made from it, so that they never differ, and a
second sentence for the same thing is one more line, not one more mail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

Content = Mapping[str, Any]


def section(
    sentences: Sequence[str],
    *,
    title: str = "",
    facts: Sequence[tuple[str, str]] = (),
    link: str = "",
    url: str = "",
) -> dict[str, Any]:
    """Return one section: sentences, pairs of label and value, and a link with the words before it."""
    pairs = [list(pair) for pair in facts]
    return {"title": title, "sentences": list(sentences), "facts": pairs, "link": link, "url": url}


def with_sentence(content: Content, sentence: str) -> dict[str, Any]:
    """Return the content of a mail of one section with one more sentence; one that it says already is not repeated."""
    first, *rest = content["sections"]
    said = first["sentences"]
    return {**content, "sections": [{**first, "sentences": said if sentence in said else [*said, sentence]}, *rest]}


def text(content: Content) -> str:
    """Return the mail as plain text."""
    blocks: list[str] = []
    for part in content["sections"]:
        blocks.append("\n".join([*([part["title"]] if part["title"] else []), *part["sentences"]]))
        if part["facts"]:
            blocks.append("\n".join(f"{label}: {value}" for label, value in part["facts"]))
        if part["url"]:
            blocks.append("\n".join([*([part["link"]] if part["link"] else []), part["url"]]))
    blocks += ["\n".join([words, url]) if url else words for words, url in content["foot"]]
    return "\n\n".join(blocks)


_PAGE = (
    '<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{title}</title></head>'
    '<body style="margin:0;padding:24px;font:16px/1.5 sans-serif;color:#1b2733;background:#ffffff">'
    '<div style="max-width:600px">{body}</div></body></html>'
)
_QUIET = "margin:0 0 8px;font-size:14px;color:#51606e"


def html(content: Content, *, title: str, language: str) -> str:
    """Return the mail as one HTML page without images, scripts or anything from elsewhere."""
    parts: list[str] = []
    for part in content["sections"]:
        if part["title"]:
            parts.append(f'<h2 style="margin:24px 0 8px;font-size:18px">{escape(part["title"])}</h2>')
        parts += [f'<p style="margin:0 0 12px">{_lines(sentence)}</p>' for sentence in part["sentences"]]
        if part["facts"]:
            rows = "".join(
                f'<tr><th align="left" valign="top" style="padding:2px 16px 2px 0;font-weight:normal;color:#51606e">'
                f"{escape(label)}</th><td>{_lines(value)}</td></tr>"
                for label, value in part["facts"]
            )
            parts.append(f'<table role="presentation" style="margin:0 0 12px;border-spacing:0">{rows}</table>')
        if part["url"]:
            parts.append(f'<p style="margin:0 0 16px">{escape(part["link"])}<br>{_link(part["url"])}</p>')
    parts.append('<hr style="border:0;border-top:1px solid #d5dce3;margin:24px 0 12px">')
    parts += [
        f'<p style="{_QUIET}">{_lines(words)}{f"<br>{_link(url)}" if url else ""}</p>' for words, url in content["foot"]
    ]
    return _PAGE.format(language=escape(language), title=escape(title), body="".join(parts))


def _lines(words: str) -> str:
    return escape(words).replace("\n", "<br>")


def _link(url: str) -> str:
    return f'<a href="{escape(url)}" style="color:#0b5cad">{escape(url)}</a>'
