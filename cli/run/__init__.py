"""Running the product: `up` runs everything, `roles` one role, `worker` is one process of a role.

`running` supervises the roles, `starting` waits until all of them answer, `listening` binds their
sockets, and `control` answers on the control socket. `steps` says what a start is doing; `apart`
does something in a process of its own.
"""
