"""Whether a request comes from where an account's owner is: a known browser or network."""

from sqlalchemy import select

from registry.models import Account, Registration, Slot, SlotKind
from registry.web.arriving.sender import sender
from registry.web.services import services
from registry.web.sign_in.known_browsers import known_browser
from smartdns.contract.addresses import household_network


def known_as(email: str) -> str | None:
    """Give under which name this request is counted for the account, apart from strangers'.

    A browser that has signed in to it counts for itself; otherwise the network, if the account
    has registered it. A followed host name proves nothing, so its network does not count. None:
    a stranger. The look-ups are the same whether or not there is such an account.
    """
    query = select(Account.id).where(Account.email == email.strip().lower())
    with services().readers() as reading:
        account_id = reading.scalar(query)
        networks = reading.scalars(
            select(Registration.network)
            .join(Slot)
            .where(Slot.account_id == (account_id or 0), Slot.kind != SlotKind.HOSTNAME)
        ).all()
    browser = known_browser(account_id or 0)
    if browser is not None:
        return f"browser {browser}"
    address = sender()
    if any(address in network for network in networks if network.version == address.version):
        return f"network {household_network(address)}"
    return None
