"""Following DDNS host names: each is looked up every five minutes.

A name claims an address for a home, but proves nothing. `hostnames` says which names can be
followed, `lookup` asks the name servers, `follower` is the service. `actions.updaters.claims`
decides what an answer means.
"""
