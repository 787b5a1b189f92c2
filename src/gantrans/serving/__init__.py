"""The page and the endpoints of `gantrans serve`: trained models, tried in a browser."""
