"""DDNS host names, asked every five minutes: claims of where a home is, not proofs.

`hostnames` says which names may be followed, `answers` what an answer means for a slot, both
without any look-up; `lookup` asks the name servers, `follower` does it all again and again.
"""
