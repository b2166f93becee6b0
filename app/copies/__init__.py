"""The whole of an installation in one folder, and back into an empty place.

Open ``making`` first: it reads the database in one transaction, so that a copy is of one moment while
everybody goes on working.  ``restoring`` takes a copy in and proves that what stands there is what was copied.
``parts`` knows the folder (a manifest, sums, tables, files), ``rows`` how a table becomes lines and rows again;
neither asks which database it is, so a copy of SQLite may be restored into PostgreSQL and the other way round.

Source: ESRV-33.a (copies of the database and the log on another server).
"""

from __future__ import annotations
