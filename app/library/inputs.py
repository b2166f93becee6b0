"""What one may type on the screens of the library."""

from __future__ import annotations

from wtforms import BooleanField, SelectChoice, SelectField, StringField, TextAreaField
from wtforms.validators import AnyOf, DataRequired, Length

from app.library.queries import NORM_KINDS
from app.web.inputs import Input

_TITLE = [DataRequired("err.required"), Length(max=500, message="library.err.words")]
_POSITION = [DataRequired("err.required"), Length(max=300, message="library.err.words")]


class NormInput(Input):
    """A new act."""

    kind = SelectField(
        choices=[SelectChoice(kind, kind) for kind in NORM_KINDS],
        validate_choice=False,
        validators=[AnyOf(NORM_KINDS, message="err.required")],
    )
    title_kk = StringField(validators=_TITLE)
    title_ru = StringField(validators=_TITLE)
    title_en = StringField(validators=_TITLE)
    reference = StringField(validators=[Length(max=200, message="library.err.words")])
    key = StringField(validators=[DataRequired("err.required")])


class EditionInput(Input):
    """A new edition; its files are read from the request."""

    starts_on = StringField(validators=[DataRequired("err.required")])
    is_repeal = BooleanField()
    source = StringField(validators=[Length(max=300, message="library.err.words")])
    note = StringField(validators=[Length(max=500, message="library.err.words")])
    text_kk = TextAreaField()
    text_ru = TextAreaField()
    text_en = TextAreaField()


class InsiderInput(Input):
    """A new entry of the list of insiders."""

    name = StringField(validators=[DataRequired("err.required"), Length(max=200, message="library.err.words")])
    position_kk = StringField(validators=_POSITION)
    position_ru = StringField(validators=_POSITION)
    position_en = StringField(validators=_POSITION)
    since = StringField(validators=[DataRequired("err.required")])
