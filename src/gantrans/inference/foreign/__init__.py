"""Networks of other projects: their `.pth` files in (bring_in.py), and out again (write.py)."""
