"""The numbers of DNS: IANA's "Domain Name System (DNS) Parameters", sizes and header flags.

Every file of the data plane imports them from here.
"""

from typing import Final

# Response codes; those above 15 need an OPT record in the reply.
NOERROR: Final = 0
FORMERR: Final = 1
SERVFAIL: Final = 2
NXDOMAIN: Final = 3
NOTIMP: Final = 4
REFUSED: Final = 5
YXDOMAIN: Final = 6
NOTAUTH: Final = 9
BADVERS: Final = 16
BADCOOKIE: Final = 23
TSIG_BADKEY: Final = 17
"""In a TSIG record (RFC 8945 section 3)."""

OPCODE_QUERY: Final = 0
OPCODE_NOTIFY: Final = 4
CLASS_IN: Final = 1
CLASS_ANY: Final = 255

# Types.
A: Final = 1
NS: Final = 2
MD: Final = 3
MF: Final = 4
CNAME: Final = 5
SOA: Final = 6
MB: Final = 7
MG: Final = 8
MR: Final = 9
PTR: Final = 12
HINFO: Final = 13
MINFO: Final = 14
MX: Final = 15
TXT: Final = 16
RP: Final = 17
AFSDB: Final = 18
RT: Final = 21
SIG: Final = 24
PX: Final = 26
AAAA: Final = 28
NXT: Final = 30
SRV: Final = 33
NAPTR: Final = 35
KX: Final = 36
DNAME: Final = 39
OPT: Final = 41
DS: Final = 43
RRSIG: Final = 46
NSEC: Final = 47
NSEC3: Final = 50
SVCB: Final = 64
HTTPS: Final = 65
LP: Final = 107
TSIG: Final = 250
IXFR: Final = 251
AXFR: Final = 252
MAILB: Final = 253
MAILA: Final = 254
ANY: Final = 255
FIRST_META_TYPE: Final = 128
LAST_META_TYPE: Final = 255
"""Types that no data can have (RFC 6895 section 3.1)."""

# EDNS options.
OPTION_SUBNET: Final = 8
OPTION_COOKIE: Final = 10
OPTION_KEEPALIVE: Final = 11
OPTION_PADDING: Final = 12
OPTION_ERROR: Final = 15

# Extended DNS errors (RFC 8914 section 4).
EDE_OTHER: Final = 0
EDE_STALE: Final = 3
EDE_FORGED: Final = 4
EDE_NOT_READY: Final = 14
EDE_BLOCKED: Final = 15
EDE_PROHIBITED: Final = 18
EDE_STALE_NXDOMAIN: Final = 19
EDE_NO_REACHABLE_AUTHORITY: Final = 22
EDE_NETWORK_ERROR: Final = 23

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
QR_OCTET: Final = QR >> 8
OPCODE_OCTET: Final = OPCODE >> 8
TC_OCTET: Final = TC >> 8
RD_OCTET: Final = RD >> 8
DO: Final = 0x8000
"""In the last 16 bits of what is a TTL in other records (RFC 6891 section 6.1.3)."""
DO_OCTET: Final = DO >> 8

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
