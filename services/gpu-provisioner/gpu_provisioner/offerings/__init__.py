"""Which machine a claim gets: what fits it, what may be bought now, and what was refused."""
