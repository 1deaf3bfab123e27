"""Who is at the door: a visitor's email or a bearer token becomes an actor, and no door stands open by mistake."""

from __future__ import annotations

import hmac
import ipaddress
import json
import secrets
from hashlib import sha256
from typing import Final

from core.domain.access import Actor, Role
from core.domain.errors import Forbidden, InvalidSettings, NotSignedIn
from core.domain.provenance import current_user
from core.domain.settings import EVERYONE, LONGEST_HOLDER, TOKEN_VARIABLE, AccessSettings, Token

TOKEN_MARK: Final = "hpl_"  # noqa: S105 - only its beginning
"""What every token begins with, so that one that strayed into a file is found by a search."""

_TOKEN_BYTES: Final = 32
_UNIX: Final = "unix://"


def local_actor() -> Actor:
    """Whoever runs this process. On a computer of one's own nobody else is there to approve."""
    return Actor(current_user(), Role.APPROVER)


def signed_in(access: AccessSettings, email: object, verified: object = None) -> Actor:
    """The visitor of this email, with the highest role the settings give it.

    Args:
        email: as the identity provider says it. verified: its ``email_verified``; None where it says nothing.

    Raises:
        NotSignedIn: the provider told no email, or one that it has not verified.
    """
    if not isinstance(email, str) or "@" not in email:
        raise NotSignedIn(
            "You signed in, and the identity provider did not tell your email address.",
            remedy="Ask whoever keeps `.streamlit/secrets.toml` to request the scope `email` there.",
        )
    # Some providers let anybody enter any address; unverified, it could be an approver's.
    if verified is not None and str(verified).lower() != "true":
        raise NotSignedIn(
            f"The identity provider has not verified the address {email}.",
            remedy="Verify it there, sign out here, and sign in again.",
        )
    return Actor(email, role_of(access, email))


def role_of(access: AccessSettings, email: str) -> Role:
    """The highest role of whoever signed in with this email; upper and lower case are one."""
    for role, listed in ((Role.APPROVER, access.roles.approver), (Role.TRAINER, access.roles.trainer)):
        if EVERYONE in listed or email.casefold() in {one.casefold() for one in listed}:
            return role
    return Role.VIEWER


def token_holder(access: AccessSettings, token: str, *, remedy: str) -> Actor:
    """Whoever was given this bearer token.

    Args:
        token: what was shown; empty for nothing. remedy: how one is shown at this door.

    Raises:
        NotSignedIn: nothing was shown, or no token of ``access.tokens``. What was shown is in no message.
    """
    if not token:
        raise NotSignedIn("No token was shown.", remedy=remedy)
    shown = token_sha256(token)
    # Every one is compared, and in constant time: how long it takes says nothing about how near a guess came.
    found = [known for known in access.tokens if hmac.compare_digest(known.sha256, shown)]
    if not found:
        raise NotSignedIn("The token that was shown is not one of this lab's.", remedy=remedy)
    return Actor(found[0].name, found[0].role)


def terminal_actor(access: AccessSettings, token: str) -> Actor:
    """Whoever sits at the terminal: this computer's user, or with ``sign_in`` on the holder of the token.

    Raises:
        NotSignedIn: a token is asked for and there is none, or a forged one.
    """
    if not access.sign_in:
        return local_actor()
    remedy = f"Set {TOKEN_VARIABLE} to your token; `python -m core token` makes one for whoever keeps the settings."
    return token_holder(access, token, remedy=remedy)


def token_sha256(token: str) -> str:
    """What config.yaml keeps of a token. Tokens are 256 random bits, so a plain digest of them cannot be guessed."""
    return sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def new_token(name: str, role: Role) -> tuple[str, Token]:
    """A token nobody has seen, and what the settings keep of it.

    Raises:
        InvalidSettings: the name is empty, too long, or more than one plain line.
    """
    if not name.strip() or len(name) > LONGEST_HOLDER or not name.isprintable():
        raise InvalidSettings(
            f"A token needs a name of 1 to {LONGEST_HOLDER} printable characters.", remedy="Name whoever will hold it."
        )
    token = TOKEN_MARK + secrets.token_urlsafe(_TOKEN_BYTES)
    return token, Token(name=name, role=role, sha256=token_sha256(token))


def token_lines(token: Token) -> tuple[str, ...]:
    """What goes under ``access.tokens`` of config.yaml. JSON is YAML, and quotes whatever a name may hold."""
    return (
        f"    - name: {json.dumps(token.name, ensure_ascii=False)}",
        f"      role: {token.role.value}",
        f'      sha256: "{token.sha256}"',
    )


def is_public(host: str | None) -> bool:
    """Whether whoever listens there is reached from other computers; no host at all means every address."""
    if not host:
        return True
    if host == "localhost" or host.startswith(_UNIX):
        return False
    try:
        return not ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return True  # a name, which may be given to any address


def refuse_open_door(access: AccessSettings, host: str | None, *, door: str, key: str | None, where: str) -> None:
    """Nothing, while nobody from outside can come in unasked.

    Args:
        door: who would listen, as a sentence begins: ``The app``.
        key: the setting that makes this door ask; None where it cannot.
        where: what names the address.

    Raises:
        Forbidden: the address is public, the door asks nobody, and ``allow_public`` does not say that this is meant.
    """
    is_guarded = key is not None and bool(getattr(access, key))
    if is_guarded or access.allow_public or not is_public(host):
        return
    guard = f"set access.{key} to true, " if key is not None else ""
    raise Forbidden(
        f"{door} would listen on {host or 'every address'}, and anybody who reaches it could come in.",
        where=where,
        remedy=f"Listen on 127.0.0.1, {guard}or set access.allow_public to true where a proxy asks who comes.",
    )
