"""The log, and the snapshots of what was folded from it.

`memory` is the double and the default where no file is wanted; `sqlite` keeps the log in a file.
"""
