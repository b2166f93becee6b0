"""The page «Құқықтар кестесі», and the same as a file."""

from __future__ import annotations

import csv
import io

from flask import Blueprint, Flask, current_app, render_template
from werkzeug.wrappers import Response

from app.permissions import Permission
from app.rights import matrix
from app.web.access import allowed
from app.web.templating import word

blueprint = Blueprint("rights", __name__, url_prefix="/rights")


def register(app: Flask) -> None:
    """Give ``app`` the page."""
    app.register_blueprint(blueprint)


@blueprint.get("")
@allowed(Permission.VIEW_RIGHTS)
def index() -> str:
    rows = matrix.rows(current_app)
    count = sum(1 for _ in matrix.addresses(current_app))
    sides = (("rights.clients", matrix.CLIENT_ROLES), ("rights.staff", matrix.STAFF_ROLES))
    return render_template("rights/matrix.html", rows=rows, sides=sides, count=count)


@blueprint.get("/table.csv")
@allowed(Permission.VIEW_RIGHTS)
def file() -> Response:
    """Answer with a line an address: what it asks, and for each role whether it opens."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow(["method", "address", "permission", *(role.value for role in matrix.COLUMNS)])
    carriers = {row.permission: row.roles for row in matrix.rows(current_app)}
    for address, permissions in matrix.addresses(current_app):
        opens = frozenset().union(*(carriers[each] for each in permissions))
        asked = "|".join(each.value for each in permissions)
        lines.writerow(
            [address.method, address.rule, asked, *("1" if role in opens else "" for role in matrix.COLUMNS)]
        )
    answer = Response(text.getvalue().encode(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{word("rights.file")}.csv"'
    return answer
