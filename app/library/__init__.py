"""What everybody may read: the normative base and the Exchange's insiders."""
