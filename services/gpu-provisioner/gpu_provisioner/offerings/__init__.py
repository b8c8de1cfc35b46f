"""Which instance type a claim gets: what meets it, what is available, and what was refused."""
