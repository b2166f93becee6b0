"""What one may type on the screens of organisations."""

from __future__ import annotations

from wtforms import BooleanField, StringField
from wtforms.validators import DataRequired, InputRequired, Length

from app.accounts.inputs import NAME, phone
from app.web.inputs import Input, mail_address


class UserInput(Input):
    """A new user of the own organisation (IS2IN-9.2)."""

    last_name = StringField(validators=NAME)
    first_name = StringField(validators=NAME)
    patronymic = StringField(validators=[Length(max=100, message="err.format")])
    position = StringField(validators=[DataRequired("err.required"), Length(max=200, message="err.format")])
    email = StringField(
        validators=[
            InputRequired("err.required"),
            Length(max=254, message="err.format"),
            mail_address,
        ]
    )
    phone = StringField(validators=[InputRequired("err.required"), Length(max=20, message="err.format"), phone])
    is_admin = BooleanField()


class PersonInput(Input):
    """What an administrator mends of a person of the own organisation; the address stays."""

    last_name = StringField(validators=NAME)
    first_name = StringField(validators=NAME)
    patronymic = StringField(validators=[Length(max=100, message="err.format")])
    position = StringField(validators=[DataRequired("err.required"), Length(max=200, message="err.format")])
    phone = StringField(validators=[InputRequired("err.required"), Length(max=20, message="err.format"), phone])
