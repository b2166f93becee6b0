"""What the Exchange tells everybody: new functions, and which contacts hold from which day.

Announcements are only added; one that was wrong is followed by another.
"""
