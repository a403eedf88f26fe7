"""The relay: from a registered address's connection to the origin that its first octets name.

`session` decides who may go where, `destinations` judges and orders an origin's addresses,
`exits` are the ways out, `deadlines` what must happen by when; these are pure. `tcp` accepts,
`opening_protocol` reads the first octets, `dns` and `connector` find and reach the origin,
`protocol` follows the two connections to their end, `splice` moves the octets, and `epoll` turns
all of it inside the event loop. Nothing is decrypted, kept or logged.
"""
