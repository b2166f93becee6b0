"""Kezen: listing procedures between issuers and an exchange, from application to archive.

The map of the house. Every import points down; import-linter holds it so (pyproject.toml).

    factory                                 the roof; wsgi.py alone imports it
    cli                                     the flask commands
    demo                                    demo data and accounts, told with the rooms' own verbs
    applications, library                   the rooms, named in the user's words
    organisations, notifications, accounts, audit
    web                                     what all screens share
    catalogue                               the definitions in force: procedures, forms, trust store
    copies                                  all that is kept in one folder, and back into an empty place
    db, schema, storage, pdf, sandbox       one door each: database, migrations, files, WeasyPrint, test PKI
    workflows, forms, signatures, files     the engines: pure, no Flask, no database
    expressions                             the language of conditions, beneath forms and workflows
    permissions, terms                      who may what; every word in three languages
    definition_files, errors, config        the ground

Read first: ``workflows/share_listing.v1.yaml``, then ``app/applications/approval.py``,
then ``tests/journeys``.  This file imports nothing, so that importing an engine loads no Flask.
"""
