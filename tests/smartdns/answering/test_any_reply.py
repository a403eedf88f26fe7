"""Whatever an upstream says: what is believed of it, and what becomes of it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from smartdns.answering.concluding import conclude, recall
from smartdns.answering.names import name_of
from smartdns.answering.plan import Forward, Record, Reply
from smartdns.answering.query import Question
from smartdns.answering.replies.rebinding import without_private
from smartdns.answering.replies.sanitize import LONGEST_CHAIN, _sanitize_any, sanitize
from smartdns.wire.queries import parse_query
from smartdns.wire.replies import render_reply
from tests.profiles import examples
from tests.smartdns.made import NOERROR, NOW, NXDOMAIN, SERVFAIL, knowledge, said, soa_record
from tests.smartdns.wire.malformed import header
from tests.smartdns.wire.strategies import data_by_type

# Few names, so that they point at each other.
few = st.sampled_from((*(f"{a}.example.com" for a in "abcdef"), "example.com")).map(name_of)
targets = few | few.map(lambda name: name.upper().replace(b"\x07EXAMPLE", b"\x07example"))
kinds = st.sampled_from((1, 5, 39, 28, 65, 46, 16))
signed = st.builds(
    lambda kind, name: kind.to_bytes(2) + bytes(16) + name + b"signature", kinds, few
)


def _data(kind: int) -> st.SearchStrategy[bytes]:
    if kind in {5, 39}:
        return targets
    if kind == 46:
        return signed
    return st.binary(min_size=3, max_size=40) if kind == 65 else data_by_type[kind]


records = kinds.flatmap(
    lambda kind: st.builds(
        Record, few, st.just(kind), st.sampled_from((1, 1, 1, 3)), st.integers(0, 2**32 - 1),
        _data(kind),
    )
)  # fmt: skip
soas = st.sampled_from(("example.com", "a.example.com", "example.net")).map(soa_record)
answers = st.lists(records, max_size=12).map(tuple)
authorities = st.lists(records | soas, max_size=4).map(tuple)
rcodes = st.sampled_from((NOERROR, NOERROR, NXDOMAIN, SERVFAIL, 6))


@given(few, kinds | st.just(255), answers, authorities, rcodes, st.booleans())
@settings(max_examples=examples(150))
def test_what_is_believed_answers_the_question(
    name: bytes, kind: int, answer: tuple[Record, ...], authority: tuple[Record, ...], rcode: int,
    dnssec_ok: bool,
) -> None:  # fmt: skip
    """A chain from the question's name, of the question's class, each set with one TTL."""
    asked = Question(name, kind, 1)  # type: ignore[arg-type]
    reply = said(asked, *answer, rcode=rcode, authority=authority)
    heard = sanitize(asked, reply, dnssec_ok=dnssec_ok)
    if heard is None:
        return
    reachable = {name}
    for _ in range(LONGEST_CHAIN + 1):
        reachable |= {r.data.lower() for r in heard.answer if r.type == 5 and r.name in reachable}
    for each in heard.answer:
        assert each.klass == 1
        assert each.name in reachable or each.type in {39, 46}
        assert dnssec_ok or each.type != 46 or kind in {46, 255}
        assert each.ttl <= 86_400
    sets = {(r.name, r.type): r.ttl for r in heard.answer if r.type != 46}
    assert all(sets[r.name, r.type] == r.ttl for r in heard.answer if r.type != 46)
    assert heard.ttl <= min((r.ttl for r in heard.answer + heard.authority), default=0)
    assert not heard.denies_name or (heard.rcode, heard.answer) == (NXDOMAIN, ())


@given(
    few,
    kinds | st.just(6),
    st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2)), min_size=1, max_size=5),
    authorities,
    st.booleans(),
)
def test_one_set_is_taken_as_any_answer_is(
    name: bytes,
    kind: int,
    records: list[tuple[int, int]],
    authority: tuple[Record, ...],
    dnssec_ok: bool,
) -> None:
    """The first branch, for what was asked and nothing else, gives what the general one does."""
    asked = Question(name, kind, 1)  # type: ignore[arg-type]
    answer = [Record(asked.name, kind, 1, ttl, bytes((0, kind, n))) for ttl, n in records]
    reply = said(asked, *answer, authority=authority, authentic_data=dnssec_ok)
    taken = sanitize(asked, reply, dnssec_ok=dnssec_ok)
    assert taken == _sanitize_any(asked, reply, dnssec_ok=dnssec_ok)
    assert taken is not None
    assert all(isinstance(record, Record) for record in taken.answer)


@given(few, kinds, answers, authorities, rcodes, st.booleans())
@settings(max_examples=examples(150))
def test_what_is_concluded_can_be_sent_and_recalled(
    name: bytes, kind: int, answer: tuple[Record, ...], authority: tuple[Record, ...], rcode: int,
    dnssec_ok: bool,
) -> None:  # fmt: skip
    """The reply renders; from memory it is the same, a second older."""
    known = knowledge()
    question = Question(name, kind, 1)  # type: ignore[arg-type]
    asked = Forward(question, dnssec_ok, checking_disabled=False)
    reply = conclude(asked, said(question, *answer, rcode=rcode, authority=authority), known, NOW)
    query = parse_query(header() + name + kind.to_bytes(2) + b"\0\1")
    assert len(render_reply(query, reply, limit=512)) <= 512  # type: ignore[arg-type]
    again = recall(asked, known, NOW + 1)
    if isinstance(again, Reply) and again.valid_until:
        assert again.rcode == reply.rcode
        assert [(r.name, r.type, r.data, r.ttl + 1) for r in again.answer] == [
            (r.name, r.type, r.data, r.ttl) for r in reply.answer
        ]


@given(st.binary(max_size=60), st.sampled_from((64, 65)))
def test_service_hints_are_read_whatever_they_are(data: bytes, kind: int) -> None:
    """No octets of an HTTPS record make the filter stumble."""
    asked = Question(name_of("a.example.com"), kind, 1)
    record = Record(asked.name, kind, 1, 300, b"\0\1\0" + data)
    heard = sanitize(asked, said(asked, record), dnssec_ok=False)
    assert heard is not None
    assert without_private(heard, asked.name).rcode == NOERROR
