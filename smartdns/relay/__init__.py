"""The relay: from a registered address's connection to the origin that its first octets name.

`session` decides who may go where, `destinations` judges and orders an origin's addresses,
`exits` are the ways out; these are pure. `tcp` accepts, `protocol` follows a connection from its
first octet to its last, `dns` and `connector` find and reach the origin, `splice` moves the
octets, `epoll` turns all of it inside Twisted's reactor. Nothing is decrypted, kept or logged.
"""
