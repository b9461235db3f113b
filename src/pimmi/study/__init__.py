"""The study folder: names, formats, atomic writes, lock, and the tables read from it."""
