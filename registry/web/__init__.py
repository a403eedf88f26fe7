"""Flask pages and update endpoints, served by Twisted.

`server` is the application and the HTTP server; `arriving` determines who sent a request;
`updates` answers routers and secret links; `pages` and `sign_in` are for people.
"""
