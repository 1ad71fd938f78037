"""The records as a warehouse sees them: columns, statements, compaction."""
