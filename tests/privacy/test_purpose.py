"""A registered address lets its household in, and is used for nothing else: who reads it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.privacy.readers import all_readers, readers

ROOT = Path(__file__).parents[2]

R, G, M, T = "registered", "grants", "mirror", "every table"

EXPECTED: Mapping[str, tuple[set[str], str]] = {
    # The database's rows
    "registry/models.py": ({R}, "the table itself"),
    "registry/actions/addresses/registrations.py": ({R}, "where what is registered changes"),
    "registry/actions/addresses/registering.py": ({R}, "the household registers its address"),
    "registry/actions/addresses/removing.py": ({R}, "it removes one, or all"),
    "registry/actions/addresses/by_operator.py": ({R}, "an operator types one"),
    "registry/actions/updaters/tokens.py": ({R}, "the household's updater registers one"),
    "registry/actions/updaters/hostnames.py": ({R}, "its DDNS name does"),
    "registry/actions/accounts/importing.py": ({R}, "an operator imports some"),
    "registry/actions/accounts/lifecycle.py": ({R}, "what an account has is published or goes"),
    "registry/following/follower.py": ({R}, "drops claims that the operator forbids"),
    "registry/web/household.py": ({R}, "shows a household its own"),
    "registry/web/arriving/known.py": ({R}, "guesses from the account's own network are apart"),
    "cli/doctor/database.py": ({R}, "names networks that are wider than a household's"),
    "cli/account/reports.py": ({R}, "shows an operator one account"),
    "cli/address.py": ({R}, "shows an operator which account an address belongs to"),
    # Every table
    "registry/actions/accounts/export.py": ({T}, "gives a person everything stored about them"),
    "registry/database/erasure.py": ({T}, "overwrites what was deleted"),
    "registry/backup.py": ({T}, "an operator's backup"),
    "cli/audit/stores.py": ({T, G}, "searches them for what must not be there"),
    # From the database to Redis
    "registry/publishing/grants.py": ({R}, "rows become grants"),
    "registry/publishing/drain.py": ({G}, "publishes what changed"),
    "registry/publishing/rebuild.py": ({G}, "publishes everything"),
    "registry/publishing/reconcile.py": ({G}, "compares Redis with the database"),
    "registry/publishing/inspection.py": ({R, G}, "counts and compares for `allowlist status`"),
    "smartdns/contract/redis_layout.py": ({G}, "how a grant is written"),
    # From Redis into the memory of the data plane
    "smartdns/allowlist/redis_feed.py": ({G}, "reads them"),
    "smartdns/allowlist/grant_table.py": ({G, M}, "holds them"),
    "smartdns/allowlist/mirror.py": ({M}, "holds them and says if they may be believed"),
    "smartdns/allowlist/snapshot.py": ({M}, "builds a new one aside"),
    "smartdns/allowlist/follower.py": ({M}, "keeps it in step"),
    "smartdns/roles/role.py": ({M}, "makes it"),
    "smartdns/roles/resolver_role.py": ({M}, "hands it to the decision"),
    # The decision
    "smartdns/resolver/responder.py": ({M}, "is this query let in, to which region, at what rate"),
    "smartdns/resolver/fast/views.py": ({M}, "which remembered replies hold for this source"),
    "smartdns/resolver/fast/misses.py": ({M}, "at what rate, on the fast path"),
    "smartdns/relay/admission.py": ({M}, "is this connection let in, to which region, and still"),
    # An operator's question about one address
    "smartdns/roles/diagnosis.py": ({M}, "`zones explain --from`: what a worker makes of it"),
    "cli/zones/trace.py": ({G}, "the same: what was published for it"),
}


def test_nobody_else_reads_what_is_registered() -> None:
    """A module that begins to read registrations, grants or the mirror has to be entered above."""
    assert all_readers(ROOT) == {file: kinds for file, (kinds, _) in EXPECTED.items()}


def test_no_counting_and_no_mail_is_among_them() -> None:
    """Neither metrics nor mails nor prices know who is registered."""
    for part in ("telemetry", "mail", "limits", "audit/traffic"):
        assert not [file for file in EXPECTED if part in file]


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("from registry.models import Registration as R", R),
        ("import registry.models as m\nm.Registration.network", R),
        ("getattr(models, 'Registration')", R),
        ("text('SELECT network FROM registration')", R),
        ("[held.network for held in slot.registrations]", R),
        ("from registry.actions.addresses.registrations import networks_of", R),
        ("redis.hgetall(GRANTS)", G),
        ("redis.hgetall('mediastreamer:v1:grants')", G),
        ("redis.subscribe('mediastreamer:v1:changes')", G),
        ("redis_layout.decode_profile(text)", G),
        ("knowledge.allowlist.lookup(address, day)", M),
        ("look = mirror.lookup", M),
        ("mirror.lookup_network(address, day)", M),
        ("made = allowlist.Mirror()", M),
        ("Base.metadata.sorted_tables", T),
    ],
)
def test_a_new_reader_is_found(source: str, kind: str) -> None:
    """Each way to read them that the language has is seen."""
    assert readers(source) == {kind}


def test_what_reads_nothing_is_no_reader() -> None:
    """Networks and texts as such are everywhere, and no sign."""
    assert readers("network = parse_network('8.8.8.8')\nprint(network, 'registration')") == set()
