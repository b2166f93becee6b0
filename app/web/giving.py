"""The one way a file is given out: by its own name, and never opened as a page of this site."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response


def give(content: bytes, name: str, media_type: str, *, inline: bool = False) -> Response:
    """Answer with a file: downloaded, never opened as a page of this site; ``inline`` for PDFs made here.

    The name stands twice (RFC 6266): in ASCII for programs that read no other, and whole (RFC 8187).
    """
    answer = Response(content, mimetype=media_type)
    how = "inline" if inline else "attachment"
    plain = "".join(sign if sign.isascii() and sign.isprintable() and sign not in '"\\%' else "_" for sign in name)
    answer.headers["Content-Disposition"] = f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    answer.headers["Content-Security-Policy"] = (
        "default-src 'none'; frame-ancestors 'self'; plugin-types application/pdf"
        if inline
        else "default-src 'none'; sandbox; frame-ancestors 'none'"
    )
    return answer
