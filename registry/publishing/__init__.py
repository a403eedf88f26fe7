"""From the database to Redis: pending networks -> grants -> one MULTI.

Publishing is level-triggered. An action stores *which networks changed* in the transaction of the
change itself (`registry.pending`). A drain computes the grant of each network from the database
as it is then (`grants`), publishes the differences, and deletes exactly the pending rows that it
read. So a crash at any point loses nothing, and repeating a drain is harmless.
"""
