"""How passes are computed; nothing here is imported before the first tile asks for it."""
