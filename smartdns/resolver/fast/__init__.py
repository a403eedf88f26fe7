"""The fast path: datagrams answered in batches, by a thread that blocks in recvmmsg(2).

                 the loop's thread                          reactor's thread
    recvmmsg -> memo -> sendmmsg
                 | what the memo does not know
                 +-> refusal of a stranger: the query itself, two octets changed
                 v
              misses: `Responder.decide`, all from memory
                 |  a reply: sent, and kept in the memo
                 v
              `Responder.ask`: the first query upstream  - - ->  its reply, to who asked

Seven words say all of it:

batch    up to 64 datagrams, read and answered by one system call each
memo     a query's octets -> its reply's octets, exactly; one for each socket
view     the part of the memo that everybody with one profile shares
form     the same question with or without an OPT record, and in whatever case
miss     a datagram that the memo does not know, and that must be decided about
refusal  what a stranger gets
rate     how much a network may ask; counted only when somebody may have exceeded it

The plain path (`resolver/datagrams.py`) gives octet for octet the same replies: every test of
datagrams runs over both.
"""
