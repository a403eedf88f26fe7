"""Flask pages and update endpoints, served by Twisted.

`server` puts everything together; `arriving` settles who sends a request; `updates` answers routers
and secret links; `pages` and `sign_in` are what people see.
"""
