"""The fast path: datagrams answered in batches, by a thread that blocks in recvmmsg(2).

                 the loop's thread                          reactor's thread
    recvmmsg -> memo -> sendmmsg
                 | queries that the memo does not have
                 +-> refusal of a stranger: the query itself, two octets changed
                 v
              misses: `Responder.decide`, all from memory
                 |  a reply: sent, and kept in the memo
                 v
              `Responder.ask`: the first query upstream  - - ->  its reply, sent to the client

The terms:

batch    up to 64 datagrams, read and answered by one system call each
memo     a query's octets -> its reply's octets, exactly; one for each socket
view     the part of the memo that all clients with one profile share
form     how a question is written: with or without an OPT record, in upper or lower case
miss     a datagram that the memo has no reply for: the responder must decide about it
refusal  the reply to a stranger (an address that is not on the allowlist)
rate     how much a network may ask; counted only when a network may have exceeded it

The plain path (`resolver/datagrams.py`) gives the same replies, octet for octet: every test of
datagrams runs over both paths.
"""
