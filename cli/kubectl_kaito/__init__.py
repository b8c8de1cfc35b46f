"""`kubectl kaito`: know the price before you spend, and the cause when it stops.

Each verb is a folder: `observe` reads, `view` computes what to say from what was read and knows
neither cluster nor terminal, and `table` lays it out for people. `-o json|yaml` prints the view.
"""
