"""The data plane: it knows addresses and no people, and answers from its own memory.

A query goes in through `resolver`, is read by `wire`, decided by `answering`, and where nobody
knows the answer yet carried on by `upstream`; who may ask is what `allowlist` mirrors.
"""

from smartdns.build import refuse_stale

refuse_stale()
