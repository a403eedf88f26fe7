"""`mediastreamer privacy audit`: canaries go in, and everything that could have kept one is read.

`canaries` makes and finds them, `traffic` sends them, `watch` sees what is written meanwhile,
`files`, `processes` and `stores` are where they are looked for, `report` says what was found.
"""
