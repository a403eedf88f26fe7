"""What runs: `up` all of it, `roles` one role, `worker` one process of a role.

`running` looks after roles, `starting` waits until all of them answer, `listening` binds their
sockets, `control` answers on the control socket.
"""
