"""What depends on what: adding images, linking, grouping and searching, as tasks over a study folder."""
