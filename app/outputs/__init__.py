"""Which papers has the system issued to an organisation about itself: extracts, reports, references?

``operations.draft`` gathers the facts and lays the paper out, ``operations.issue`` numbers and keeps it; ``queries``
says who may see it.  A paper is never changed: the database refuses it, and a correction is another paper.
"""
