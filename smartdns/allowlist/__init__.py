"""The allowlist in this process's own memory, kept in step with Redis.

`redis_feed` reads snapshots and changes; `follower` decides what of them is newer than what we
have; `mirror` answers look-ups, out of a `grant_table` made of one `prefix_table` for each length
of network. Nothing here waits for Redis while a query is answered.
"""
