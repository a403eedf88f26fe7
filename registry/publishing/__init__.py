"""From the database to Redis: pending networks -> grants -> one MULTI.

Level-triggered. An action stores *which networks changed* (`pending`) in the transaction of the
change itself. A drain works out what each of them should be from the database as it is then
(`grants`), publishes the differences, and deletes exactly the rows that it read. So a crash
anywhere loses nothing, and doing it twice is harmless.
"""
