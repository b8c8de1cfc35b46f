"""How single values of a row are read: texts, columns, JSON in text, and their faults."""
