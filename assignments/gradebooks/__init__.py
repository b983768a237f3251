"""Rosters of Canvas, Moodle and others: read, filled, otherwise left as they were."""
