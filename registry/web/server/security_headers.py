"""Headers of every response that tell the browser what to refuse."""

from collections.abc import Callable, Iterable

from flask import Flask, Response, request

_NOTHING_ELSE = "accelerometer=(), camera=(), geolocation=(), microphone=(), payment=(), usb=()"
_YEAR_S = 31_536_000


def content_security_policy(reachable: Iterable[str] = (), pictures: Iterable[str] = ()) -> str:
    """Allow only our own scripts, styles and pictures, nothing inline, and no framing.

    `reachable`: other origins that the page's script may ask; `pictures`: origins of the check's
    pictures.
    """
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            " ".join(("img-src 'self' data:", *pictures)),
            " ".join(("connect-src 'self'", *reachable)),
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def add_security_headers(
    app: Flask, *, https: bool, reachable: Iterable[str], pictures: Iterable[str]
) -> None:
    """Set the headers on every response of `app`, including errors."""
    headers = {
        "Content-Security-Policy": content_security_policy(reachable, pictures),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": _NOTHING_ELSE,
    }
    if https:
        headers["Strict-Transport-Security"] = f"max-age={_YEAR_S}"

    def add(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        if request.endpoint != "static":
            # A page is for one person and may have changed the next moment.
            response.headers["Cache-Control"] = "no-store"
        return response

    hook: Callable[[Response], Response] = add
    app.after_request(hook)
