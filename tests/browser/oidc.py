"""A small OpenID Connect provider on this computer: discovery, consent without asking, RS256 tokens, sign-out.

It says that everybody is whoever :attr:`Provider.claims` tells, which is what a test changes between two visits.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT_ID = "housing-price-lab"
CLIENT_SECRET = "told to nobody"  # noqa: S105 - of the provider above
TOKEN_SECONDS = 300


@dataclass(slots=True)
class Provider:
    """A provider that answers. ``claims`` is what it says of the next person who signs in."""

    issuer: str
    claims: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, auto_kid=True))
    granted: dict[str, dict[str, Any]] = field(default_factory=dict)
    signed_out: int = 0

    def secrets_file(self, folder: Path) -> Path:
        """A secrets.toml whose ``[auth]`` names this provider, as the README has it."""
        file = folder / "secrets.toml"
        file.write_text(
            "[auth]\n"
            'redirect_uri = "http://127.0.0.1:{port}/oauth2callback"\n'
            f'cookie_secret = "{secrets.token_urlsafe(32)}"\n'
            f'client_id = "{CLIENT_ID}"\n'
            f'client_secret = "{CLIENT_SECRET}"\n'
            f'server_metadata_url = "{self.issuer}/.well-known/openid-configuration"\n',
            encoding="utf-8",
        )
        return file

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "end_session_endpoint": f"{self.issuer}/end",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def grant(self, asked: dict[str, str]) -> str:
        """Where the browser goes on to, with a code."""
        code = secrets.token_urlsafe(16)
        self.granted[code] = {"nonce": asked.get("nonce"), **self.claims}
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, code: str) -> dict[str, Any]:
        """The answer to a code, which is good once."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": "1",
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            **self.granted.pop(code),
        }
        signed = jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)
        return {"access_token": "x", "token_type": "Bearer", "expires_in": TOKEN_SECONDS, "id_token": signed}


@contextmanager
def running_provider() -> Iterator[Provider]:
    """The provider on a free port until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    provider = Provider(f"http://127.0.0.1:{server.server_address[1]}")
    server.RequestHandlerClass = _handler(provider)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(address.query).items()}
            match address.path:
                case "/.well-known/openid-configuration":
                    self._json(provider.discovery())
                case "/keys":
                    self._json(KeySet([provider.key]).as_dict(private=False))
                case "/authorize":
                    self._go(provider.grant(asked))
                case "/end":
                    provider.signed_out += 1
                    self._go(asked["post_logout_redirect_uri"])
                case _:
                    self.send_error(HTTPStatus.NOT_FOUND)

        def do_POST(self) -> None:
            body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self._json(provider.token(body["code"][0]))

        def _json(self, document: Any) -> None:
            content = json.dumps(document).encode()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _go(self, address: str) -> None:
            self.send_response(HTTPStatus.FOUND)
            self.send_header("Location", address)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """A test's output is its own."""

    return Handler
