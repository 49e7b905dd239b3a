"""Enhancement: the types, the catalog of shipped networks, and running them (apply, session, tiling)."""
