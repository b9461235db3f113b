"""The pages: look, check, decide. Needs the extra `pimmi[ui]`."""
