"""Commands of `mediastreamer account` that change an account."""

import datetime
import sys

import click

from cli.account.completion import complete_region, complete_service
from cli.registry_access import Registry, open_registry
from cli.state import State, email_argument, state_option


class Day(click.ParamType[datetime.date | None]):
    """A UTC day, or `never` for no end."""

    name = "YYYY-MM-DD"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime.date | None:
        """Read the day; None: no end."""
        if value is None or value == "never":
            return None
        try:
            return datetime.date.fromisoformat(str(value))
        except ValueError:
            self.fail("takes a day as YYYY-MM-DD, or never", param, ctx)


def _number(registry: Registry, email: str) -> int:
    from registry.actions.find_account import find_account

    with registry.readers() as session:
        return find_account(session, email).id


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        try:  # pages send UTF-8, so the locale does not matter
            return sys.stdin.buffer.readline().decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise click.ClickException("the password is not UTF-8: encode it as UTF-8") from None
    if not sys.stdin.isatty():
        raise click.UsageError("there is no terminal for the password: give --password-stdin")
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return typed


password_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, one line."
)


@click.command()
@email_argument
@state_option
@password_option
@click.option(
    "--region",
    metavar="R",
    shell_complete=complete_region,
    help="Default region [default: the first region of each service].",
)
@click.option("--until", type=Day(), help="Last UTC day on which it is let in [default: no end].")
def add(
    state: State,
    email: str,
    *,
    password_stdin: bool,
    region: str | None,
    until: datetime.date | None,
) -> None:
    """Add an account."""
    from registry.actions.accounts.adding import add_account

    with open_registry(state) as registry:
        password = _password(from_stdin=password_stdin)
        with registry.sessions.begin() as session:
            add_account(
                session,
                email,
                password,
                catalog=registry.catalog,
                region=region,
                paid_until=until,
            )
    click.echo(f"Added {email}.")


@click.command()
@email_argument
@state_option
@password_option
def password(state: State, email: str, *, password_stdin: bool) -> None:
    """Set a password, and sign out every browser."""
    from registry.actions.sign_in import set_password

    with open_registry(state) as registry:
        number = _number(registry, email)
        typed = _password(from_stdin=password_stdin)
        with registry.sessions.begin() as session:
            set_password(session, number, typed)
    click.echo(f"The password of {email} is set.")


@click.command("set")
@email_argument
@state_option
@click.option(
    "--region", metavar="R", shell_complete=complete_region, help="Default region, or none."
)
@click.option(
    "--service",
    "services",
    metavar="NAME=R",
    multiple=True,
    shell_complete=complete_service,
    help="Region for one service, off or default; can be repeated.",
)
@click.option("--until", type=Day(), help="Last UTC day on which it is let in, or never.")
def set_(
    state: State,
    email: str,
    region: str | None,
    services: tuple[str, ...],
    until: datetime.date | None,
) -> None:
    """Set the default region, regions of services, and the last day."""
    from registry.actions.accounts.lifecycle import set_paid_until
    from registry.actions.find_account import find_account
    from registry.actions.preferences import choose_service_region, set_region

    given = click.get_current_context().get_parameter_source("until")
    has_day = given is not click.core.ParameterSource.DEFAULT
    if region is None and not services and not has_day:
        raise click.UsageError("there is nothing to set: give --region, --service or --until")
    choices = [_choice(text) for text in services]
    with open_registry(state) as registry, registry.sessions.begin() as session:
        number = find_account(session, email).id
        if region is not None:
            set_region(
                session, number, None if region == "none" else region, catalog=registry.catalog
            )
        for service, chosen in choices:
            choose_service_region(session, number, service, chosen, catalog=registry.catalog)
        if has_day:
            set_paid_until(session, number, until)
    click.echo(f"Set for {email}; it takes effect within a second.")


def _choice(text: str) -> tuple[str, str | None]:
    service, equals, region = text.partition("=")
    if not service or not equals or not region:
        raise click.BadParameter("takes NAME=R, NAME=off or NAME=default", param_hint="--service")
    return service, None if region == "default" else region.lower()


@click.command()
@email_argument
@state_option
def suspend(state: State, email: str) -> None:
    """Suspend an account: it is not let in, but nothing is deleted."""
    from registry.actions.accounts.lifecycle import suspend_account
    from registry.actions.find_account import find_account

    with open_registry(state) as registry, registry.sessions.begin() as session:
        suspend_account(session, find_account(session, email).id)
    click.echo(f"{email} is suspended.")


@click.command()
@email_argument
@state_option
def resume(state: State, email: str) -> None:
    """Undo a suspension."""
    from registry.actions.accounts.lifecycle import resume_account
    from registry.actions.find_account import find_account

    with open_registry(state) as registry, registry.sessions.begin() as session:
        resume_account(session, find_account(session, email).id)
    click.echo(f"{email} is let in again.")


@click.command()
@email_argument
@state_option
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def delete(state: State, email: str, *, yes: bool) -> None:
    """Delete an account and everything that is stored about it."""
    from registry.actions.accounts.lifecycle import delete_account
    from registry.database.erasure import overwrite_deleted

    if not yes and not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to confirm the deletion: give --yes")
    with open_registry(state) as registry:
        number = _number(registry, email)
        if not yes:
            click.confirm(
                f"Delete {email} and everything that is stored about it?", abort=True, err=True
            )
        with registry.sessions.begin() as session:
            delete_account(session, number)
        if not overwrite_deleted(registry.engine):
            click.echo("The database's log is in use; the registry empties it soon.", err=True)
    click.echo(f"Deleted {email}.")
