"""The Flask application of all pages, and the WSGI middleware around it."""

import datetime
import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from registry.web.arriving.sender import SenderMiddleware
from registry.web.arriving.sightings import sightings
from registry.web.arriving.throttle import throttle
from registry.web.pages.account import account
from registry.web.pages.check import check, picture_origins
from registry.web.pages.choices import service_title, slot_description
from registry.web.pages.dns_settings import dns_settings
from registry.web.pages.guides import guides
from registry.web.pages.updaters import updaters
from registry.web.refusals import explain
from registry.web.server.error_pages import add_error_pages
from registry.web.server.language import speak_languages
from registry.web.server.security_headers import add_security_headers
from registry.web.server.site import LONGEST_BODY
from registry.web.services import Services
from registry.web.sign_in.configure import configure_sign_in
from registry.web.updates.change_budget import ChangeBudget
from registry.web.updates.endpoints import UpdateEndpoints
from registry.web.updates.link_page import make_link_page
from smartdns.contract.check_names import check_domain

SESSION_DAYS = 30


def make_application(services: Services) -> Flask:
    """Make the application with all pages and protections; the server serves its `wsgi_app`."""
    settings = services.settings
    https = settings.public_url.startswith("https:")
    app = Flask("registry.web")
    app.config.update(_flask_settings(settings.secret_key, https=https))
    app.logger.disabled = True  # it would log the requested path of each error
    services.attach(app)
    add_error_pages(app)
    speak_languages(app)
    CSRFProtect(app)
    configure_sign_in(app, services)
    for pages in (dns_settings, updaters, sightings, check, guides, account):
        app.register_blueprint(pages)
    budget = ChangeBudget()
    app.register_blueprint(make_link_page(budget))
    throttle(app)
    app.url_defaults(_name_by_content(app))
    app.jinja_env.globals.update(
        explain=explain,
        slot_description=slot_description,
        service_title=service_title,
        publishing_waits=services.publishing_waits,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    add_security_headers(
        app, https=https, reachable=reachable(services), pictures=picture_origins(services)
    )
    updates = UpdateEndpoints(
        app.wsgi_app,
        services.rules,
        services.sessions,
        services.readers,
        settings.public_host,
        budget,
    )
    app.wsgi_app = SenderMiddleware(  # type: ignore[method-assign]
        updates,
        settings.public_url,
        own_hosts(services),
        f".{check_domain(settings.public_url)}",
        settings.trusted_proxies,
    )
    return app


def _name_by_content(app: Flask) -> Callable[[str, dict[str, object]], None]:
    """Put a digest of its content into a static file's URL: browsers can cache it for long."""

    @functools.cache
    def digest(name: str) -> str:
        path = Path(app.static_folder or "") / name
        return hashlib.sha256(path.read_bytes()).hexdigest()[:12]

    def add(endpoint: str, values: dict[str, object]) -> None:
        if endpoint == "static":
            values["v"] = digest(str(values["filename"]))

    return add


def own_hosts(services: Services) -> frozenset[str]:
    """Give the host names of the pages."""
    settings = services.settings
    names = (settings.public_host, settings.ipv4_host, settings.ipv6_host)
    return frozenset(name.lower() for name in names if name)


def reachable(services: Services) -> tuple[str, ...]:
    """Give the other origins that the page's script asks: the host names of one family."""
    settings = services.settings
    url = urlsplit(settings.public_url)
    port = f":{url.port}" if url.port else ""
    hosts = [host for host in (settings.ipv4_host, settings.ipv6_host) if host]
    return tuple(f"{url.scheme}://{host}{port}" for host in hosts)


def _flask_settings(secret_key: str, *, https: bool) -> dict[str, object]:
    return {
        "SECRET_KEY": secret_key,
        # Over plain http, as in a household, a browser does not send a Secure cookie.
        "SESSION_COOKIE_NAME": "__Host-session" if https else "session",
        "SESSION_COOKIE_SECURE": https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_PATH": "/",
        "PERMANENT_SESSION_LIFETIME": datetime.timedelta(days=SESSION_DAYS),
        "MAX_CONTENT_LENGTH": LONGEST_BODY,
        "MAX_FORM_MEMORY_SIZE": LONGEST_BODY,
        "SEND_FILE_MAX_AGE_DEFAULT": datetime.timedelta(days=30),
        "WTF_CSRF_TIME_LIMIT": None,  # valid as long as its session
        # It would require a Referer, which our policy `no-referrer` prevents; `error_pages`
        # checks Sec-Fetch-Site instead.
        "WTF_CSRF_SSL_STRICT": False,
        "BABEL_DEFAULT_LOCALE": "en",
        "TRAP_HTTP_EXCEPTIONS": False,
        "PROPAGATE_EXCEPTIONS": False,
    }
