"""Built-in components, registered through the same hook as anyone's."""
