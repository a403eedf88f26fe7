"""English, Spanish and Arabic: complete, and chosen by the browser or by the visitor."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from registry.actions import errors
from registry.actions.addresses import rules
from registry.following import failure_mail as mail
from registry.languages import LANGUAGES
from registry.models import Account
from smartdns.contract.addresses import AddressKind
from tests.peers.registry_server import PASSWORD
from tests.registry.web.conftest import Visitor

WEB = Path("registry/web")
TRANSLATED = sorted(set(LANGUAGES) - {"en"})


def said() -> set[str]:
    """Everything that the pages and the actions behind them may say."""
    methods = [("**.py", "python"), ("**.html", "jinja2"), ("**.txt", "jinja2")]
    options = {name: {"trim_blocks": "true", "lstrip_blocks": "true"} for name, _ in methods[1:]}
    found = extract_from_dir(
        str(WEB), methods, options, keywords={"_": None, "gettext": None}, strip_comment_tags=True
    )
    texts = {message for _, _, message, _, _ in found if isinstance(message, str) and message}
    refusals = (one for one in vars(errors).values() if isinstance(one, type))
    texts |= {one.message for one in refusals if issubclass(one, errors.ActionRefused)}
    texts |= {*rules.DOUBTFUL.values(), rules.KIND_REFUSED, rules.OWN_REFUSED}
    texts |= {kind.value for kind in AddressKind}
    texts |= {mail.SUBJECT, mail.BODY, mail.BY_HOSTNAME, mail.BY_LABEL, mail.BY_NUMBER}
    return texts | reasons()


def reasons() -> set[str]:
    """Why a host name cannot be followed, as the code says it."""
    files = [*Path("registry/following").rglob("*.py"), *Path("registry/actions").rglob("*.py")]
    return {
        reason
        for file in files
        for reason in re.findall(r'HostnameUnusable\(reason="([^"]+)"\)', file.read_text())
    }


def catalog(language: str) -> Catalog:
    """Read the committed translations."""
    with (WEB / "translations" / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


@pytest.mark.parametrize("language", TRANSLATED)
def test_everything_that_is_said_is_translated(language: str) -> None:
    """Every text has a translation, with the same places to fill, and none is left over."""
    translations = {m.id: m.string for m in catalog(language) if m.id}
    assert said() - set(translations) == set()
    assert set(translations) - said() == set()
    for text, translation in translations.items():
        assert translation, text
        places = [sorted(re.findall(r"%\(\w+\)s", each)) for each in (text, translation)]
        assert places[0] == places[1], text


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_compiled_catalogue_is_the_one_of_its_text(language: str) -> None:
    """messages.mo was made from messages.po as it is."""
    with (WEB / "translations" / language / "LC_MESSAGES" / "messages.mo").open("rb") as file:
        compiled = {m.id: m.string for m in read_mo(file) if m.id}
    assert compiled == {m.id: m.string for m in catalog(language) if m.id}


@pytest.mark.parametrize(
    ("accepts", "language", "direction", "word"),
    [
        ("es-MX,es;q=0.9,en;q=0.8", "es", "ltr", "Iniciar sesión"),
        ("ar-EG", "ar", "rtl", "تسجيل الدخول"),
        ("tlh", "en", "ltr", "Sign in"),
    ],
)
def test_a_page_speaks_the_language_of_the_browser(
    visitor: Visitor, accepts: str, language: str, direction: str, word: str
) -> None:
    """Language, direction and words follow Accept-Language; an unknown one gets English."""
    page = visitor.client(**{"Accept-Language": accepts}).get("/sign-in")
    assert f'<html lang="{language}" dir="{direction}">' in page.text
    assert word in page.text


def test_a_language_is_chosen_and_stays(visitor: Visitor) -> None:
    """The choice outlives the browser's own, and never leads to another site."""
    client = visitor.client()
    form = client.get("/sign-in").form("Español")
    page = client.submit(form, language="es")
    assert page.path == "/sign-in"
    assert 'lang="es"' in page.text
    for elsewhere in (
        "//evil.example/",
        "https://evil.example",
        "/\\evil.example",
        "/\t/evil.example",
    ):
        reply = client.request("POST", form.action, {**form.values, "next": elsewhere})
        assert (reply.status, reply.headers["Location"]) in {(302, "/"), (400, None)}


def test_a_language_is_chosen_on_a_page_that_a_form_led_to(visitor: Visitor) -> None:
    """What cannot be opened by its address is not where the choice leads back to."""
    client, _ = visitor.signed_in()
    held = client.submit(client.get("/account").form("Show it"), password=PASSWORD)
    page = client.submit(held.form("Español"), language="es")
    assert page.status == 200
    assert 'lang="es"' in page.text


def test_refusals_are_said_in_the_visitors_language(visitor: Visitor) -> None:
    """What an action refuses is translated with its parts filled in."""
    client = visitor.client(**{"Accept-Language": "es"})
    form = client.get("/sign-in").forms[0]
    page = client.submit(form, email=visitor.email, password="correct horse battery")
    page = client.submit(page.form("/region"), region="zz")
    assert "Región desconocida «zz»" in page.text


def test_mails_speak_the_language_last_signed_in_with_or_chosen(visitor: Visitor) -> None:
    """The account keeps the language of the browser at sign-in, until another is chosen."""

    def kept() -> str | None:
        with visitor.server.sessions() as session:
            return session.get_one(Account, visitor.account_id).language

    assert kept() is None
    client = visitor.client(**{"Accept-Language": "es"})
    form = client.get("/sign-in").forms[0]
    page = client.submit(form, email=visitor.email, password=PASSWORD)
    assert kept() == "es"
    client.submit(page.form("العربية"), language="ar")
    assert kept() == "ar"
    client.submit(page.form("العربية"), language="tlh")
    assert kept() == "ar"
