"""What is kept of people with an account, and of how they get in."""

from app.accounts.models.access import (
    AddressBlock,
    AgreementAcceptance,
    Authenticator,
    Block,
    BlockRequest,
    DeclaredAddress,
    FormerPassword,
    LoginSession,
    OneTimeLink,
    RecoveryCode,
    RecoveryRequest,
    SignInAttempt,
    SignInCounter,
    UsedChallenge,
)
from app.accounts.models.factors import AccountQuestion, AuthenticatorReset, DeviceRequest, MailCode
from app.accounts.models.people import Substitution, User

__all__ = [
    "AccountQuestion",
    "AddressBlock",
    "AgreementAcceptance",
    "Authenticator",
    "AuthenticatorReset",
    "Block",
    "BlockRequest",
    "DeclaredAddress",
    "DeviceRequest",
    "FormerPassword",
    "LoginSession",
    "MailCode",
    "OneTimeLink",
    "RecoveryCode",
    "RecoveryRequest",
    "SignInAttempt",
    "SignInCounter",
    "Substitution",
    "UsedChallenge",
    "User",
]
