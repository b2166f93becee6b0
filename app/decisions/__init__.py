"""Meetings of the Exchange's deciding bodies, and what they decide.

``models`` (what is kept) <- ``queries`` <- the verbs: ``convening`` (meetings and agendas), ``sitting`` (attendance,
conflicts, votes), ``deciding`` (the decision, its conditions), ``minutes`` <- ``views``.  The rules of quorum and
majority are the engine ``app.bodies``.  An application moves by its own procedure's transitions alone, which
these verbs take: the agenda appoints its meeting, the item records its decision.
"""
