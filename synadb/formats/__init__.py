"""Other trackers' file formats, read without their libraries."""
