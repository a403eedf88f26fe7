"""Where in our code an error was raised; said in logs, which must contain nothing of a request."""

_OURS = ("registry.", "smartdns.", "zones.", "cli.")


def place_of(error: BaseException) -> str:
    """Give module and line of the innermost frame of ours, `registry.web.pages.account:45`.

    The innermost frame of all is usually a library's and says nothing. Never the error's text:
    it may contain an address.
    """
    place = "an unknown place"
    traceback = error.__traceback__
    while traceback is not None:
        module = traceback.tb_frame.f_globals.get("__name__", "")
        if module.startswith(_OURS):
            place = f"{module}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return place
