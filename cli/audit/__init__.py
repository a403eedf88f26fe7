"""`mediastreamer privacy audit`: sends canaries, then searches everything that could store one.

`canaries` makes and finds them, `traffic` sends them, and `watch` sees which files are written
meanwhile. `files`, `processes`, `stores` and `surroundings` search; `report` has the results.
"""
