"""The relay: from a registered address's connection to the origin that its first octets name.

Pure: `connection` is the life of one connection, as a state machine with its table; `admission`
says who is let in, to where, and how many; `egress` how a region's origins are reached;
`deadlines` what is due when. With sockets: `listener` accepts, `transport` has the sockets of one
connection and does what its state machine says, `connector` reaches origins by the addresses that
`origins` knows, `splice` moves octets, `epoll` brings events, `service` starts and stops all of
it. Nothing is decrypted, kept or logged.
"""
