"""The errors that pimmi raises for what a user can put right."""


class PimmiError(Exception):
    """What was wrong, where, and what to do, in one sentence; the command line prints it and exits with 2."""


class UnreadableImage(PimmiError):
    """A file that can't be decoded as an image; its text is the reason kept in the images table."""


class StudyError(PimmiError):
    """A study folder that is missing, damaged, in use, or made with other settings."""


class SettingsError(PimmiError):
    """A setting that doesn't exist or has a value out of its range."""
