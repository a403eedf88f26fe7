"""DDNS host names, looked up every five minutes: claims of where a home is, not proofs.

`hostnames` says which names may be followed, without any look-up; `lookup` asks the name servers;
`follower` does both again and again. What an answer means is in `actions.updaters.claims`.
"""
