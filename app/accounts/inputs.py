"""What one may type on the screens of accounts."""

from __future__ import annotations

import re

from wtforms import Form, PasswordField, SelectChoice, SelectField, StringField
from wtforms.fields import Field
from wtforms.validators import AnyOf, DataRequired, InputRequired, Length, ValidationError

from app.terms import LANGUAGES
from app.web.inputs import Input, mail_address


class LoginInput(Input):
    """E-mail address and password (IS2IN-4.b)."""

    email = StringField(validators=[InputRequired("err.required"), Length(max=254, message="err.format")])
    password = PasswordField(validators=[InputRequired("err.required"), Length(max=256, message="err.login")])


class RecoveryInput(Input):
    """Whose password is lost."""

    email = StringField(
        validators=[
            InputRequired("err.required"),
            Length(max=254, message="err.format"),
            mail_address,
        ]
    )


SECRET = [InputRequired("err.required"), Length(max=256, message="password.err.too_long")]


class NewPasswordInput(Input):
    """A new password; its rules are judged by the operation."""

    new_password = PasswordField(validators=SECRET)
    repeat_password = PasswordField(validators=SECRET)


class PasswordInput(NewPasswordInput):
    """A new password beside the one that it replaces."""

    current_password = PasswordField(validators=SECRET)


def phone(_form: Form, field: Field) -> None:
    """Accept an empty number or 10 to 15 digits with the usual signs between."""
    digits = re.sub(r"\D", "", field.data or "")
    if field.data and (not re.fullmatch(r"[0-9+()\s\-]+", field.data) or not 10 <= len(digits) <= 15):
        raise ValidationError("field.err.phone")


NAME = [DataRequired("err.required"), Length(max=100, message="err.format")]


class ContactsInput(Input):
    """The user's own contact data (IS2IN-8.2.a)."""

    last_name = StringField(validators=NAME)
    first_name = StringField(validators=NAME)
    patronymic = StringField(validators=[Length(max=100, message="err.format")])
    position = StringField(validators=[Length(max=200, message="err.format")])
    phone = StringField(validators=[Length(max=20, message="err.format"), phone])
    language = SelectField(
        choices=[SelectChoice(code) for code in LANGUAGES],
        validate_choice=False,  # its message would be no term
        validators=[AnyOf(LANGUAGES, message="err.format")],
    )
