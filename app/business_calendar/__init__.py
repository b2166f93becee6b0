"""Working-time engine: when is it due?

Pure: it knows neither Flask nor the database; aware moments in, aware moments out, counted in
Asia/Almaty.  The rules are numbered R1 to R15 as in the regulation of counting (docs/definitions.md).

- ``days``: which dates are open: the year tables, each in its newest version.  A missing year is an error.
- ``hours``: open time: service hours over open dates; moving along it and measuring it.
- ``clocks``: targets, pauses and what follows: due, remaining, a share of the time.  Open this first.
- ``policies``: named promises: which target runs for which case, on whose hours.
- ``definitions``: reads the files of ``calendars/`` beside it, tells every fault of every file.
"""
