"""What heads see: load, time kept, bottlenecks, and how procedures really run, with the list behind each number.

``cases`` makes of an application's moves what is counted, ``counting`` counts it: both are pure.  ``queries``
keeps the cases of all applications at hand, ``reports`` makes pages of the counts, ``drawing`` charts.
"""
