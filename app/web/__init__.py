"""What all screens share: who may (access), refusals (errors), words and menu (templating), the clock.

Nothing here knows a room: rooms register their own blueprints and context.
"""
