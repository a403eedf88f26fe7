"""A router that reports where its home is, with a token of an account."""

import base64
import http.client
from dataclasses import dataclass

from registry.actions.updaters.tokens import issue_token
from tests.registry.web.conftest import Visitor


@dataclass
class Updater:
    """Somebody's router."""

    visitor: Visitor
    token: str

    def get(
        self,
        path: str = "/nic/update?hostname=home.example.com",
        *,
        token: str | None = None,
        source: str | None = None,
        **headers: str,
    ) -> tuple[int, str]:
        """Send one request as it is; give status and text."""
        secret = base64.b64encode(f"anybody:{token or self.token}".encode()).decode()
        sent = {"Authorization": f"Basic {secret}"} if path.find("/u/") < 0 else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection(
            "127.0.0.1",
            self.visitor.server.port,
            timeout=60,
            source_address=(source or self.visitor.address, 0),
        )
        connection.request("GET", path, headers=sent)
        reply = connection.getresponse()
        text = reply.read().decode()
        connection.close()
        return reply.status, text

    @property
    def networks(self) -> list[str]:
        """What the account holds."""
        return self.visitor.networks


def updater_of(visitor: Visitor) -> Updater:
    """Give a visitor's account a token."""
    with visitor.server.sessions.begin() as session:
        token = issue_token(session, visitor.account_id, "router", limit=5).token
    return Updater(visitor, token)
