"""InferenceSets: replicas of a Workspace, which the rest of this controller reconciles."""
