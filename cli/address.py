"""`mediastreamer address`: networks that an operator enters."""

import json
import sys

import click

from cli.registry_access import Registry, open_registry
from cli.state import State, email_argument, json_option, state_option
from smartdns.contract.addresses import Network

network_argument = click.argument("network", metavar="NETWORK")


@click.group()
def address() -> None:
    """Register and remove addresses by hand.

    NETWORK is an address or ADDRESS/LENGTH. With "-" networks are read from standard input, one
    per line; then they appear neither in the shell's history nor in the list of processes.
    """


def _networks(registry: Registry, text: str) -> list[Network]:
    texts = sys.stdin.read().split() if text == "-" else [text]
    if not texts:
        raise click.UsageError("there is no network on standard input")
    networks = []
    for number, one in enumerate(texts, 1):
        try:
            networks.append(registry.network(one))
        except ValueError as error:
            where = f"standard input, number {number}" if text == "-" else "NETWORK"
            raise click.BadParameter(str(error), param_hint=where) from None
    return networks


@address.command()
@email_argument
@network_argument
@state_option
@click.option("--yes", is_flag=True, help="Accept a network wider than /24 (IPv6: /48).")
def add(state: State, email: str, network: str, *, yes: bool) -> None:
    """Let a network in, an unusual one with a warning; none wider than /8 (IPv6: /19)."""
    from registry.actions.addresses.by_operator import add_network
    from registry.actions.addresses.rules import caution_about
    from registry.actions.find_account import find_account

    with open_registry(state) as registry:
        networks = _networks(registry, network)
        with registry.sessions.begin() as session:
            number = find_account(session, email).id
            added = sum(add_network(session, number, one, insisting=yes) for one in networks)
    for one in networks:
        if (caution := caution_about(one)) is not None:
            click.echo(f"Warning: {caution}.", err=True)
    click.echo(f"{added} added, {len(networks) - added} already there.")


@address.command()
@email_argument
@network_argument
@state_option
def remove(state: State, email: str, network: str) -> None:
    """Remove a network from this account."""
    from registry.actions.addresses.by_operator import remove_network
    from registry.actions.find_account import find_account

    with open_registry(state) as registry:
        networks = _networks(registry, network)
        with registry.sessions.begin() as session:
            number = find_account(session, email).id
            for one in networks:
                remove_network(session, number, one)
    click.echo(f"{len(networks)} removed.")


@address.command("list")
@click.argument("email", metavar="[EMAIL]", required=False)
@state_option
@json_option
def list_(state: State, email: str | None, *, as_json: bool) -> None:
    """List networks and what keeps each up to date; without EMAIL those of all accounts."""
    from sqlalchemy import select

    from registry.actions.find_account import find_account
    from registry.models import Account, Registration, Slot

    query = select(Registration.network, Slot, Account.email).select_from(Registration)
    query = query.join(Slot).join(Account)
    with open_registry(state) as registry, registry.readers() as session:
        if email is not None:
            query = query.where(Account.id == find_account(session, email).id)
        networks = [
            {
                "network": str(network),
                "email": owner,
                "kind": str(slot.kind),
                "slot": slot.number,
                "label": slot.label,
            }
            for network, slot, owner in session.execute(
                query.order_by(Account.email, Slot.id, Registration.family)
            )
        ]
    if as_json:
        click.echo(json.dumps(networks, indent=2))
        return
    for one in networks:
        owner = "" if email is not None else f"{one['email']}  "
        slot = "" if one["slot"] is None else f" {one['slot']}"
        click.echo(f"{owner}{one['network']}  {one['kind']}{slot} {one['label']}".rstrip())
