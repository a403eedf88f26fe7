"""Suffixes that nobody owns alone: top-level domains, registries' domains, shared CDNs."""

from zones.names import split_labels

_SECOND_LEVELS = frozenset({b"ac", b"co", b"com", b"edu", b"gov", b"net", b"org"})
"""Under a country's domain these belong to its registry as a rule: co.uk, com.au, net.br."""

_REGISTRIES = frozenset(
    """
    ltd.uk me.uk nhs.uk plc.uk sch.uk ad.jp ed.jp go.jp gr.jp lg.jp ne.jp or.jp asn.au id.au
    geek.nz gen.nz iwi.nz maori.nz school.nz ind.in firm.in gen.in nic.in res.in go.kr ne.kr or.kr
    pe.kr re.kr or.at gv.at go.id or.id web.id go.th in.th or.th idv.tw idv.hk name.my art.br
    blog.br tv.br gob.mx gob.ar gob.cl web.za law.za gov.in gen.tr web.tr tv.tr uk.com us.com
    eu.com de.com eu.org asso.fr gouv.fr nom.es gob.es
    """.split()  # noqa: SIM905 - read as a table
)

_SHARED = frozenset(
    """
    akadns.net akamai.net akamaiedge.net akamaihd.net akamaized.net amazonaws.com azureedge.net
    blob.core.windows.net c.footprint.net cdn.hinet.net core.windows.net global.ssl.fastly.net
    map.fastly.net ssl.fastly.net ssl.hwcdn.net
    azurefd.net azurewebsites.net b-cdn.net cachefly.net cdn77.org cloudapp.net cloudflare.net
    cloudfront.net conviva.com edgecastcdn.net edgekey.net edgesuite.net fastly.net fastlylb.net
    firebaseapp.com footprint.net github.io googleapis.com googleusercontent.com gstatic.com
    herokuapp.com hwcdn.net level3.net limelight.com llnwd.net llnwi.net netlify.app nsatc.net
    omtrdc.net onetrust.com pages.dev rackcdn.com s3.amazonaws.com sentry.io trafficmanager.net
    uplynk.com vercel.app windows.net workers.dev akamaiorigin.net cdnetworks.net gccdn.net
    """.split()  # noqa: SIM905 - read as a table
)


def why_too_wide(wire: bytes) -> str | None:
    """Say why all below this name cannot belong to one service; None when it can."""
    labels = split_labels(wire)
    if len(labels) == 1:
        return "is a whole top-level domain; write the names below it that the service uses"
    text = b".".join(labels).decode("ascii")
    country = len(labels) == 2 and len(labels[1]) == 2
    if text in _REGISTRIES or (country and labels[0] in _SECOND_LEVELS):
        return "is a public suffix, not one owner's; write the names below it that the service uses"
    if text in _SHARED:
        return "is shared by many owners; write the service's own names below it"
    return None
