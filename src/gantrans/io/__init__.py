"""Reading files of folders that others may have filled, and showing text that others wrote."""
