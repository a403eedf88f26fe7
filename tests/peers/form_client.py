"""A browser without script: follows links, keeps cookies, fills in forms, nothing else."""

import http.client
import ssl
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin, urlsplit


@dataclass
class Form:
    """One form of a page, with the values that it has."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


@dataclass
class Page:
    """A reply."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    path: str

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def forms(self) -> list[Form]:
        """All forms, in order."""
        reader = _FormReader()
        reader.feed(self.text)
        return reader.forms

    def form(self, name: str) -> Form:
        """Find the form by its button's text or by its action."""
        for form in self.forms:
            if name in form.buttons or name == form.action:
                return form
        raise AssertionError(f"no form {name!r} among {[f.buttons for f in self.forms]}")


class FormClient:
    """One visitor, from one address of loopback."""

    def __init__(
        self,
        url: str,
        source: str = "127.0.0.1",
        headers: dict[str, str] | None = None,
        connect_to: tuple[str, int] | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self.url = url
        self.source = source
        self.headers = headers or {}
        self.cookies: dict[str, str] = {}
        self.set_cookies: list[str] = []
        self._connect_to = connect_to
        self._trust = trust

    def get(self, path: str, **headers: str) -> Page:
        """GET and follow redirections."""
        return self._follow(self.request("GET", path, headers=headers))

    def post(self, path: str, values: dict[str, str], **headers: str) -> Page:
        """POST a form and follow the redirection."""
        return self._follow(self.request("POST", path, values, headers))

    def submit(self, form: Form, **values: str) -> Page:
        """Send a form with some values changed."""
        return self.post(form.action, {**form.values, **values})

    def sign_in(self, email: str, password: str) -> Page:
        """Sign in by the form."""
        form = self.get("/sign-in").form("Sign in")
        return self.submit(form, email=email, password=password)

    def request(
        self,
        method: str,
        path: str,
        values: dict[str, str] | str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Page:
        """One request, no redirection followed; a text is a form as it is to be sent."""
        target = urlsplit(urljoin(self.url, path))
        assert target.hostname is not None
        host, port = self._connect_to or (target.hostname, target.port or 80)
        connection = self._connection(target.scheme, host, port)
        sent = {"Host": target.netloc, **self.headers, **(headers or {})}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = None
        if values is not None:
            body = values if isinstance(values, str) else urlencode(values)
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        location = target.path + (f"?{target.query}" if target.query else "")
        connection.request(method, location or "/", body, sent)
        reply = connection.getresponse()
        page = Page(reply.status, reply.headers, reply.read(), path)
        connection.close()
        self._keep(page)
        return page

    def _connection(self, scheme: str, host: str, port: int) -> http.client.HTTPConnection:
        source = None if ":" in host else (self.source, 0)
        if scheme == "https":
            return http.client.HTTPSConnection(
                host, port, timeout=60, source_address=source, context=self._trust
            )
        return http.client.HTTPConnection(host, port, timeout=60, source_address=source)

    def _follow(self, page: Page) -> Page:
        for _ in range(5):
            if page.status not in {301, 302, 303}:
                return page
            page = self.request("GET", urljoin(page.path, page.headers["Location"]))
        raise AssertionError("redirected in a circle")

    def _keep(self, page: Page) -> None:
        for line in page.headers.get_all("Set-Cookie") or []:
            self.set_cookies.append(line)
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or "1970" in morsel["expires"]:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._button: str | None = None
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get"))
            self.forms.append(self._form)
        elif self._form is None:
            return
        elif tag == "input" and given.get("name"):
            if given.get("type") not in {"checkbox", "radio"} or "checked" in given:
                self._form.values[given["name"]] = given.get("value", "")
        elif tag == "select":
            self._select = given["name"]
        elif tag == "option" and self._select is not None:
            if "selected" in given or self._select not in self._form.values:
                self._form.values[self._select] = given.get("value", "")
        elif tag == "button":
            self._button = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None
        elif tag == "button" and self._form is not None and self._button is not None:
            self._form.buttons.append(" ".join(self._button.split()))
            self._button = None

    def handle_data(self, data: str) -> None:
        if self._button is not None:
            self._button += data
