"""Telling people: a row in the cabinet and a mail, written with the act, sent after its commit."""
