"""The text of an action's refusal, in the visitor's language."""

from flask_babel import gettext as _

from registry.actions.errors import ActionRefused, AddressRefused
from smartdns.contract.addresses import AddressKind

__all__ = ["explain"]


def explain(refusal: ActionRefused) -> str:
    """Translate the refusal's message, then fill in its parameters."""
    parameters = dict(refusal.parameters)
    if isinstance(refusal, AddressRefused) and "kind" in parameters:
        parameters["kind"] = kind_name(AddressKind(parameters["kind"]))
    if "reason" in parameters:
        parameters["reason"] = str(_(str(parameters["reason"])))
    return str(_(refusal.message)) % parameters if parameters else str(_(refusal.message))


def kind_name(kind: AddressKind) -> str:
    """Give the kind of an address in the visitor's language."""
    return str(_(kind.value))
