"""What a study gives: its tables, and the files they are written to."""
