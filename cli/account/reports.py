"""Commands of `mediastreamer account` that show something; a token is shown only once."""

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import click

from cli.registry_access import open_registry
from cli.state import State, email_argument, json_option, state_option

if TYPE_CHECKING:
    from registry.models import Account, Slot


SIGN_UP_PATH = "/sign-up"


@click.command("list")
@state_option
@json_option
def list_(state: State, *, as_json: bool) -> None:
    """List all accounts."""
    from sqlalchemy import func, select

    from registry.models import Account, Registration, Slot

    networks = (
        select(Slot.account_id, func.count().label("networks"))
        .join(Registration)
        .group_by(Slot.account_id)
        .subquery()
    )
    query = select(Account, networks.c.networks).outerjoin(networks).order_by(Account.email)
    with open_registry(state) as registry, registry.readers() as session:
        accounts = [
            {**_summary(one), "networks": count or 0} for one, count in session.execute(query)
        ]
    if as_json:
        click.echo(json.dumps(accounts, indent=2))
        return
    for one in accounts:
        until = f", until {one['until']}" if one["until"] else ""
        click.echo(f"{one['email']}  {one['state']}{until}, networks: {one['networks']}")


@click.command()
@email_argument
@state_option
@json_option
def show(state: State, email: str, *, as_json: bool) -> None:
    """Show one account."""
    from sqlalchemy import select

    from registry.actions.find_account import find_account
    from registry.models import ServiceRegion

    with open_registry(state) as registry, registry.readers() as session:
        found = find_account(session, email)
        chosen = select(ServiceRegion).where(ServiceRegion.account_id == found.id)
        report: dict[str, Any] = {
            **_summary(found),
            "services": {one.service: one.region for one in session.scalars(chosen)},
            "slots": [_slot_report(slot) for slot in found.slots],
        }
    if as_json:
        click.echo(json.dumps(report, indent=2))
        return
    _print_account(report)


def _print_account(report: dict[str, Any]) -> None:
    services = ", ".join(f"{name}={region}" for name, region in report["services"].items())
    click.echo(f"{report['email']}: {report['state']}")
    click.echo(f"  last day: {report['until'] or 'no end'}")
    click.echo(
        f"  region: {report['region'] or 'first of each service'}; {services or 'no others'}"
    )
    for slot in report["slots"]:
        name = "by operator" if slot["number"] is None else f"{slot['number']} ({slot['kind']})"
        words = " ".join(["slot", name, *filter(None, [slot["label"]])])
        click.echo(f"  {words}: {' '.join(slot['networks']) or 'empty'}")


def _summary(found: "Account") -> dict[str, Any]:
    state = "active" if found.confirmed else "unconfirmed"
    return {
        "email": found.email,
        "state": state if found.active else "suspended",
        "region": found.region,
        "until": found.paid_until.isoformat() if found.paid_until else None,
    }


def _slot_report(slot: "Slot") -> dict[str, Any]:
    return {
        "number": slot.number,
        "kind": str(slot.kind),
        "label": slot.label,
        "hostname": slot.hostname,
        "networks": [str(one.network) for one in slot.registrations],
    }


@click.command()
@email_argument
@state_option
def export(state: State, email: str) -> None:
    """Print everything that is stored about an account, as JSON."""
    from registry.actions.accounts.export import export_account
    from registry.actions.find_account import find_account

    with open_registry(state) as registry, registry.readers() as session:
        click.echo(json.dumps(export_account(session, find_account(session, email).id), indent=2))


@click.command()
@email_argument
@state_option
@json_option
@click.option(
    "--label", default="", metavar="TEXT", help="A name for it, such as that of the router."
)
def token(state: State, email: str, label: str, *, as_json: bool) -> None:
    """Create an update token for a router, and a secret link; they are shown only once."""
    from registry.actions.find_account import find_account
    from registry.actions.updaters.tokens import issue_token

    with open_registry(state) as registry, registry.sessions.begin() as session:
        number = find_account(session, email).id
        issued = issue_token(session, number, label, limit=registry.settings.slot_limit)
    report = {
        "username": issued.username,
        "token": issued.token,
        "link": issued.link(registry.settings.public_url),
        "router_link": issued.router_link(registry.settings.public_url),
    }
    if as_json:
        click.echo(json.dumps(report, indent=2))
        return
    click.echo(f"User name: {report['username']}")
    click.echo(f"Password:  {report['token']}")
    click.echo(f"Link for people, with a button:     {report['link']}")
    click.echo(f"Link for routers, without a button: {report['router_link']}")
    click.echo("This is shown only once. It can only register addresses.")


@click.command()
@email_argument
@state_option
def invite(state: State, email: str) -> None:
    """Print a link with which only EMAIL can sign up, within two weeks."""
    from registry.actions.accounts.adding import normal_email
    from registry.settings import SignUp
    from registry.web.sign_in.invitation import make_invitation

    with open_registry(state) as registry:
        settings = registry.settings
        if not state.configuration().texts.get("secret_key"):
            raise click.ClickException(
                "there is no secret key here: run this where MEDIASTREAMER_SECRET_KEY is set"
            )
        if settings.sign_up is SignUp.CLOSED or settings.mail_url is None:
            raise click.ClickException(
                "nobody can sign up: set MEDIASTREAMER_SIGN_UP to invitation, and set MAIL_URL"
            )
        query = urlencode({"invitation": make_invitation(settings.secret_key, normal_email(email))})
    click.echo(f"{settings.public_url}{SIGN_UP_PATH}?{query}")
