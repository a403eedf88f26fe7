"""The numbers of DNS: IANA's "Domain Name System (DNS) Parameters", sizes and header flags.

Every file of the data plane imports them from here.
"""

from typing import Final

# Response codes; those above 15 need an OPT record in the reply.
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
YXDOMAIN, NOTAUTH = 6, 9
BADVERS = 16
BADCOOKIE = 23
TSIG_BADKEY = 17
"""In a TSIG record (RFC 8945 section 3)."""

OPCODE_QUERY, OPCODE_NOTIFY = 0, 4
CLASS_IN = 1
CLASS_ANY = 255

A, NS, MD, MF, CNAME, SOA, MB, MG, MR, PTR = 1, 2, 3, 4, 5, 6, 7, 8, 9, 12
HINFO, MINFO, MX, TXT, RP, AFSDB = 13, 14, 15, 16, 17, 18
RT, SIG, PX, AAAA, NXT = 21, 24, 26, 28, 30
SRV, NAPTR, KX, DNAME, OPT, DS, RRSIG, NSEC = 33, 35, 36, 39, 41, 43, 46, 47
NSEC3, SVCB, HTTPS, LP = 50, 64, 65, 107
TSIG, IXFR, AXFR, MAILB, MAILA, ANY = 250, 251, 252, 253, 254, 255
FIRST_META_TYPE, LAST_META_TYPE = 128, 255
"""Types that no data can have (RFC 6895 section 3.1)."""

# EDNS options.
OPTION_SUBNET, OPTION_COOKIE, OPTION_KEEPALIVE, OPTION_PADDING, OPTION_ERROR = 8, 10, 11, 12, 15

# Extended DNS errors (RFC 8914 section 4).
EDE_OTHER = 0
EDE_STALE = 3
EDE_FORGED = 4
EDE_NOT_READY = 14
EDE_BLOCKED = 15
EDE_PROHIBITED = 18
EDE_STALE_NXDOMAIN = 19
EDE_NO_REACHABLE_AUTHORITY = 22
EDE_NETWORK_ERROR = 23

# The header's 16 bits of flags (RFC 1035 section 4.1.1, RFC 4035 for AD and CD).
QR: Final = 0x8000
OPCODE: Final = 0x7800
OPCODE_SHIFT: Final = 11
TC: Final = 0x0200
RD: Final = 0x0100
RA: Final = 0x0080
AD: Final = 0x0020
CD: Final = 0x0010
RCODE: Final = 0x000F
# The first octet alone; the masks from RA on are those of the second octet, too.
QR_OCTET, OPCODE_OCTET, TC_OCTET, RD_OCTET = QR >> 8, OPCODE >> 8, TC >> 8, RD >> 8
DO: Final = 0x8000
"""In the last 16 bits of what is a TTL in other records (RFC 6891 section 6.1.3)."""
DO_OCTET = DO >> 8

# Sizes in octets.
HEADER_LENGTH: Final = 12
LONGEST_LABEL: Final = 63
LONGEST_NAME: Final = 255
"""RFC 1035 section 3.1, the root's octet included."""
PAYLOAD_SIZE: Final = 1232
"""What we announce, and send at most over UDP: what no path fragments (DNS flag day 2020)."""
PAYLOAD_SIZE_WITHOUT_EDNS: Final = 512
LARGEST_MESSAGE: Final = 65_535
COOKIE_LENGTHS: Final = frozenset((8, *range(16, 41)))
"""Of the option's data in a query (RFC 7873 section 4)."""
