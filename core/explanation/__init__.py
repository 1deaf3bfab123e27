"""Why a price is what it is, what would change it, and how far it can be trusted."""
