"""The simulation of demand: clients, front doors and InferenceSets, without nodes and Azure."""
