"""What each method's first spec says: one file a paper, and what the papers share. No torch."""
